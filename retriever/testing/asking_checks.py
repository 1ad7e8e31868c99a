"""What a source promises about being asked: laziness, limit, order, filters, errors, threads, offline."""

import logging
import socket
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from itertools import islice
from typing import Any

from phrasepix_core.candidate import Candidate, Rendition
from phrasepix_core.contracts import breach, demand, in_threads, nothing_to_check, shown
from retriever.errors import AnswerNotKeptError, RetrieverError, WrongParameterError
from retriever.filtering import CHECKS
from retriever.filters import Filters
from retriever.protocol import (
    AnswersByPage,
    Downloads,
    KnowsItsFilters,
    OnDisk,
    OnLoopback,
    Page,
    Retriever,
    is_on_disk,
)
from retriever.testing.network import sent_requests
from retriever.testing.trial import CONTRACT, EVERYTHING, RETRIEVE, RETRIEVER, SOURCE, SourceTrial

_NO_COUNTS = (0, -1, 2.5, True, "5")
_ODD_TAGS = ("“quoted”", "a/b?c=d&e#f", "50 %", "<b>bold</b>", "🐅", "Zürich", "漢字", "x" * 300)
_NEVER_ASKED = "phrasepix never asked for this"
_WRONG_KEY = "wrong0key0of0a0check"

Identity = tuple[str, str]


def _identities(candidates: Iterable[Candidate]) -> list[Identity]:
    return [candidate.identity for candidate in candidates]


@CONTRACT.promise("nothing is sent before the first candidate is wanted", see=RETRIEVE)
def asks_lazily(trial: SourceTrial) -> None:
    """`retrieve` returns an iterator at once."""
    with trial.opened() as retriever, sent_requests() as sent:
        found = retriever.retrieve(trial.tag, limit=trial.limit, filters=EVERYTHING)
        demand(isinstance(found, Iterator), trial.asked(), f"{type(found).__name__}, which is no iterator")
        demand(sent.count == 0, trial.asked(), f"{sent.count} requests before next() was called")


@CONTRACT.promise("a page is asked for only when its candidates are wanted", see=RETRIEVE)
def asks_page_by_page(trial: SourceTrial) -> None:
    """The first candidate does not cost all requests."""
    with trial.opened() as retriever, sent_requests() as sent:
        found = iter(retriever.retrieve(trial.tag, limit=trial.limit, filters=EVERYTHING))
        count = sum(1 for _ in islice(found, 1))
        for_the_first = sent.count
        count += sum(1 for _ in found)
        if sent.count < 2:
            nothing_to_check(f"{count} pictures took {sent.count} requests; a larger limit=… would take several")
        demand(for_the_first < sent.count, trial.asked(), f"all {sent.count} requests before the first candidate")


@CONTRACT.promise("the tag that it has pictures for finds them", see=RETRIEVE)
def finds_pictures(trial: SourceTrial) -> None:
    """Every other check needs two pictures at least."""
    with trial.opened() as retriever:
        count = len(trial.found(retriever))
    demand(count >= 2, trial.asked(), f"{count} candidates; check_source(…, tag=…) names a tag that finds two or more")


@CONTRACT.promise("no more candidates come than the limit says, and no fewer if there are as many", see=RETRIEVE)
def keeps_to_the_limit(trial: SourceTrial) -> None:
    """One, and one fewer than there are."""
    with trial.opened() as retriever:
        there = len(trial.some(retriever))
        for limit in sorted({1, max(1, there - 1)}):
            count = sum(1 for _ in retriever.retrieve(trial.tag, limit=limit, filters=EVERYTHING))
            demand(count == limit, trial.asked(limit=limit), f"{count} candidates of {there}")


@CONTRACT.promise("each picture comes once", see=RETRIEVE)
def offers_each_picture_once(trial: SourceTrial) -> None:
    """By its identity."""
    with trial.opened() as retriever:
        seen: set[Identity] = set()
        for candidate in trial.some(retriever):
            demand(candidate.identity not in seen, trial.asked(), f"{candidate} twice")
            seen.add(candidate.identity)


@CONTRACT.promise("asked again, a source that has the same pictures offers them in the same order", see=RETRIEVE)
def repeats_its_order(trial: SourceTrial) -> None:
    """The same retriever, twice."""
    with trial.opened() as retriever:
        first, again = _identities(trial.some(retriever)), _identities(trial.found(retriever))
    demand(first == again, f"{trial.asked()} twice", f"{shown(first)}, then {shown(again)}")


