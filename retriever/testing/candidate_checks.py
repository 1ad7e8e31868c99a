"""What a source promises about each candidate: names, rights, addresses, sizes, tags."""

import re
from collections.abc import Iterator
from dataclasses import fields
from datetime import date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote, urlsplit
from urllib.request import url2pathname

from phrasepix_core.candidate import Candidate, Clip, Rendition
from phrasepix_core.candidate_json import candidate_from_json, candidate_to_json
from phrasepix_core.contracts import breach, demand, nothing_to_check, shown
from phrasepix_core.licence import licence_named
from phrasepix_core.text import printable
from retriever.filters import COLOURS, MEDIA_TYPES
from retriever.profile import SourceProfile
from retriever.protocol import Retriever, is_on_disk
from retriever.testing.trial import CANDIDATE, CONTRACT, RETRIEVER, SourceTrial

_LEFTOVERS = re.compile(r"\{\w*\}|(?:none|null|nan|undefined)", re.IGNORECASE)
"""What a program leaves behind that filled in nothing."""
_TEXTS = ("id", "title", "creator", "licence", "credit", "attribution", "found_by", "relative_path", "catalogue")
_FLAGS = (
    "commercial_use", "modification", "credit_owed", "ai_generated", "no_ai_training", "g_rated",
)  # fmt: skip


def _each(trial: SourceTrial) -> Iterator[tuple[Retriever, Candidate, str]]:
    """Yield each candidate with the retriever, which is open meanwhile, and how it is named in an error."""
    with trial.opened() as retriever:
        for candidate in trial.some(retriever):
            yield retriever, candidate, f"{trial.asked()}, candidate {candidate}"


@CONTRACT.promise("its name is one word of printable text, and stands in every candidate", see=f"{RETRIEVER}.name")
def names_itself(trial: SourceTrial) -> None:
    """The retriever, the profile and the candidates agree."""
    with trial.opened() as retriever:
        name = retriever.name
        is_word = isinstance(name, str) and bool(name) and printable(name) == name and not re.search(r"[\s/\\]", name)
        demand(is_word, "the property name", shown(name))
        if (profile := trial.profile(retriever)) is not None:
            demand(profile.name == name, "profile.name and name", f"{profile.name!r} and {name!r}")
        for candidate in trial.some(retriever):
            demand(candidate.source == name, trial.asked(), f"{candidate} with source={candidate.source!r}")


@CONTRACT.promise("its profile is complete and the same each time", see="retriever.profile.SourceProfile")
def describes_itself(trial: SourceTrial) -> None:
    """For whoever must show the source, credit it and get a key for it."""
    profile = trial.source.profile
    demand(isinstance(profile, SourceProfile), "the property profile", type(profile).__name__)
    demand(trial.source.profile == profile, "the property profile, twice", "two different profiles")
    for name in ("name", "title", "mention"):
        text = getattr(profile, name)
        demand(bool(text) and printable(text) == text, f"profile.{name}", shown(text))
    for name in ("home_url", "api_url", "licence_url", "key_url"):
        url = getattr(profile, name)
        demand(not url or _is_web(url), f"profile.{name}", shown(url))
    for name in ("page_size", "deepest"):
        demand(getattr(profile, name) >= 1, f"profile.{name}", shown(getattr(profile, name)))
    demand(isinstance(profile.remembered_for, timedelta), "profile.remembered_for", shown(profile.remembered_for))
    demand(profile.remembered_for >= timedelta(0), "profile.remembered_for", "a span below nothing")
    why = profile.why_not_remembered
    says_why = bool(why) and printable(why) == why and "\n" not in why
    demand(profile.may_be_remembered or says_why, "profile.why_not_remembered", f"{why!r}, and nothing is remembered")
    keys = [bool(text) for text in (profile.key_url, profile.key_variable, profile.key_setting)]
    demand(all(keys) or not any(keys), "key_url, key_variable and key_setting", "some of the three, not all or none")
    line = profile.credit_of("Ada Lovelace", "CC BY 4.0")
    names_creator = not profile.credit or "Ada Lovelace" in line
    demand(names_creator and "{" not in line, "profile.credit_of('Ada Lovelace', 'CC BY 4.0')", shown(line))


