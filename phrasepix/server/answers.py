"""Results as the API's JSON: the object of the command's, with an id, and with addresses that pictures have here."""

from hashlib import blake2b
from typing import Any

from phrasepix.kept_searches import KeptSearch
from phrasepix.live_results import LiveMatch, LiveResults
from phrasepix.results import FoundMatch
from phrasepix.server.problems import as_json_name
from phrasepix.views.gallery.hotlinks import hotlinked
from phrasepix.views.insert import INSERT_FORMS, insert_text
from phrasepix_core.candidate import Candidate
from phrasepix_core.messages import worded


def answer_of(search: KeptSearch, results: LiveResults) -> dict[str, Any]:
    """Return results as JSON holds them: a `SearchAnswer`, in the words that JSON has for options."""
    found = results.to_dict()
    found["matches"] = [
        described | _added(search, match, described["parts"])
        for described, match in zip(found["matches"], results, strict=True)
    ]
    found["failures"] = [
        {"source": one.source, "reason": worded(one.parts, as_json_name) or one.reason} for one in results.failures
    ]
    found["notices"] = [notice.worded(as_json_name) for notice in results.notices]
    return {
        "id": search.id,
        "is_final": results.is_final,
        "request": search.request,
        "mention": results.mention,
        **found,
    }


def key_of(candidate: Candidate) -> str:
    """Return what a picture is called in an address: it stays the same wherever the picture's rank moves."""
    return blake2b("\0".join(candidate.identity).encode("utf-8", "replace"), digest_size=8).hexdigest()


def _added(search: KeptSearch, match: FoundMatch, parts: list[dict[str, Any]]) -> dict[str, Any]:
    shown = hotlinked(match.candidate)
    return {
        "share": round(match.share, 3),
        "parts": [part | {"share": round(one.share, 3)} for part, one in zip(parts, match.parts, strict=True)],
        "picture_url": shown.url if shown else _picture_url(search, match, "small"),
        "zoom_url": shown.url if shown else _picture_url(search, match, "zoom"),
        "insert": {form: insert_text(match.candidate, form) for form in INSERT_FORMS},
    }


def _picture_url(search: KeptSearch, match: FoundMatch, size: str) -> str:
    return f"/api/v1/searches/{search.id}/pictures/{match.rank}?size={size}&of={key_of(match.candidate)}"


def match_of(search: KeptSearch, rank: int, key: str = "") -> LiveMatch:
    """Return the match that is called `key`, or else the one that has the rank now. Raises `SearchGoneError`."""
    matches = search.results or ()
    return next((one for one in matches if key and key_of(one.candidate) == key), None) or search.match(rank)
