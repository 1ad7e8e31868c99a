"""A picture of a folder as a candidate."""

import re
from collections.abc import Sequence
from pathlib import Path

from retriever.candidate import Candidate, Rendition
from retriever.folder.contents import Contents
from retriever.folder.facts import Facts
from retriever.folder.names import shown
from retriever.folder.profile import FOLDER
from retriever.licence import Licence, creative_commons, licence_named

NOT_SAID = "licence not said"
_DEED = re.compile(r"https?://creativecommons\.org/(?:licenses|publicdomain)/([a-z-]+)(?:/([\d.]+))?(?:/([a-z]+))?")
_KINDS = {"zero": "cc0", "mark": "pdm"}


def candidate_of(
    contents: Contents, facts: Facts, paths: Sequence[Path], found_by: str, *, below: Path | None = None
) -> Candidate:
    """The candidate for a content that lies at `paths`, the first of which it is known by; `below` is the folder."""
    licence = licence_of(facts)
    url, *others = (path.as_uri() for path in paths)
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
        credit=facts.credit or facts.rights or facts.creator,
        found_by=found_by,
        title=facts.title or shown(paths[0].stem),
        commercial_use=licence.commercial,
        modification=licence.modification,
        credit_owed=None if licence.name == NOT_SAID else licence.credit_owed,
        taken_on=facts.taken_on,
        ai_generated=facts.ai_generated,
        other_urls=tuple(others),
        relative_path=shown((paths[0].relative_to(below) if below else Path(paths[0].name)).as_posix()),
    )


def licence_of(facts: Facts) -> Licence:
    """The licence that the metadata name; a mere copyright notice allows nothing."""
    url = facts.terms_url if re.match(r"https?://[^/\s]", facts.terms_url) else ""
    if match := _DEED.match(url):
        known = creative_commons(_KINDS.get(match[1], match[1]), match[2] or "", match[3] or "")
        if known is not None:
            return known
    return licence_named(facts.terms or facts.rights or (url and "see its web statement") or NOT_SAID, url)