@CONTRACT.promise("every field is of its documented kind", see=CANDIDATE)
def gives_facts_of_the_right_kind(trial: SourceTrial) -> None:
    """Texts, tuples, flags, dates; what is not known is None or empty."""
    for _, candidate, given in _each(trial):
        try:
            hash(candidate)
        except TypeError as error:
            breach(given, f"a field that can be changed: {error}")
        for name in (field.name for field in fields(Candidate) if field.type in {"str", str}):
            demand(isinstance(getattr(candidate, name), str), given, f"{name}={getattr(candidate, name)!r}, no text")
        for name in _FLAGS:
            demand(getattr(candidate, name) in (True, False, None), given, f"{name}={getattr(candidate, name)!r}")
        for name in ("taken_on", "uploaded_on"):
            day = getattr(candidate, name)
            is_day = day is None or (isinstance(day, date) and not isinstance(day, datetime))
            demand(is_day, given, f"{name}={day!r}, no datetime.date")
        demand(candidate.media_type in MEDIA_TYPES[1:], given, f"media_type={candidate.media_type!r}")
        demand(set(candidate.colours) <= set(COLOURS), given, f"colours={candidate.colours!r}")
        is_asked = candidate.found_by == trial.tag
        demand(is_asked, given, f"found_by={candidate.found_by!r}, not the tag {trial.tag!r}")


@CONTRACT.promise(
    "texts are one line that can be shown: nothing invisible, nothing that steers a terminal", see=CANDIDATE
)
def gives_texts_that_can_be_shown(trial: SourceTrial) -> None:
    """`phrasepix_core.text.printable` changes none of them."""
    for _, candidate, given in _each(trial):
        for name in _TEXTS:
            text = getattr(candidate, name)
            demand(printable(text) == text, given, f"{name}={text!r}")
        demand(bool(candidate.id), given, "an empty id")


@CONTRACT.promise("tags are words that can be shown, each once", see=CANDIDATE)
def gives_clean_tags(trial: SourceTrial) -> None:
    """A tuple of texts."""
    for _, candidate, given in _each(trial):
        tags = candidate.tags
        demand(isinstance(tags, tuple), given, f"tags of the type {type(tags).__name__}")
        for tag in tags:
            demand(isinstance(tag, str) and bool(tag) and printable(tag) == tag, given, f"the tag {tag!r}")
        demand(len(set(tags)) == len(tags), given, f"a tag twice: {shown(tags)}")


@CONTRACT.promise("creator, licence and credit are what the source says: nothing lost, nothing invented", see=CANDIDATE)
def gives_rights_as_they_are(trial: SourceTrial) -> None:
    """The credit names the creator, and no use is allowed that the licence does not allow."""
    for retriever, candidate, given in _each(trial):
        for name in ("creator", "licence", "credit", "attribution", "title"):
            text = getattr(candidate, name)
            leftover = _LEFTOVERS.fullmatch(text) or (re.search(r"\{\w*\}", text) if name == "credit" else None)
            demand(leftover is None, given, f"{name}={text!r}, which a program left behind")
        line = f"{candidate.credit} {candidate.attribution}"
        if candidate.creator:
            named = set(_words(candidate.creator)) <= set(_words(line))
            demand(named, given, f"a credit that does not name the creator {candidate.creator!r}: {line.strip()!r}")
        if candidate.credit_owed:
            demand(bool(line.strip()), given, "credit_owed=True, and no credit")
        profile = trial.profile(retriever)
        if profile is not None and profile.licence:
            same = candidate.licence == profile.licence
            demand(same, given, f"licence={candidate.licence!r}; the profile's is {profile.licence!r}")
        else:
            _demand_no_use_beyond_the_licence(candidate, given)


