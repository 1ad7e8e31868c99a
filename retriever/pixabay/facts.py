"""What the hits of pictures and of videos have in common, read with care.

Recorded answers of several years differ: keys come in any order, go missing and are added; tags repeat;
a flag can be the integer 0.
"""

import re
from collections.abc import Mapping
from datetime import date
from typing import Any

from phrasepix_core.candidate import Candidate, Clip, Rendition
from retriever.api.json_fields import flag_of, text_of, url_of, words_of
from retriever.profile import SourceProfile

_DAY = re.compile(r"/(?:photo|video)/(\d{4})/(\d\d)/(\d\d)/")


def described(
    hit: Mapping[str, Any],
    profile: SourceProfile,
    found_by: str,
    catalogue: str,
    *,
    identifier: str,
    renditions: tuple[Rendition, ...],
    size: tuple[int, int],
    media_type: str,
    uploaded_on: date | None,
    duration_s: float | None = None,
    clips: tuple[Clip, ...] = (),
) -> Candidate:
    """The candidate of a hit whose pictures were found: what remains is said alike of pictures and videos."""
    creator = text_of(hit, "user")
    width, height = size
    return Candidate(
        source=profile.name,
        id=identifier,
        page_url=url_of(hit, "pageURL"),
        renditions=renditions,
        width=width,
        height=height,
        media_type=media_type,
        tags=_tags(hit.get("tags")),
        creator=creator,
        creator_url=url_of(hit, "userURL") or _creator_url(hit, creator, profile),
        licence=profile.licence,
        licence_url=profile.licence_url,
        credit=profile.credit_of(creator),
        found_by=found_by,
        catalogue=catalogue,
        commercial_use=True,
        modification=True,
        credit_owed=False,
        uploaded_on=uploaded_on,
        duration_s=duration_s,
        clips=clips,
        ai_generated=flag_of(hit, "isAiGenerated"),
        no_ai_training=flag_of(hit, "noAiTraining"),
        g_rated=flag_of(hit, "isGRated"),
    )


def day_in(url: str) -> date | None:
    """The day of the upload, which stands in the path of a file that does not expire.

    No answer says it otherwise. This is not documented, but true of the recorded answers of all years.
    """
    if not (found := _DAY.search(url)):
        return None
    try:
        return date(*map(int, found.groups()))
    except ValueError:  # such as the 31st of June
        return None


def _creator_url(hit: Mapping[str, Any], creator: str, profile: SourceProfile) -> str:
    """Answers before 2024 have no `userURL`; https://pixabay.com/api/docs/ says how it is made."""
    user_id = hit.get("user_id")
    if not creator or isinstance(user_id, bool) or not isinstance(user_id, int):
        return ""
    return f"{profile.home_url}users/{creator}-{user_id}/" if re.fullmatch(r"[\w.-]+", creator) else ""


def _tags(tags: object) -> tuple[str, ...]:
    """One comma-separated string, with repeats; newer clients may meet a list."""
    words = tags.split(",") if isinstance(tags, str) else tags if isinstance(tags, list) else []
    return words_of(words)
