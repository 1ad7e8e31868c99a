"""Which candidates can be written down: a plug-in may have made them, and a row outlives its search."""

from typing import Final
from urllib.parse import urlsplit

from phrasepix_core.candidate import Candidate
from phrasepix_core.candidate_json import candidate_from_json, candidate_to_json
from retriever.api_key import ApiKey

SECRET: Final = "an address holds a key or a password"  # noqa: S105  # words about one
BROKEN: Final = "what was said of them cannot be kept as it is"


def why_not_written(candidate: Candidate, source: str, key: ApiKey | None) -> str:
    """Return why a candidate that `source` has offered is not to be written down; empty if it may be.

    It says that it is of another source, would come back as another candidate, or holds the `key` that its source was
    asked by, or somebody's password.
    """
    try:
        text = candidate_to_json(candidate)
        if candidate.source != source or candidate_from_json(text, candidate.found_by) != candidate:
            return BROKEN
        addresses = (
            candidate.page_url,
            candidate.creator_url,
            candidate.licence_url,
            candidate.download_location,
            *candidate.other_urls,
            *(rendition.url for rendition in candidate.renditions),
            *(clip.url for clip in candidate.clips),
        )
        has_password = any("@" in urlsplit(address).netloc for address in addresses)
    except (ValueError, TypeError, AttributeError):
        return BROKEN
    return SECRET if has_password or (key is not None and key.redact(text) != text) else ""
