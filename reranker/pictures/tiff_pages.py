"""Which of a TIFF's pages is the picture, and how its numbers are to be read."""

from typing import Any

from PIL import Image

_NEW_SUBFILE_TYPE, _SUBFILE_TYPE, _SAMPLE_FORMAT = 254, 255, 339
_REDUCED = 1
_OLD_REDUCED = 2
_MOST_PAGES = 16
"""How many pages are looked at: a picture has a few smaller versions at most."""


def show_full_page(opened: Image.Image) -> None:
    """Turn an opened TIFF whose first page is a reduced version of another to the first page that is none.

    It stays at the first if all are reduced, or the others cannot be read.
    """
    if not _is_reduced(opened):
        return
    try:
        for page in range(1, _MOST_PAGES):
            opened.seek(page)
            if not _is_reduced(opened):
                return
    except (EOFError, OSError, SyntaxError, ValueError, TypeError, LookupError):
        pass
    opened.seek(0)


def has_unsigned_numbers(opened: Image.Image) -> bool:
    """Whether the whole numbers of 32 bits in a TIFF have no sign; Pillow reads them as if they had one."""
    formats: Any = getattr(opened, "tag_v2", {}).get(_SAMPLE_FORMAT, 1)
    return opened.format == "TIFF" and (formats[0] if isinstance(formats, tuple) else formats) == 1


def _is_reduced(opened: Any) -> bool:
    tags = getattr(opened, "tag_v2", None)
    if tags is None:
        return False
    kind = tags.get(_NEW_SUBFILE_TYPE)
    return bool(kind & _REDUCED) if isinstance(kind, int) else tags.get(_SUBFILE_TYPE) == _OLD_REDUCED
