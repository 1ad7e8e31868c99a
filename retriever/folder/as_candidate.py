"""A picture of a folder as a candidate."""

import re
from collections.abc import Sequence
from pathlib import Path

from phrasepix_core.candidate import Candidate, Rendition
from phrasepix_core.licence import Licence, licence_named
from retriever.folder.contents import Contents
from retriever.folder.facts import Facts
from retriever.folder.names import shown
from retriever.folder.profile import FOLDER


def candidate_of(
    contents: Contents, facts: Facts, paths: Sequence[Path], found_by: str, *, below: Path | None = None
) -> Candidate:
    """The candidate for a content that lies at `paths`, the first of which it is known by; `below` is the folder."""
    path = paths[0]
    relative = shown((path.relative_to(below) if below else Path(path.name)).as_posix())
    urls = [path.as_uri() for path in paths]
    return candidate_at(urls, contents, facts, found_by, called=shown(path.stem), relative_path=relative)


def candidate_at(
    urls: Sequence[str], contents: Contents, facts: Facts, found_by: str, *, called: str, relative_path: str = ""
) -> Candidate:
    """The candidate for a content that lies at `urls`, and is `called` so if its facts say no title."""
    licence = licence_of(facts)
    credit = credit_of(facts)
    url, *others = urls
    return Candidate(
        source=FOLDER.name,
        id=contents.digest,
        page_url=url,
        renditions=(Rendition(url, facts.width, facts.height),),
        width=facts.width,
        height=facts.height,
        media_type="photo",
        tags=facts.keywords,
        creator=facts.creator,
        creator_url="",
        licence=licence.name,
        licence_url=licence.url,
        credit=credit,
        found_by=found_by,
        title=facts.title or called,
        attribution=credit if facts.credit or facts.rights else "",
        commercial_use=licence.commercial,
        modification=licence.modification,
        credit_owed=licence.credit_owed if licence.name or licence.url or not credit else True,
        taken_on=facts.taken_on,
        ai_generated=facts.ai_generated,
        other_urls=tuple(others),
        relative_path=relative_path,
    )


def licence_of(facts: Facts) -> Licence:
    """The licence that the metadata name; a mere copyright notice is none, and allows nothing."""
    return licence_named(facts.terms, facts.terms_url if re.match(r"https?://[^/\s]", facts.terms_url) else "")


def credit_of(facts: Facts) -> str:
    """All that the file says of whom to credit: creator, credit and copyright notice, nothing of it twice."""
    said: list[str] = []
    for text in (facts.creator, facts.credit, facts.rights):
        if text and not any(_words(text) <= _words(other) for other in said):
            said = [*(other for other in said if not _words(other) <= _words(text)), text]
    return ", ".join(said)


def _words(text: str) -> frozenset[str]:
    """The words of a text, with the signs for copyright as one of them."""
    return frozenset(re.findall(r"[\w©]+", re.sub(r"\(c\)|\bcopyright\b", "©", text.casefold())))
