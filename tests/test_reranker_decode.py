"""From the bytes of a file to an upright RGB picture."""

import io
import pickle
import random
import threading
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image, ImageChops

from reranker.engine.preprocessing import RESIZE_MODES, Preprocessing
from reranker.errors import PictureUnreadableError
from reranker.pictures.decode import LARGEST_PIXELS, decode, rgb_picture
from reranker.reduced_picture import reduced, whole_of
from tests.picture_server import encoded, png_that_claims, stripes

ORIENTATION = 0x0112
Corner = tuple[int, int, int]


def quarters() -> Image.Image:
    """Red, green, blue and yellow quarters, wider than high: no turn or flip leaves it as it is."""
    picture = Image.new("RGB", (96, 64), (220, 20, 20))
    picture.paste((20, 200, 20), (48, 0, 96, 32))
    picture.paste((20, 20, 220), (0, 32, 48, 64))
    picture.paste((230, 220, 20), (48, 32, 96, 64))
    return picture


def difference(one: Image.Image, other: Image.Image) -> int:
    assert one.size == other.size
    return int(np.asarray(ImageChops.difference(one, other)).max())


# How a camera must have stored an upright picture for the tag to bring it back.
STORED: dict[int, Callable[[Image.Image], Image.Image]] = {
    1: lambda upright: upright,
    2: lambda upright: upright.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
    3: lambda upright: upright.rotate(180),
    4: lambda upright: upright.transpose(Image.Transpose.FLIP_TOP_BOTTOM),
    5: lambda upright: upright.transpose(Image.Transpose.TRANSPOSE),
    6: lambda upright: upright.rotate(90, expand=True),
    7: lambda upright: upright.transpose(Image.Transpose.TRANSVERSE),
    8: lambda upright: upright.rotate(-90, expand=True),
}


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", STORED)
def test_a_picture_comes_out_upright_for_each_orientation(orientation: int, kind: str) -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    options = {"quality": 95, "subsampling": 0} if kind == "JPEG" else {"lossless": True} if kind == "WEBP" else {}
    picture = decode(encoded(STORED[orientation](quarters()), kind, exif=exif, **options))
    assert picture.mode == "RGB"
    assert difference(picture, quarters()) <= (12 if kind == "JPEG" else 0)


@pytest.mark.parametrize("orientation", [0, 9, 65535])
def test_an_orientation_that_does_not_exist_changes_nothing(orientation: int) -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    assert difference(decode(encoded(quarters(), "PNG", exif=exif)), quarters()) == 0


def with_alpha() -> Image.Image:
    picture = Image.new("RGBA", (30, 10), (200, 0, 0, 255))
    picture.paste((200, 0, 0, 0), (10, 0, 20, 10))
    picture.paste((200, 0, 0, 128), (20, 0, 30, 10))
    return picture


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF"])
def test_transparency_is_laid_on_white(kind: str) -> None:
    options = {"lossless": True, "exact": True} if kind == "WEBP" else {}
    picture = decode(encoded(with_alpha(), kind, **options))
    assert picture.mode == "RGB"
    assert [picture.getpixel((x, 5)) for x in (5, 15)] == [(200, 0, 0), (255, 255, 255)]
    np.testing.assert_allclose(np.asarray(picture)[5, 25], (227, 127, 127), atol=1)


def test_grey_with_alpha_is_laid_on_white() -> None:
    grey = Image.new("LA", (20, 10), (40, 255))
    grey.paste((40, 0), (10, 0, 20, 10))
    picture = decode(encoded(grey, "PNG"))
    assert [picture.getpixel((x, 5)) for x in (5, 15)] == [(40, 40, 40), (255, 255, 255)]


@pytest.mark.parametrize("kind", ["PNG", "GIF"])
def test_a_palettes_transparent_colour_is_laid_on_white(kind: str) -> None:
    palette = Image.new("P", (20, 10), 1)
    palette.putpalette([0, 0, 0, 10, 120, 30, 99, 99, 99])
    palette.paste(2, (10, 0, 20, 10))
    picture = decode(encoded(palette, kind, transparency=2))
    assert [picture.getpixel((x, 5)) for x in (5, 15)] == [(10, 120, 30), (255, 255, 255)]


def test_a_transparent_colour_of_an_rgb_png_is_laid_on_white() -> None:
    picture = Image.new("RGB", (20, 10), (10, 120, 30))
    picture.paste((99, 0, 99), (10, 0, 20, 10))
    shown = decode(encoded(picture, "PNG", transparency=(99, 0, 99)))
    assert [shown.getpixel((x, 5)) for x in (5, 15)] == [(10, 120, 30), (255, 255, 255)]


