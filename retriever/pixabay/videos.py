"""Pixabay's videos: found by their stills, at an endpoint of their own.

An answer of today gives each clip its `thumbnail`; older ones give a `picture_id`, from which Vimeo's still follows. A
video has an id of its own kind (`video-7`): its number may be a picture's too.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

from phrasepix_core.candidate import Candidate, Clip, Rendition
from retriever.api.json_fields import UnusableHitError, pixels_of, text_of, url_of, usable_entry
from retriever.filters import Filters
from retriever.pixabay.answers import PixabayAnswers
from retriever.pixabay.facts import day_in, described
from retriever.pixabay.request import PER_PAGE, PixabayRequest
from retriever.profile import SourceProfile

VIDEO_ID = re.compile(r"video-(\d+)")
_PATH = "videos/"
_OF_PICTURES_ONLY = frozenset({"image_type", "orientation", "colors"})
_CLIPS = ("tiny", "small", "medium", "large")
_VIMEO = "https://i.vimeocdn.com/video/{picture_id}_{width}x{height}.jpg"
_VIMEO_SIZES = ((295, 166), (640, 360), (1920, 1080))


class PixabayVideosAdapter(PixabayAnswers):
    """https://pixabay.com/api/docs/#api_search_videos."""

    asks: ClassVar[frozenset[str]] = frozenset(
        {"media_type", "min_width", "min_height", "safe_search", "category", "editors_choice"}
    )
    tells: ClassVar[frozenset[str]] = frozenset(
        {"orientation", "aspect_ratio", "licence", "creator", "exclude_ai", "since", "until"}
    )
    smallest_page: ClassVar[int] = PER_PAGE.start

    def search_path(self) -> str:
        """Videos have an endpoint of their own."""
        return _PATH

    def parameters(self, tag: str, filters: Filters, page: int, page_size: int) -> Mapping[str, str]:
        """The query of a page: a picture's without what is said of pictures only."""
        of_any = replace(filters, media_type="all", orientation="all", colours=())
        return _of_videos(PixabayRequest.of(tag, of_any, page=page, per_page=page_size))

    def candidate(self, hit: Any, found_by: str, catalogue: str) -> Candidate:
        """See `candidate_from_video`."""
        return candidate_from_video(hit, self.profile, found_by, catalogue)

    def look_up(self, identifier: str) -> tuple[str, Mapping[str, str]] | None:
        """One video, by the number in its id."""
        if not (found := VIDEO_ID.fullmatch(identifier)):
            return None
        return _PATH, _of_videos(PixabayRequest(id=int(found[1]), per_page=PER_PAGE.start))


def _of_videos(request: PixabayRequest) -> dict[str, str]:
    parameters = {name: value for name, value in request.parameters().items() if name not in _OF_PICTURES_ONLY}
    return parameters | {"video_type": "all"}


def candidate_from_video(hit: object, profile: SourceProfile, found_by: str, catalogue: str = "") -> Candidate:
    """The candidate a video's hit describes; its renditions are stills. Raises `UnusableHitError`."""
    facts, identifier = usable_entry(hit)
    files = facts.get("videos")
    given = (
        [files[name] for name in _CLIPS if isinstance(files.get(name), Mapping)] if isinstance(files, Mapping) else []
    )
    clips = _clips(given)
    stills = _thumbnails(given) or _vimeo_stills(text_of(facts, "picture_id"))
    if not stills:
        raise UnusableHitError("it has no still")
    urls = [still.url for still in stills] + [clip.url for clip in clips]
    largest = clips[-1] if clips else stills[-1]
    return described(
        facts,
        profile,
        found_by,
        catalogue,
        identifier=f"video-{identifier}",
        renditions=stills,
        size=(largest.width, largest.height),
        media_type="video",
        uploaded_on=next((day for url in urls if (day := day_in(url))), None),
        duration_s=_seconds(facts.get("duration")),
        clips=clips,
    )


def _clips(files: list[Mapping[str, Any]]) -> tuple[Clip, ...]:
    """The clips that are there, small to large: one that is not has an empty address."""
    sized = ((url_of(file, "url"), pixels_of(file, "width"), pixels_of(file, "height")) for file in files)
    clips = (Clip(url, width, height) for url, width, height in sized if url and width and height)
    return tuple(sorted(clips, key=lambda clip: min(clip.width, clip.height)))


def _thumbnails(files: list[Mapping[str, Any]]) -> tuple[Rendition, ...]:
    """The still of each clip, small to large, each once."""
    sized = ((url_of(file, "thumbnail"), pixels_of(file, "width"), pixels_of(file, "height")) for file in files)
    stills = {url: Rendition(url, width, height) for url, width, height in sized if url and width and height}
    return tuple(sorted(stills.values(), key=lambda still: still.short_side))


def _vimeo_stills(picture_id: str) -> tuple[Rendition, ...]:
    if not re.fullmatch(r"[\w-]+", picture_id, re.ASCII):
        return ()
    return tuple(
        Rendition(_VIMEO.format(picture_id=picture_id, width=width, height=height), width, height)
        for width, height in _VIMEO_SIZES
    )


def _seconds(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < 1e6 else None
