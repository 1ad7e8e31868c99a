"""Size and metadata of cameras' own formats, with the extra `raw`."""

from collections.abc import Iterable
from importlib.util import find_spec
from io import BytesIO
from typing import IO, BinaryIO

from phrasepix_core.installing import install_command
from retriever.folder.facts import Facts, text_of
from retriever.folder.metadata import FAILURES, NoPictureError, facts_of_file
from retriever.folder.walk import FileEntry, Problem


def can_be_read() -> bool:
    """Whether the extra is installed."""
    return find_spec("rawpy") is not None


def readable(places: Iterable[FileEntry], on_problem: Problem) -> list[FileEntry]:
    """Return the places whose files can be read; `on_problem` is told of cameras' own that cannot."""
    found = list(places)
    raw = [place for place in found if place.is_raw]
    if not raw or can_be_read():
        return found
    on_problem(
        raw[0].path,
        f"{len(raw)} files of cameras' own formats are left out, this one first; "
        f"to have them: {install_command('rawpy')}",
    )
    return [place for place in found if not place.is_raw]


def facts_of_raw(file: BinaryIO) -> Facts:
    """What a camera's own file and the preview in it say. Raises `NoPictureError`, also where there is no preview."""
    import rawpy

    try:
        with rawpy.imread(file) as raw:
            preview = raw.extract_thumb()
            sizes = raw.sizes
    except (rawpy.LibRawError, *FAILURES) as error:
        raise NoPictureError(f"the camera's file cannot be used: {_reason(error)}") from None
    lies = sizes.flip in {5, 6}
    facts = Facts(width=sizes.height if lies else sizes.width, height=sizes.width if lies else sizes.height)
    if isinstance(preview.data, bytes):  # a JPEG
        facts = facts.or_else(_or_nothing(BytesIO(preview.data), ("JPEG",)))
    file.seek(0)
    return facts.or_else(_or_nothing(file, ("TIFF",)))  # most of these formats are TIFF's children


def _or_nothing(file: IO[bytes], formats: tuple[str, ...]) -> Facts:
    try:
        return facts_of_file(file, formats)
    except NoPictureError:
        return Facts()


def _reason(error: Exception) -> str:
    said = error.args[0] if error.args else error
    return text_of(said if isinstance(said, bytes) else str(said)) or type(error).__name__