def test_a_palette_of_opaque_colours_is_as_it_was() -> None:
    picture = decode(encoded(quarters().quantize(8), "PNG"))
    assert picture.mode == "RGB"
    assert difference(picture, quarters()) <= 2


def test_a_cmyk_jpeg_has_its_colours() -> None:
    picture = decode(encoded(quarters().convert("CMYK"), "JPEG", quality=95, subsampling=0))
    assert picture.mode == "RGB"
    assert difference(picture, quarters()) <= 12


@pytest.mark.parametrize("mode", ["1", "L"])
def test_black_and_white_and_grey_become_rgb(mode: str) -> None:
    grey = Image.new(mode, (20, 10), 0)
    grey.paste(255, (10, 0, 20, 10))
    picture = decode(encoded(grey, "PNG"))
    assert picture.mode == "RGB"
    assert [picture.getpixel((x, 5)) for x in (5, 15)] == [(0, 0, 0), (255, 255, 255)]


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_sixteen_bit_grey_is_scaled_not_clipped(kind: str) -> None:
    ramp = np.linspace(0, 65535, 256).round().astype(np.uint16)
    picture = decode(encoded(Image.fromarray(np.tile(ramp, (4, 1))), kind))
    assert picture.mode == "RGB"
    np.testing.assert_allclose(np.asarray(picture)[0, :, 0], np.arange(256), atol=1)


def test_whole_numbers_of_32_bits_are_read_as_16_bit_grey() -> None:
    ramp = np.linspace(0, 65535, 256).round().astype(np.int32)
    picture = decode(encoded(Image.fromarray(np.tile(ramp, (4, 1))), "TIFF"))
    np.testing.assert_allclose(np.asarray(picture)[0, :, 0], np.arange(256), atol=1)


def test_fractions_are_read_from_zero_to_one_and_what_is_no_number_is_black() -> None:
    ramp = np.linspace(0, 1, 256, dtype=np.float32)
    rows = np.tile(ramp, (4, 1))
    rows[1, :3] = [np.nan, np.inf, -np.inf]
    picture = decode(encoded(Image.fromarray(rows), "TIFF"))
    np.testing.assert_allclose(np.asarray(picture)[0, :, 0], np.arange(256), atol=1)
    assert np.asarray(picture)[1, :3].max() == 0


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "TIFF", "AVIF"])
def test_of_several_frames_the_first_is_shown(kind: str) -> None:
    frames = [stripes(["red"], (32, 32)), stripes(["blue"], (32, 32)), stripes(["green"], (32, 32))]
    picture = decode(encoded(frames[0], kind, save_all=True, append_images=frames[1:]))
    assert picture.mode == "RGB"
    assert difference(picture, frames[0]) <= 12


def test_of_a_stereo_jpeg_the_first_picture_is_shown() -> None:
    data = encoded(quarters(), "MPO", save_all=True, append_images=[quarters().rotate(180)], quality=95, subsampling=0)
    with Image.open(io.BytesIO(data)) as opened:
        assert opened.format == "MPO"
    assert difference(decode(data), quarters()) <= 12


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "AVIF", "TIFF", "BMP"])
def test_each_kind_of_file_is_known_by_its_content(kind: str) -> None:
    picture = decode(encoded(quarters(), kind, **({"quality": 95} if kind in {"JPEG", "WEBP", "AVIF"} else {})))
    assert (picture.mode, picture.size) == ("RGB", (96, 64))
    assert abs(np.asarray(picture).astype(int) - np.asarray(quarters()).astype(int)).mean() < 6


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF"])
def test_a_picture_of_one_pixel_is_a_picture(kind: str) -> None:
    picture = decode(encoded(Image.new("RGB", (1, 1), (255, 255, 255)), kind))
    assert (picture.mode, picture.size) == ("RGB", (1, 1))


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "GIF", "AVIF", "TIFF", "BMP"])
def test_a_decoded_picture_keeps_no_decoder(kind: str) -> None:
    assert type(decode(encoded(stripes(["red", "blue"]), kind))) is Image.Image


def test_a_decoded_picture_is_free_of_its_file() -> None:
    data = encoded(quarters(), "PNG")
    picture = decode(data)
    picture.putpixel((0, 0), (1, 2, 3))
    assert decode(data).getpixel((0, 0)) == (220, 20, 20)


