"""Sound pixels beside odd metadata, deep grey, pages of a TIFF, and files that are built to cost."""

import io
import struct
import threading
import zlib

import numpy as np
import pytest
from PIL import Image, TiffImagePlugin

from phrasepix_core.bare import bare_file
from reranker.errors import PictureUnreadableError
from reranker.pictures.budget import MemoryBudget
from reranker.pictures.decode import KEPT_PIXELS, decode, decoded
from tests.picture_server import encoded, stripes

WIDE = stripes(["red", "blue", "green"], (90, 30))


def exif_of(*entries: tuple[int, int, int, bytes]) -> bytes:
    return (
        b"Exif\0\0MM\0*\0\0\0\x08"
        + struct.pack(">H", len(entries))
        + b"".join(struct.pack(">HHI", tag, kind, count) + value for tag, kind, count, value in entries)
    )


def with_segment(jpeg: bytes, payload: bytes) -> bytes:
    return jpeg[:2] + struct.pack(">BBH", 0xFF, 0xE1, len(payload) + 2) + payload + jpeg[2:]


def chunk(kind: bytes, data: bytes, wrong: int = 0) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data) ^ wrong)


@pytest.mark.parametrize(
    "other",
    [
        (0x11B, 2, 3, b"ab\0\0"),
        (0x101, 9, 1, b"\xff\xff\xff\x9c"),
        (0x8769, 4, 1, b"\xff" * 4),
        (0x13B, 99, 9, b"\0" * 4),
    ],
)
def test_a_jpeg_is_turned_whatever_else_its_exif_says(other: tuple[int, int, int, bytes]) -> None:
    turned = exif_of((0x112, 3, 1, b"\0\x08\0\0"), other)
    assert decode(with_segment(encoded(WIDE, "JPEG"), turned)).size == (30, 90)


@pytest.mark.parametrize(
    "odd",
    [
        chunk(b"zTXt", b"notes\0\0" + zlib.compress(b"n" * (3 << 20))),
        chunk(b"iCCP", b"profile\0\0" + zlib.compress(b"p" * (3 << 20))),
        chunk(b"eXIf", b"MM\0*"),
        chunk(b"pHYs", b"\0"),
        chunk(b"gAMA", b""),
        chunk(b"tEXt", b"Comment\0x", wrong=5),
        chunk(b"tRNS", b"\0\0"),
        chunk(b"acTL", b"\0"),
    ],
)
def test_a_png_is_decoded_whatever_is_beside_its_pixels(odd: bytes) -> None:
    png = encoded(WIDE, "PNG")
    assert decode(png[:33] + odd + png[33:]).tobytes() == WIDE.tobytes()


@pytest.mark.parametrize("progressive", [False, True])
def test_a_jpeg_without_its_end_marker_is_whole_and_a_cut_one_is_not(progressive: bool) -> None:
    noise = Image.fromarray(np.random.default_rng(3).integers(0, 256, (64, 96, 3), dtype=np.uint8))
    jpeg = encoded(noise, "JPEG", progressive=progressive)
    assert decode(jpeg[:-2]).tobytes() == decode(jpeg[:-1]).tobytes() == decode(jpeg).tobytes()
    with pytest.raises(PictureUnreadableError, match="damaged"):
        decode(jpeg[:-40])


def test_a_jpeg_of_thousands_of_scans_is_refused_before_it_is_decoded() -> None:
    jpeg = encoded(WIDE, "JPEG", progressive=True)
    last = jpeg.rindex(b"\xff\xda")
    with pytest.raises(PictureUnreadableError, match="scans"):
        decode(jpeg[:-2] + jpeg[last:-2] * 3000 + b"\xff\xd9")
    bare = bare_file(io.BytesIO(jpeg + jpeg * 200))  # pictures behind the first are not its scans
    assert bare is not None
    assert bare.has_many_scans


@pytest.mark.parametrize("bits", [10, 12, 14, 16])
def test_grey_in_sixteen_bits_is_scaled_by_the_bits_it_uses(bits: int) -> None:
    ramp = np.linspace(0, 2**bits - 1, 256).round().astype(np.uint16)
    shown = np.asarray(decode(encoded(Image.fromarray(np.tile(ramp, (4, 1))), "PNG")))
    np.testing.assert_allclose(shown[0, :, 0], np.arange(256), atol=1)


@pytest.mark.parametrize("values", [np.linspace(-300, 9000, 256, dtype=np.float32), np.linspace(-9e8, 2e9, 256)])
def test_other_numbers_go_from_their_least_to_their_largest(values: np.ndarray) -> None:
    rows = np.tile(values if values.dtype == np.float32 else values.astype(np.int32), (4, 1))
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    tags[339] = 3 if rows.dtype == np.float32 else 2
    shown = np.asarray(decode(encoded(Image.fromarray(rows), "TIFF", tiffinfo=tags)))
    np.testing.assert_allclose(shown[0, :, 0], np.arange(256), atol=1)


def test_a_tiffs_thumbnail_is_not_its_picture() -> None:
    file = io.BytesIO()
    with TiffImagePlugin.AppendingTiffWriter(file) as pages:
        WIDE.resize((9, 3)).save(pages, "TIFF", tiffinfo={254: 1})
        pages.newFrame()
        WIDE.save(pages, "TIFF")
        pages.newFrame()
        data = file.getvalue()
    assert decode(data).tobytes() == WIDE.tobytes()


@pytest.mark.slow
def test_a_huge_picture_is_given_reduced_and_upright_as_if_it_had_been_whole() -> None:
    noise = np.random.default_rng(1).integers(0, 256, (3000, 3001), dtype=np.uint8)
    picture = Image.fromarray(noise).convert("RGB")
    exif = Image.Exif()
    exif[0x112] = 6
    found = decoded(io.BytesIO(encoded(picture, "PNG", exif=exif, compress_level=1)))
    assert found.size == (3000, 3001)
    assert found.picture.width * found.picture.height <= KEPT_PIXELS
    assert found.picture.tobytes() == picture.transpose(Image.Transpose.ROTATE_270).reduce(2).tobytes()


def test_what_does_not_fit_into_the_budget_waits_and_what_never_will_is_refused() -> None:
    budget = MemoryBudget(100)
    order: list[str] = []

    def work() -> None:
        with budget.held(60):
            order.append("second")

    with budget.held(60):
        thread = threading.Thread(target=work)
        thread.start()
        thread.join(0.1)
        order.append("first")
    thread.join(10)
    assert order == ["first", "second"]
    with pytest.raises(PictureUnreadableError, match="memory"):
        decoded(io.BytesIO(encoded(WIDE, "PNG")), budget=budget)