def _demand_no_use_beyond_the_licence(candidate: Candidate, given: str) -> None:
    licence = licence_named(candidate.licence, candidate.licence_url)
    for name, allowed in (("commercial_use", licence.commercial), ("modification", licence.modification)):
        said = getattr(candidate, name)
        if candidate.licence or candidate.licence_url:
            agrees = allowed is None or said in (None, allowed)
        else:
            agrees = said is not True
        demand(agrees, given, f"{name}={said} under the licence {candidate.licence or candidate.licence_url or 'none'}")
    if licence.credit_owed and licence.commercial is not None:
        demand(candidate.credit_owed is not False, given, f"credit_owed=False under the licence {candidate.licence}")


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text.casefold())


@CONTRACT.promise("addresses are absolute and of the web, or files of this machine if it is on_disk", see=CANDIDATE)
def gives_whole_addresses(trial: SourceTrial) -> None:
    """Pages may be missing; files of pictures may not."""
    for retriever, candidate, given in _each(trial):
        files = is_on_disk(retriever)
        pages = ("page_url", "creator_url", "licence_url", "download_location")
        urls = [(name, getattr(candidate, name)) for name in pages if getattr(candidate, name)]
        urls += [("the url of a rendition", rendition.url) for rendition in candidate.renditions]
        urls += [("other_urls", url) for url in candidate.other_urls]
        urls += [("the url of a clip", clip.url) for clip in candidate.clips]
        for name, url in urls:
            is_fine = isinstance(url, str) and (_is_web(url) or (files and _is_a_file(url)))
            why = "a file, and the retriever is not on_disk" if str(url).startswith("file:") else "no address"
            demand(is_fine, given, f"{name}={url!r}: {why}")


@CONTRACT.promise("what may be remembered of a candidate comes back as it was", see="retriever.profile.SourceProfile")
def can_be_remembered(trial: SourceTrial) -> None:
    """A library keeps a candidate as JSON; pictures of this machine are not candidates that it remembers."""
    for retriever, candidate, given in _each(trial):
        profile = trial.profile(retriever)
        if is_on_disk(retriever) or profile is None or not profile.may_be_remembered:
            nothing_to_check("its profile says that nothing of it is remembered")
        try:
            again = candidate_from_json(candidate_to_json(candidate), candidate.found_by)
        except (ValueError, TypeError) as error:
            breach(given, f"a candidate that cannot be kept: {error}")
        demand(again == candidate, given, f"after it was kept: {shown(again)}")


def _is_web(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.hostname) and url.isprintable() and " " not in url


def _is_a_file(url: str) -> bool:
    parts = urlsplit(url)
    if parts.scheme != "file" or parts.netloc not in {"", "localhost"}:
        return False
    path = url2pathname(parts.path)
    return Path(path).is_file() or Path(unquote(parts.path)).is_file()


@CONTRACT.promise("renditions go from small to large, each once, in whole pixels; the largest is given", see=CANDIDATE)
def gives_true_sizes(trial: SourceTrial) -> None:
    """Of renditions, clips and the original."""
    for _, candidate, given in _each(trial):
        demand(isinstance(candidate.renditions, tuple), given, "renditions that are no tuple")
        files: list[Rendition | Clip] = [*candidate.renditions, *candidate.clips]
        for file in files:
            demand(_is_count(file.width, 1) and _is_count(file.height, 1), given, shown(file))
        demand(_is_count(candidate.width, 0) and _is_count(candidate.height, 0), given, f"{candidate.width!r} × "
               f"{candidate.height!r} pixels")  # fmt: skip
        for small, large in pairwise(candidate.renditions):
            demand(small.short_side <= large.short_side, given, f"{shown(small)} before {shown(large)}")
        for alike in (candidate.renditions, candidate.clips):
            demand(len({file.url for file in alike}) == len(alike), given, "one address at two sizes")
        demand(
            candidate.renditions[-1].as_given, given, "a largest rendition by a derived address, which may be missing"
        )
        duration = candidate.duration_s
        demand(duration is None or duration > 0, given, f"duration_s={duration!r}")


def _is_count(number: object, least: int) -> bool:
    return isinstance(number, int) and not isinstance(number, bool) and number >= least
