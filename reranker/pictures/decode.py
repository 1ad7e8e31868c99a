"""From the bytes of a file to an RGB picture, whatever they claim to be."""

import io
import math
import struct
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from hashlib import blake2b
from typing import IO

from PIL import Image, ImageOps, UnidentifiedImageError

from phrasepix_core.bare import BareFile, RefusedPictureError, bare_file, orientation_of, refuse_endless
from reranker.errors import PictureUnreadableError
from reranker.pictures.budget import DECODING, MemoryBudget
from reranker.pictures.cost import decoding_bytes, webp_bytes, webp_canvas
from reranker.pictures.deep_colour import DeepColour
from reranker.pictures.rgb import upright_box, upright_rgb
from reranker.pictures.tiff_pages import has_unsigned_numbers, show_full_page
from reranker.reduced_picture import Box, ReducedPicture, divided

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "AVIF", "TIFF", "BMP")
"""What may be decoded, recognised by content; names and Content-Type are not trusted. MPO comes with JPEG."""

LARGEST_PIXELS = 64_000_000

KEPT_PIXELS = 8_000_000
"""A picture of more is reduced while it is decoded: what looks at pictures looks at less."""

_DIGESTED_WHOLE = 32_000_000

MOST_OBLONG = 1000
"""How many times as long as wide a picture may be: a model's own rule makes the short side as long as its input's."""

_LARGEST_FILE = 2 << 30
_LARGEST_IN_MEMORY = 256 << 20
"""For formats whose decoders read the whole file first, however little of it is the picture."""

_READ_WHOLE = (b"RIFF", b"ftyp")
_COPIES = 3
"""How many copies of such a file are made: Pillow's, the decoder's, and one of its metadata."""

_DECODER_FAILURES = (
    OSError, SyntaxError, ValueError, TypeError, LookupError, EOFError, ArithmeticError, AttributeError, RuntimeError,
    struct.error, zlib.error,
)  # fmt: skip
"""What Pillow's decoders raise on damaged files, as its issues record."""


@dataclass(frozen=True, slots=True)
class Decoded:
    """An RGB `picture`, perhaps reduced, from a file of Pillow's format `kind`; `size` is that in the file, upright.

    `digest` identifies the pixels and how they lie, if it was asked for; those of a JPEG of more than 32 million at a
    quarter of its size, for which all of it is read.
    """

    picture: Image.Image
    kind: str
    size: tuple[int, int]
    digest: bytes = b""


def decode(
    data: bytes, *, enough: int | None = None, largest_pixels: int = LARGEST_PIXELS, kept_pixels: int = KEPT_PIXELS
) -> Image.Image:
    """The picture in `data`, as `decode_file` has it."""
    return decode_file(io.BytesIO(data), enough=enough, largest_pixels=largest_pixels, kept_pixels=kept_pixels)


def decode_file(
    file: IO[bytes],
    *,
    enough: int | None = None,
    largest_pixels: int = LARGEST_PIXELS,
    kept_pixels: int = KEPT_PIXELS,
    formats: tuple[str, ...] = FORMATS,
    largest_alone: int = 0,
) -> Image.Image:
    """The picture in `file` as RGB, upright, its first frame or full page, transparency laid on white.

    Orientation is all that counts of its metadata. A JPEG whose short side exceeds `enough` pixels twice or more is
    decoded at a half, a quarter or an eighth of its size, whichever still leaves `enough`: a fraction of the work. A
    picture of more than `kept_pixels` is reduced to a whole fraction of its size that leaves `enough`; one of more than
    `KEPT_PIXELS` still, below that too. One at a fraction of its size is a `ReducedPicture`.
    Raises `PictureUnreadableError` if it is empty, no picture, damaged or cut off, has more than `largest_pixels`,
    takes more memory than `DECODING` has and than the `largest_alone` may take, in bytes, with nothing else being
    decoded at the time, or is more than `MOST_OBLONG` times as long as wide.
    """
    return decoded(
        file,
        enough=enough,
        largest_pixels=largest_pixels,
        kept_pixels=kept_pixels,
        formats=formats,
        largest_alone=largest_alone,
    ).picture