@CONTRACT.promise("an identity names the same picture for good", see=RETRIEVER)
def keeps_identities(trial: SourceTrial) -> None:
    """A source opened again knows its pictures by the same identities, and each stays where it was."""
    with trial.opened() as retriever:
        first = {candidate.identity: candidate for candidate in trial.some(retriever)}
        for candidate in trial.found(retriever):
            before = first.get(candidate.identity, candidate)
            demand(
                (candidate.page_url, candidate.width, candidate.height)
                == (before.page_url, before.width, before.height),
                f"{trial.asked()} twice",
                f"{candidate.identity} at {before.page_url or before.image_url}, then at "
                f"{candidate.page_url or candidate.image_url}",
            )
    with trial.opened() as retriever:
        again = set(_identities(trial.found(retriever)))
    demand(again == set(first), f"{trial.asked()}, opened again", f"{shown(sorted(again))}, not {shown(sorted(first))}")


@CONTRACT.promise("a tag that it has no picture for finds nothing, which is no error", see=RETRIEVE)
def finds_nothing_for_an_unknown_tag(trial: SourceTrial) -> None:
    """Empty, not an exception."""
    with trial.opened() as retriever:
        found = trial.found(retriever, trial.unknown_tag)
    came = f"{len(found)} candidates, such as {shown(found[:1])}; name a tag that nobody uses: unknown_tag=…"
    demand(not found, trial.asked(trial.unknown_tag), came)


@CONTRACT.promise("a wrong parameter raises WrongParameterError, and nothing is sent", see=RETRIEVE)
def refuses_wrong_parameters(trial: SourceTrial) -> None:
    """Limits that are no counts, and tags that no person means."""
    with trial.opened() as retriever:
        tags = ["boat\x07night"] if is_on_disk(retriever) else ["boat\x07night", "", "  "]
        for tag, limit in [*((trial.tag, limit) for limit in _NO_COUNTS), *((tag, trial.limit) for tag in tags)]:
            asked = trial.asked(tag, limit)
            with sent_requests() as sent:
                try:
                    found = list(retriever.retrieve(tag, limit=limit, filters=EVERYTHING))  # type: ignore[arg-type]
                except WrongParameterError:
                    demand(sent.count == 0, asked, f"WrongParameterError, after {sent.count} requests")
                    continue
            breach(asked, f"{len(found)} candidates and no error")


@CONTRACT.promise("a tag of any characters is looked for, or refused by an error of retriever.errors", see=RETRIEVE)
def takes_odd_tags(trial: SourceTrial) -> None:
    """Quotes, marks of addresses and of HTML, other scripts, great length."""
    with trial.opened() as retriever:
        for tag in _ODD_TAGS:
            with _only_our_errors(trial.asked(shown(tag))):
                trial.found(retriever, tag)


@CONTRACT.promise(
    "a filter is honoured, or named by `unhonoured`, or refused", see="retriever.protocol.KnowsItsFilters"
)
def honours_filters(trial: SourceTrial) -> None:
    """No candidate's own facts are against a wish; for rights they must speak for it."""
    with trial.opened() as retriever:
        for name, wish in _wishes(trial.some(retriever)):
            filters = replace(EVERYTHING, **{name: wish})
            asked = trial.asked(filters=f"{name}={wish!r}")
            if name in _unhonoured(retriever, filters):
                continue
            try:
                found = trial.found(retriever, filters=filters)
            except WrongParameterError:
                continue
            for candidate in found:
                verdict = CHECKS[name](candidate, filters)
                is_fine = verdict is True if name == "licence" else verdict is not False
                demand(is_fine, asked, f"{candidate}, which is not so: {_facts_about(name, candidate)}")


def _unhonoured(retriever: Retriever, filters: Filters) -> frozenset[str]:
    if not isinstance(retriever, KnowsItsFilters):
        return frozenset()
    names = retriever.unhonoured(filters)
    is_set = isinstance(names, frozenset | set)
    demand(
        is_set and names <= filters.wishes(),
        f"unhonoured(…) of the wishes {sorted(filters.wishes())}",
        f"{shown(names)}, which is not a set of some of them",
    )
    return frozenset(names)