@pytest.mark.parametrize(
    "kind", [pytest.param("PPM", id="not a kind pictures come in"), "ICO", "PCX", "TGA", "EPS", "PDF"]
)
def test_other_kinds_of_files_are_refused(kind: str) -> None:
    with pytest.raises(PictureUnreadableError, match="not a picture"):
        decode(encoded(quarters(), kind))


@pytest.mark.parametrize("data", [b"\x00", b"<html>", b"GIF", b"RIFF\x00\x00\x00\x00WEBP", b"\xff\xd8\xff", b"BM"])
def test_a_few_bytes_are_no_picture(data: bytes) -> None:
    with pytest.raises(PictureUnreadableError):
        decode(data)


def test_no_bytes_are_no_picture() -> None:
    with pytest.raises(PictureUnreadableError, match="empty"):
        decode(b"")


def test_the_largest_number_of_pixels_is_allowed_and_one_row_more_is_not() -> None:
    data = encoded(stripes(["red"], (50, 20)), "PNG")
    assert decode(data, largest_pixels=1000).size == (50, 20)
    with pytest.raises(PictureUnreadableError, match="50 × 20 pixels"):
        decode(data, largest_pixels=999)


@pytest.mark.parametrize(("width", "height"), [(8001, 8000), (9400, 9520), (13_000, 13_000), (60_000, 60_000)])
def test_a_bomb_is_refused_by_what_it_claims(width: int, height: int) -> None:
    assert width * height > LARGEST_PIXELS
    with pytest.raises(PictureUnreadableError, match="64 million"):
        decode(png_that_claims(width, height))


def files_to_corrupt() -> dict[str, bytes]:
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    exif[0x010F] = "A maker of cameras"
    exif[0x011A] = 72.0
    noise = Image.fromarray(np.random.default_rng(5).integers(0, 256, (60, 80, 3), dtype=np.uint8))
    return {
        "JPEG": encoded(noise, "JPEG", exif=exif),
        "progressive JPEG": encoded(noise, "JPEG", progressive=True),
        "PNG": encoded(noise, "PNG", exif=exif),
        "palette PNG": encoded(quarters().quantize(16), "PNG", transparency=0),
        "WEBP": encoded(noise, "WEBP", exif=exif),
        "GIF": encoded(noise, "GIF", save_all=True, append_images=[quarters()]),
        "AVIF": encoded(noise, "AVIF"),
        "BMP": encoded(noise, "BMP"),
    }


def corrupted(data: bytes, chance: random.Random) -> bytes:
    damaged = bytearray(data)
    way = chance.choice(["head", "anywhere", "cut", "hole", "both"])
    if way in {"head", "anywhere", "both"}:
        reach = len(damaged) if way == "anywhere" else min(len(damaged), 300)
        for _ in range(chance.choice([1, 2, 5, 20])):
            damaged[chance.randrange(reach)] = chance.choice([0, 1, 127, 128, 255, chance.randrange(256)])
    if way == "hole":
        start = chance.randrange(len(damaged))
        del damaged[start : start + chance.randrange(1, 40)]
    if way in {"cut", "both"}:
        del damaged[chance.randrange(len(damaged)) :]
    return bytes(damaged)


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")  # Pillow warns of what it finds in damaged EXIF data
@pytest.mark.parametrize("kind", files_to_corrupt())
def test_a_damaged_file_is_a_picture_or_unreadable_and_nothing_else(kind: str) -> None:
    data = files_to_corrupt()[kind]
    unreadable = 0
    for seed in range(200):
        try:
            picture = decode(corrupted(data, random.Random(seed)))
        except PictureUnreadableError:
            unreadable += 1
        else:
            assert picture.mode == "RGB"
    assert unreadable > 0


def test_many_threads_decode_at_once() -> None:
    data = [encoded(stripes(["red"] * n + ["blue"] * (9 - n), (90, 60)), "PNG") for n in range(1, 9)]
    outcomes: dict[int, bytes] = {}

    def work(number: int) -> None:
        outcomes[number] = decode(data[number % 8]).tobytes()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(24)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [outcomes[number] for number in range(24)] == [decode(data[number % 8]).tobytes() for number in range(24)]


# --- large JPEGs are decoded at a fraction of their size