def decoded(
    file: IO[bytes],
    *,
    enough: int | None = None,
    largest_pixels: int = LARGEST_PIXELS,
    kept_pixels: int = KEPT_PIXELS,
    formats: tuple[str, ...] = FORMATS,
    with_digest: bool = False,
    budget: MemoryBudget = DECODING,
    largest_alone: int = 0,
) -> Decoded:
    """The picture in `file` as `decode_file` has it, with what was found out on the way."""
    with ExitStack() as held:
        outcome = _attempted(
            file,
            enough=enough,
            largest_pixels=largest_pixels,
            kept_pixels=kept_pixels,
            formats=formats,
            with_digest=with_digest,
            budget=budget,
            most_bytes=max(budget.most_bytes, largest_alone),
            held=held,
        )
    if isinstance(outcome, PictureUnreadableError):
        raise outcome
    return outcome


def _attempted(
    file: IO[bytes],
    *,
    enough: int | None,
    largest_pixels: int,
    kept_pixels: int,
    formats: tuple[str, ...],
    with_digest: bool,
    budget: MemoryBudget,
    most_bytes: int,
    held: ExitStack,
) -> Decoded | PictureUnreadableError:
    """What `decoded` gives or raises. When it is given, nothing else that the decoder made is left.

    The part of the `budget` that it takes is entered into `held`: whoever called gives it back after that. A
    raised error would keep the decoder's memory, by its traceback, for as long as anybody keeps the error.
    """
    head = file.read(32)
    if not head:
        return PictureUnreadableError("the file is empty")
    try:
        with _failures_named(head[:12], largest_pixels), ExitStack() as opening:
            _refuse_large_file(file, head)
            if (canvas := webp_canvas(head)) is not None:
                _refuse_pixels(canvas, largest_pixels)
                size = webp_bytes(*canvas, KEPT_PIXELS) + _COPIES * file.seek(0, io.SEEK_END)
                held.enter_context(budget.held(_within(size, most_bytes)))
            refuse_endless(file)
            bare = bare_file(file)
            file.seek(0)
            opened: Image.Image = opening.enter_context(
                Image.open(file if bare is None else bare.opened(), formats=formats)
            )
            kind = opened.format or ""
            _refuse_pixels(opened.size, largest_pixels)
            show_full_page(opened)
            _refuse_pixels(opened.size, largest_pixels)
            _refuse_oblong(opened)
            whole = opened.size
            content: Box = (0, 0, *whole)
            if enough is None and with_digest and opened.width * opened.height > _DIGESTED_WHOLE:
                enough = min(whole) // 4
            if enough is not None:
                # Formats other than JPEG know no such thing and ignore it.
                _, content = opened.draft(None, (enough, enough)) or ("", content)
            factor = _factor(opened.size, enough, kept_pixels)
            deep = DeepColour.of_opened(opened)
            if canvas is None:
                has_many_scans = bare is not None and bare.has_many_scans
                size = decoding_bytes(
                    opened, whole, has_many_scans=has_many_scans, is_deep_colour=deep is not None, factor=factor
                )
                size += _COPIES * file.seek(0, io.SEEK_END) if head[4:8] in _READ_WHOLE else 0
                held.enter_context(budget.held(_within(size, most_bytes)))
            try:
                opened.load()
            except OSError:
                if bare is None or kind not in {"JPEG", "MPO"}:
                    raise
                opened.close()
                opened = _with_end(bare, enough)
            if deep is not None:
                with Image.open(file if bare is None else bare.opened(), formats=formats) as again:
                    show_full_page(again)
                    deep.brighten(opened, again)
            orientation = _orientation(opened, bare)
            picture = upright_rgb(opened, orientation=orientation, factor=factor, unsigned=has_unsigned_numbers(opened))
            if picture is opened and kind not in {"JPEG", "MPO"}:
                picture = picture.copy()  # their files keep the decoder while they live, with its memory and threads
            whole = whole if orientation < 5 else (whole[1], whole[0])
            content = divided(upright_box(content, opened.size, orientation), factor)
            return Decoded(
                ReducedPicture.of(picture, whole, content),
                kind,
                whole,
                digest_of(opened, orientation) if with_digest else b"",
            )
    except PictureUnreadableError as error:
        return PictureUnreadableError(*error.args)