def _wishes(found: list[Candidate]) -> Iterator[tuple[str, Any]]:
    """Yield filters by name that some of the candidates found meet, and mostly not all."""
    for media_type in dict.fromkeys(["photo", *(candidate.media_type for candidate in found)]):
        yield "media_type", media_type
    for orientation in ("horizontal", "vertical", "square"):
        yield "orientation", orientation
    sized = sorted((candidate for candidate in found if candidate.width and candidate.height), key=lambda c: c.width)
    if sized:
        middle = sized[len(sized) // 2]
        yield "aspect_ratio", min(max(middle.width / middle.height, 0.01), 100.0)
        yield "min_width", sized[-1].width
        yield "min_height", max(candidate.height for candidate in sized)
    yield "colours", next((candidate.colours[:1] for candidate in found if candidate.colours), ("red",))
    yield "licence", ("commercial",)
    yield "licence", ("modification",)
    days = sorted(day for candidate in found if (day := candidate.taken_on or candidate.uploaded_on))
    if days:
        yield "since", days[len(days) // 2]
        yield "until", days[(len(days) - 1) // 2]
    yield "exclude_ai", True
    yield "safe_search", True
    if creator := next((candidate.creator for candidate in found if candidate.creator), ""):
        yield "creator", creator


def _facts_about(name: str, candidate: Candidate) -> str:
    facts = {
        "orientation": ("width", "height"),
        "aspect_ratio": ("width", "height"),
        "min_width": ("width",),
        "min_height": ("height",),
        "licence": ("commercial_use", "modification"),
        "since": ("taken_on", "uploaded_on"),
        "until": ("taken_on", "uploaded_on"),
        "exclude_ai": ("ai_generated",),
        "safe_search": ("g_rated",),
    }.get(name, (name,))
    return ", ".join(f"{fact}={getattr(candidate, fact)!r}" for fact in facts)


@CONTRACT.promise("pages bring what `retrieve` brings, one request each", see="retriever.protocol.AnswersByPage")
def answers_by_page(trial: SourceTrial) -> None:
    """For a retriever that has `pages`."""
    with trial.opened() as retriever:
        if not isinstance(retriever, AnswersByPage):
            nothing_to_check("it has no pages(…)")
        came: list[Candidate] = []
        asked = f"pages({trial.tag!r}, limit={trial.limit})"
        with sent_requests() as sent:
            pages = retriever.pages(trial.tag, limit=trial.limit, filters=EVERYTHING)
            demand(sent.count == 0, asked, f"{sent.count} requests before next() was called")
            for number, page in enumerate(pages, start=1):
                if number == 1:
                    demand(sent.count <= 1, asked, f"{sent.count} requests for the first page")
                of_page = list(page)
                if isinstance(page, Page):
                    is_fine = page.offered >= len(of_page) and (page.total is None or page.total >= 0)
                    demand(is_fine, asked, f"page {number} of {len(of_page)} candidates with {shown(page)}")
                came += of_page
        found = _identities(trial.found(retriever))
    demand(_identities(came) == found, asked, f"{shown(_identities(came))}, and retrieve: {shown(found)}")


@CONTRACT.promise("what it says of itself beyond `retrieve` is of the promised kind", see="retriever.protocol")
def says_plainly_what_it_can(trial: SourceTrial) -> None:
    """Flags are true or false; the file to save is a file."""
    with trial.opened() as retriever:
        for kind, flag in ((OnDisk, "on_disk"), (OnLoopback, "on_loopback")):
            value = getattr(retriever, flag) if isinstance(retriever, kind) else False
            demand(isinstance(value, bool), f"the property {flag}", shown(value))
        if isinstance(retriever, Downloads):
            first = trial.some(retriever)[0]
            file = retriever.file_to_save(first)
            is_file = isinstance(file, Rendition) and file.url.startswith(("https://", "http://", "file:"))
            demand(is_file, f"file_to_save({first})", shown(file))


@CONTRACT.promise("it may be opened again, twice at once, left half-read and closed twice", see=f"{SOURCE}.open")
def opens_and_closes(trial: SourceTrial) -> None:
    """In any order."""
    source = trial.source
    with trial.opened() as one, trial.opened() as other:
        expected = _identities(trial.some(one))
        demand(_identities(trial.found(other)) == expected, "open(…) twice at once", "other candidates from the second")
        _close_twice(other)
        unread = one.retrieve(trial.tag, limit=trial.limit, filters=EVERYTHING)
        next(unread)
    _close_twice(one)
    with source.open(trial.opening) as retriever:
        again = _identities(trial.found(retriever))
        demand(again == expected, "open(…) after it was closed", shown(again))


def _close_twice(retriever: Retriever) -> None:
    close = getattr(retriever, "close", None)
    for time in ("first", "second"):
        if callable(close):
            try:
                close()
            except Exception as error:
                breach(f"close(), for the {time} time", f"{type(error).__name__}: {error}")


@CONTRACT.promise("two threads may ask at the same time, and each gets what it would get alone", see=RETRIEVER)
def serves_two_threads(trial: SourceTrial) -> None:
    """One retriever for both."""
    with trial.opened() as retriever:
        alone = _identities(trial.some(retriever))
    with trial.opened() as retriever:
        answers = in_threads([lambda: _identities(trial.found(retriever))] * 2)
    for answer in answers:
        demand(answer == alone, f"{trial.asked()} in two threads", f"{shown(answer)}, alone {shown(alone)}")


@CONTRACT.promise("whatever goes wrong is an error of retriever.errors", see="retriever.errors")
def fails_by_its_own_errors(trial: SourceTrial) -> None:
    """At an address where nobody listens, and with a key that is none."""
    with socket.create_server(("127.0.0.1", 0)) as unused:
        nowhere = f"http://127.0.0.1:{unused.getsockname()[1]}/"
    changes: list[dict[str, Any]] = [{"base_url": nowhere}]
    if trial.source.profile.needs_key:
        changes.append({"key": _WRONG_KEY})
    for change in changes:
        with _only_our_errors(f"open(Opening({shown(change)})) and {trial.asked()}"), trial.opened(**change) as one:
            trial.found(one)


@contextmanager
def _only_our_errors(given: str) -> Iterator[None]:
    try:
        yield
    except RetrieverError as error:
        demand(bool(str(error).strip()), given, f"{type(error).__name__} without a message")
    except Exception as error:
        breach(given, f"{type(error).__name__}, which is no RetrieverError: {error}")


@CONTRACT.promise(
    "offline nothing is sent, and what is not kept raises AnswerNotKeptError", see="retriever.source.Opening"
)
def stays_offline(trial: SourceTrial) -> None:
    """A source that has its own server in this process may ask that one."""
    has_own_server = trial.opening.base_url is None and not trial.source.profile.api_url
    given = f"Opening(offline=True) and retrieve({_NEVER_ASKED!r})"
    with sent_requests() as sent:
        try:
            with trial.opened(offline=True, key=None) as retriever:
                trial.found(retriever, _NEVER_ASKED)
        except AnswerNotKeptError:
            pass
        except RetrieverError as error:
            breach(given, f"{type(error).__name__}: {error}")
    strangers = sent.beyond_this_machine if has_own_server else sent.connected_to
    demand(not strangers, given, f"connections to {', '.join(dict.fromkeys(strangers))}")


@CONTRACT.promise(
    "the key is shown nowhere: neither in a repr, nor in an error, nor on the log", see="retriever.errors"
)
def keeps_the_key_secret(trial: SourceTrial) -> None:
    """The key of the opening, and a wrong one that an error might quote."""
    key = trial.opening.key
    if not trial.source.profile.needs_key or not key:
        nothing_to_check("it needs no key, or opening=Opening(key=…) gives none")

    def nowhere_in(given: str, secret: str, *texts: str) -> None:
        for text in texts:
            demand(secret not in text, given, text.replace(secret, "THE KEY")[:300])

    with _log() as lines, trial.opened() as retriever:
        found = trial.found(retriever)
        nowhere_in(
            "repr of what it opened", key, repr(retriever), str(retriever), repr(trial.source), *map(repr, found)
        )
    nowhere_in(f"the log of {trial.asked()}", key, *lines)
    with _log() as lines, suppress(RetrieverError):
        try:
            with trial.opened(key=_WRONG_KEY) as retriever:
                trial.found(retriever)
        except RetrieverError as error:
            nowhere_in("the error for a wrong key", _WRONG_KEY, repr(error), str(error))
    nowhere_in("the log for a wrong key", _WRONG_KEY, *lines)


@contextmanager
def _log() -> Iterator[list[str]]:
    """All that is logged within the context, of every level."""
    lines: list[str] = []
    handler = _Lines(lines.append)
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        yield lines
    finally:
        root.setLevel(level)
        root.removeHandler(handler)


class _Lines(logging.Handler):
    def __init__(self, take: Callable[[str], None]) -> None:
        super().__init__()
        self._take = take

    def emit(self, record: logging.LogRecord) -> None:
        self._take(self.format(record))