@pytest.mark.parametrize(
    ("size", "enough", "expected"),
    [
        ((640, 426), 214, (640, 426)),  # half of it would be too little
        ((640, 426), 213, (320, 213)),
        ((426, 640), 213, (213, 320)),
        ((1600, 1600), 200, (200, 200)),
        ((1600, 1600), 201, (400, 400)),
        ((4000, 3000), 10, (500, 375)),  # never below an eighth
        ((640, 426), None, (640, 426)),
    ],
)
def test_a_large_jpeg_is_decoded_at_the_smallest_size_that_is_enough(
    size: tuple[int, int], enough: int | None, expected: tuple[int, int]
) -> None:
    assert decode(encoded(quarters().resize(size), "JPEG"), enough=enough).size == expected


@pytest.mark.parametrize("orientation", [1, 6, 8])
def test_a_reduced_jpeg_is_upright_and_looks_the_same(orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encoded(quarters().resize((800, 600)), "JPEG", exif=exif, quality=95)
    whole, reduced = decode(data), decode(data, enough=200)
    assert max(reduced.size) == 400
    assert difference(reduced, whole.resize(reduced.size)) <= 25  # along the sharp edges between the colours


def with_detail(width: int, height: int) -> Image.Image:
    """Waves that get shorter to the right and downwards: a shift by a part of a pixel shows."""
    down, across = np.mgrid[0:height, 0:width] / max(width, height)
    waves = [np.sin(30 * across**2 + 5 * down), np.cos(35 * down**2), np.sin(20 * (across + down))]
    return Image.fromarray(np.uint8(127.5 + 120 * np.stack(waves, axis=2)))


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
@pytest.mark.parametrize("orientation", STORED)
@pytest.mark.parametrize("resize_mode", RESIZE_MODES)
def test_a_fraction_is_prepared_as_the_whole_picture_would_be(resize_mode: str, orientation: int, kind: str) -> None:
    prepare = Preprocessing.of_config({"size": 32, "resize_mode": resize_mode, "mean": 0.0, "std": 1 / 255})
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    options = {"quality": 95, "subsampling": 0} if kind == "JPEG" else {}
    for size in ((509, 341), (339, 517), (385, 384)):
        data = encoded(STORED[orientation](with_detail(*size)), kind, exif=exif, **options)
        whole, fraction = decode(data), decode(data, enough=81, kept_pixels=0)
        assert whole_of(fraction)[0] == whole.size == size
        assert min(fraction.size) < min(size) / 3
        expected = prepare(whole)
        differs = np.abs(prepare(fraction) - expected).mean()
        assert differs <= 0.6  # of 255
        assert differs < np.abs(prepare(fraction.copy()) - expected).mean() / 2  # which knows of no whole


def test_what_is_made_of_a_fraction_is_an_ordinary_picture() -> None:
    fraction = decode(encoded(with_detail(1021, 683), "JPEG"), enough=161)
    assert whole_of(fraction) == ((1021, 683), (0, 0, 255.25, 170.75))
    assert whole_of(reduced(fraction, 2)) == ((1021, 683), (0, 0, 127.625, 85.375))
    assert whole_of(pickle.loads(pickle.dumps(fraction))) == whole_of(fraction)
    assert pickle.loads(pickle.dumps(fraction)) == fraction == fraction.copy()
    for other in (fraction.copy(), fraction.crop((0, 0, 99, 99)), fraction.convert("L"), fraction.resize((99, 99))):
        assert whole_of(other) == (other.size, (0, 0, *other.size))


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "GIF", "TIFF", "BMP"])
def test_other_formats_are_decoded_whole(kind: str) -> None:
    assert decode(encoded(quarters().resize((640, 480)), kind), enough=50).size == (640, 480)


def test_a_jpeg_of_too_many_pixels_is_refused_though_a_fraction_would_do() -> None:
    data = encoded(quarters().resize((800, 600)), "JPEG")
    with pytest.raises(PictureUnreadableError, match="800 × 600 pixels"):
        decode(data, enough=50, largest_pixels=400_000)


@pytest.mark.parametrize(
    ("size", "is_read"), [((1000, 1), True), ((1001, 1), False), ((3, 3000), True), ((3, 3001), False)]
)
def test_a_picture_may_be_so_much_longer_than_wide_and_no_more(size: tuple[int, int], is_read: bool) -> None:
    picture = Image.new("RGB", size)
    if is_read:
        assert decode(encoded(picture, "PNG")).size == rgb_picture(picture).size == size
        return
    with pytest.raises(PictureUnreadableError, match="a mere line"):
        decode(encoded(picture, "PNG"))
    with pytest.raises(PictureUnreadableError, match="a mere line"):
        rgb_picture(picture)