def digest_of(picture: Image.Image, orientation: int = 1) -> bytes:
    """A digest of a loaded picture's pixels as they are, taken in strips: no second copy is made."""
    digest = blake2b(repr((picture.mode, picture.size, orientation)).encode(), digest_size=16)
    rows = max(1, (1 << 20) // picture.width)
    for top in range(0, picture.height, rows):
        digest.update(picture.crop((0, top, picture.width, min(top + rows, picture.height))).tobytes())
    return digest.digest()


def rgb_picture(picture: Image.Image) -> Image.Image:
    """A picture somebody opened or made, in any of Pillow's modes, as `decode_file` would have it.

    Raises `PictureUnreadableError` if its file turns out to be damaged, or it is too oblong.
    """
    _refuse_oblong(picture)
    try:
        picture.load()
        try:
            upright = ImageOps.exif_transpose(picture)  # a copy: the picture stays as it is
        except _DECODER_FAILURES:
            upright = upright_rgb(picture.copy(), orientation=_orientation(picture, None))
        return upright_rgb(upright)
    except _DECODER_FAILURES as error:
        raise PictureUnreadableError(f"the picture is damaged: {error}") from None


@contextmanager
def _failures_named(head: bytes, largest_pixels: int) -> Iterator[None]:
    """Make a `PictureUnreadableError` of whatever a decoder raises."""
    try:
        yield
    except RefusedPictureError as error:
        raise PictureUnreadableError(f"the picture is not decoded: {error}") from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise _too_many("far too many", largest_pixels) from None
    except UnidentifiedImageError:
        raise PictureUnreadableError(f"the file is not a picture: it starts with {head!r}") from None
    except MemoryError:
        raise PictureUnreadableError("the picture does not fit into memory") from None
    except _DECODER_FAILURES as error:
        raise PictureUnreadableError(f"the picture is damaged: {error}") from None


def _refuse_large_file(file: IO[bytes], head: bytes) -> None:
    most = _LARGEST_IN_MEMORY if head[:4] in _READ_WHOLE or head[4:8] in _READ_WHOLE else _LARGEST_FILE
    if file.seek(0, io.SEEK_END) > most:
        raise PictureUnreadableError(f"the file is larger than {most >> 20} MiB")


def _refuse_pixels(size: tuple[int, int], largest: int) -> None:
    if size[0] * size[1] > largest:
        raise _too_many(f"{size[0]} × {size[1]}", largest)


def _refuse_oblong(picture: Image.Image) -> None:
    if max(picture.size) > MOST_OBLONG * min(picture.size):
        raise PictureUnreadableError(
            f"the picture is {picture.width} × {picture.height} pixels, a mere line; "
            f"at most {MOST_OBLONG} times as long as wide can be looked at"
        )


def _too_many(pixels: str, largest: int) -> PictureUnreadableError:
    return PictureUnreadableError(
        f"the picture has {pixels} pixels; at most {largest // 1_000_000} million are decoded"
    )


def _within(size: int, most_bytes: int) -> int:
    if size > most_bytes:
        raise PictureUnreadableError(
            f"the picture would take {size >> 20} MiB of memory to decode; at most {most_bytes >> 20} are used"
        )
    return size


def _factor(size: tuple[int, int], enough: int | None, kept_pixels: int) -> int:
    """By what to divide the sides of a picture of more than `kept_pixels`."""
    pixels = size[0] * size[1]
    if pixels <= kept_pixels:
        return 1
    factor = 1 if enough is None else max(1, min(size) // enough)
    most = max(kept_pixels, 1) if enough is None else KEPT_PIXELS
    return factor if pixels <= most * factor**2 else math.ceil(math.sqrt(pixels / most))


def _orientation(opened: Image.Image, bare: BareFile | None) -> int:
    if bare is not None:
        return orientation_of(bare.exif, bare.xmp)
    if opened.format == "TIFF":
        return 1  # Pillow turned it when it was loaded
    exif, xmp = opened.info.get("exif"), opened.info.get("xmp")
    return orientation_of(exif if isinstance(exif, bytes) else b"", xmp if isinstance(xmp, bytes) else b"")


def _with_end(bare: BareFile, enough: int | None) -> Image.Image:
    """The loaded picture of a JPEG that was found cut off, if all it lacks is the marker at its end.

    A decoder fills up what is missing without a word. So the file is ended in two ways: if pixels are missing, each
    fills them up differently. Raises `OSError` then.
    """
    digests = set()
    for junk in (b"", bytes(range(1, 255)) * 64):
        opened = Image.open(bare.opened(ended_by=junk + b"\xff\xd9"), formats=("JPEG",))
        if enough is not None:
            opened.draft(None, (enough, enough))
        opened.load()
        digests.add(digest_of(opened))
    if len(digests) > 1:
        raise OSError("it ends in the middle of its pixels")
    return opened
