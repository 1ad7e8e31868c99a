"""Frames of videos on this machine: where scenes change, and the frame at a time. Needs the extra `video`."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from PIL import Image

from phrasepix_core.installing import install_command
from reranker.errors import PictureError, PictureUnreadableError

if TYPE_CHECKING:
    from numpy.typing import NDArray

_LARGEST_PIXELS: Final = 8192 * 8192
_ALL_FRAMES_UP_TO_S: Final = 60.0
"""Of longer videos only those frames are looked at that stand for themselves, which their makers put at cuts."""
_MOST_SHOTS: Final = 600
_LEAST_APART_S: Final = 1.0
_CHANGE: Final = 24.0
"""The mean difference, of 255, from which two frames are of two shots. A pan within one stays below 15."""
_SMALL: Final = (32, 18)
_MOST_DECODED: Final = 100_000


@dataclass(frozen=True, slots=True)
class VideoShots:
    """A video: its size upright in pixels, how long it is, when it says it was taken, and where its shots begin."""

    width: int
    height: int
    duration_s: float
    taken_on: date | None
    title: str
    begin_s: tuple[float, ...]


def can_be_read() -> bool:
    """Return whether the extra is installed."""
    return find_spec("av") is not None


def shots_of(path: Path) -> VideoShots:
    """Return where the shots of a video begin, in seconds, at most one a second. Raises `PictureError`."""
    with _opened(path) as (container, stream):
        duration = _duration(container, stream)
        if duration > _ALL_FRAMES_UP_TO_S:
            stream.codec_context.skip_frame = "NONKEY"
        begin: list[float] = []
        before: NDArray[np.int16] | None = None
        upright = (stream.codec_context.width, stream.codec_context.height)
        for number, frame in enumerate(container.decode(stream)):
            if number == _MOST_DECODED:
                break
            at = max(0.0, frame.time or 0.0)
            duration = max(duration, at)
            if begin and at - begin[-1] < _LEAST_APART_S:
                continue
            small = np.asarray(frame.reformat(*_SMALL, format="rgb24").to_ndarray(), dtype=np.int16)
            if before is None or np.abs(small - before).mean() >= _CHANGE:
                begin.append(at)
                if before is None:
                    upright = _upright(frame).size if _pixels(frame) else upright
                before = small
        if not begin:
            raise PictureUnreadableError("it has no frame that can be decoded")
        while len(begin) > _MOST_SHOTS:
            begin = begin[::2]
        metadata = {**container.metadata, **stream.metadata}
        return VideoShots(*upright, duration, _taken_on(metadata), metadata.get("title", ""), tuple(begin))


def frame_at(path: Path, at_s: float) -> Image.Image:
    """Return the frame of a video at a time, in RGB and upright; the last one before its end. Raises `PictureError`."""
    with _opened(path) as (container, stream):
        if at_s > 0:
            container.seek(int(at_s / stream.time_base) if stream.time_base else 0, stream=stream)
        last = None
        for number, frame in enumerate(container.decode(stream)):
            last = frame
            if (frame.time or 0.0) >= at_s - 1e-3 or number == _MOST_DECODED:
                break
        if last is None or not _pixels(last):
            raise PictureUnreadableError(f"it has no frame at {at_s:g} s")
        return _upright(last)


@contextmanager
def _opened(path: Path) -> Iterator[tuple[Any, Any]]:
    """A video's container and its stream of pictures. Raises `PictureError`."""
    if not can_be_read():
        raise PictureError(f"it is a video; to have those: {install_command('av')}")
    import av

    try:
        with av.open(str(path), metadata_errors="replace") as container:
            stream = next(iter(container.streams.video), None)
            if stream is None:
                raise PictureUnreadableError("it is no video, or has no pictures")
            if stream.codec_context.width * stream.codec_context.height > _LARGEST_PIXELS:
                raise PictureUnreadableError("its pictures are too large")
            stream.thread_type = "AUTO"
            yield container, stream
    except (av.error.FFmpegError, ValueError, OSError, EOFError, MemoryError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise PictureUnreadableError(f"the video cannot be decoded: {reason}") from None


def _duration(container: Any, stream: Any) -> float:
    if stream.duration and stream.time_base:
        return float(stream.duration * stream.time_base)
    return float(container.duration) / 1_000_000 if container.duration else 0.0


def _pixels(frame: Any) -> int:
    return int(frame.width * frame.height)


def _upright(frame: Any) -> Image.Image:
    picture: Image.Image = frame.to_image()
    turn = int(getattr(frame, "rotation", 0) or 0)
    return picture.rotate(turn, expand=True) if turn % 360 else picture


def _taken_on(metadata: dict[str, str]) -> date | None:
    """The day that the file says; that of a camera without a clock is none."""
    for name in ("com.apple.quicktime.creationdate", "creation_time", "date"):
        try:
            day = datetime.fromisoformat(metadata.get(name, "")).date()
        except ValueError:
            continue
        if day.year > 1970:
            return day
    return None
