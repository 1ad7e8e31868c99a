"""Picture files made for tests: with metadata, of every kind, and a whole tree of them with what else lies about."""

import io
import os
import random
import socket
import struct
import zlib
from pathlib import Path

import pillow_heif
from PIL import Image

from reranker.testing import COLOURS
from tests.picture_server import encoded, png_that_claims, stripes

pillow_heif.register_heif_opener()

KINDS = {
    ".jpg": "JPEG",
    ".png": "PNG",
    ".webp": "WEBP",
    ".gif": "GIF",
    ".tif": "TIFF",
    ".heic": "HEIF",
    ".avif": "AVIF",
}

Entries = list[tuple[int, int, bytes, int]]
"""Tag, type, value and count of a TIFF directory's entries."""


def write(path: Path, data: bytes, *, age_s: float = 3600) -> Path:
    """Write a file, with its folders, as if it had been changed `age_s` seconds ago."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    settle(path, age_s)
    return path


def settle(path: Path, age_s: float = 3600) -> None:
    """Let a file have been changed a while ago."""
    then = path.stat().st_mtime_ns - int(age_s * 1e9)
    os.utime(path, ns=(then, then))


def picture(seed: int, kind: str = "PNG", size: tuple[int, int] = (64, 48), **options: object) -> bytes:
    """A picture file of random stripes: another seed, another content."""
    random_colours = random.Random(seed)
    made = stripes(random_colours.choices(list(COLOURS), k=8), size)
    made.putpixel((0, 0), (seed % 256, seed // 256 % 256, 7))
    made.putpixel((1, 0), (seed // 65536 % 256, 9, 9))
    return encoded(made, kind, **options)


def xmp(properties: str) -> bytes:
    """An XMP packet that says `properties`."""
    return f"""<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:cc="http://creativecommons.org/ns#"
 xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/" xmlns:xmpRights="http://ns.adobe.com/xap/1.0/rights/"
 xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:exif="http://ns.adobe.com/exif/1.0/"
 xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" {properties}
</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="w"?>""".encode()


def extended(jpeg: bytes, extension: bytes, guid: bytes = b"0123456789ABCDEF" * 2, piece: int = 65_000) -> list[bytes]:
    """The JPEG's beginning, APP1 segments that carry the extension of its XMP, and the rest of the JPEG."""
    head = b"http://ns.adobe.com/xmp/extension/\0" + guid + struct.pack(">I", len(extension))
    parts = [
        head + struct.pack(">I", start) + extension[start : start + piece] for start in range(0, len(extension), piece)
    ]
    return [jpeg[:2], *(struct.pack(">BBH", 0xFF, 0xE1, len(part) + 2) + part for part in parts), jpeg[2:]]


def png_chunk(kind: bytes, data: bytes) -> bytes:
    """A chunk with its length and checksum."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def bag(*items: str) -> str:
    """A list of XMP."""
    return "<rdf:Bag>" + "".join(f"<rdf:li>{item}</rdf:li>" for item in items) + "</rdf:Bag>"


def with_iptc(jpeg: bytes, fields: list[tuple[int, bytes]]) -> bytes:
    """The JPEG with IPTC fields, as photo agencies write them."""
    data = b"".join(struct.pack(">BBBH", 0x1C, 2, number, len(value)) + value for number, value in fields)
    resource = b"8BIM\x04\x04\x00\x00" + struct.pack(">I", len(data)) + data + b"\0" * (len(data) % 2)
    body = b"Photoshop 3.0\0" + resource
    return jpeg[:2] + b"\xff\xed" + struct.pack(">H", len(body) + 2) + body + jpeg[2:]


def dng(preview: bytes, size: tuple[int, int], *, orientation: int = 1) -> bytes:
    """A camera's file as small as can be: one grey frame behind a colour filter, and a JPEG preview of another size."""
    width, height = size
    with Image.open(io.BytesIO(preview)) as opened:
        preview_size = opened.size
    pixels = struct.pack("<H", 20_000) * (width * height)
    header = 8
    pixels_at = header
    preview_at = pixels_at + len(pixels)
    raw_at = preview_at + len(preview) + len(preview) % 2
    raw: Entries = [
        (254, 4, struct.pack("<I", 0), 1),
        (256, 4, struct.pack("<I", width), 1),
        (257, 4, struct.pack("<I", height), 1),
        (258, 3, struct.pack("<H", 16), 1),
        (259, 3, struct.pack("<H", 1), 1),
        (262, 3, struct.pack("<H", 32803), 1),
        (273, 4, struct.pack("<I", pixels_at), 1),
        (277, 3, struct.pack("<H", 1), 1),
        (278, 4, struct.pack("<I", height), 1),
        (279, 4, struct.pack("<I", len(pixels)), 1),
        (33421, 3, struct.pack("<HH", 2, 2), 2),
        (33422, 1, bytes((0, 1, 1, 2)), 4),
        (50717, 4, struct.pack("<I", 65535), 1),
    ]
    raw_data = _directory(raw, raw_at)
    first: Entries = [
        (254, 4, struct.pack("<I", 1), 1),
        (256, 4, struct.pack("<I", preview_size[0]), 1),
        (257, 4, struct.pack("<I", preview_size[1]), 1),
        (258, 3, struct.pack("<HHH", 8, 8, 8), 3),
        (259, 3, struct.pack("<H", 7), 1),
        (262, 3, struct.pack("<H", 6), 1),
        (271, 2, b"Made\0", 5),
        (272, 2, b"By hand\0", 8),
        (273, 4, struct.pack("<I", preview_at), 1),
        (274, 3, struct.pack("<H", orientation), 1),
        (277, 3, struct.pack("<H", 3), 1),
        (278, 4, struct.pack("<I", preview_size[1]), 1),
        (279, 4, struct.pack("<I", len(preview)), 1),
        (315, 2, b"A photographer\0", 15),
        (330, 4, struct.pack("<I", raw_at), 1),
        (50706, 1, bytes((1, 4, 0, 0)), 4),
        (50707, 1, bytes((1, 1, 0, 0)), 4),
        (50708, 2, b"Made by hand\0", 13),
        (50721, 10, struct.pack("<18i", *(number for i in range(9) for number in (int(i % 4 == 0), 1))), 9),
    ]
    first_at = raw_at + len(raw_data)
    body = pixels + preview + b"\0" * (len(preview) % 2) + raw_data + _directory(first, first_at)
    return struct.pack("<2sHI", b"II", 42, first_at) + body


def _directory(entries: Entries, at: int) -> bytes:
    """A TIFF directory that lies at the offset `at`, its longer values behind it."""
    table, values = struct.pack("<H", len(entries)), b""
    values_at = at + 2 + 12 * len(entries) + 4
    for tag, kind, value, count in entries:
        if len(value) <= 4:
            field = value.ljust(4, b"\0")
        else:
            field = struct.pack("<I", values_at + len(values))
            values += value + b"\0" * (len(value) % 2)
        table += struct.pack("<HHI", tag, kind, count) + field
    return table + b"\0" * 4 + values


def plant(root: Path) -> set[Path]:
    """A tree of more than a thousand files of every kind, hostile ones among them; gives the usable pictures' paths.

    Twenty of the usable ones are copies of others.
    """
    usable = set()
    kinds = list(KINDS.items())
    for number in range(1000):
        extension, kind = kinds[number % 2] if number >= 70 else kinds[number % len(kinds)]
        name = (
            ("boat" if number % 5 == 0 else "IMG") + f"_{number:04}" + (extension.upper() if number % 3 else extension)
        )
        usable.add(write(root / f"{2015 + number % 8}" / f"trip {number % 13}" / name, picture(number, kind)))
    for number in range(20):
        usable.add(write(root / "copies" / f"copy {number}.png", picture(2 * (5 * number + 40) + 1)))
    usable |= _odd_pictures(root / "odd")
    usable |= _odd_names(root / "names")
    _hostile(root)
    return usable


def _odd_pictures(folder: Path) -> set[Path]:
    """Pictures that are unusual and all right."""
    frames = [stripes([colour] * 3, (40, 30)) for colour in ("red", "green", "blue")]
    made = {
        "animated.gif": encoded(frames[0], "GIF", save_all=True, append_images=frames[1:]),
        "animated.webp": encoded(frames[0], "WEBP", save_all=True, append_images=frames[1:]),
        "cmyk.jpg": encoded(stripes(["red", "blue"]).convert("CMYK"), "JPEG"),
        "deep.png": encoded(Image.new("I;16", (40, 30), 30_000), "PNG"),
        "deep.tif": encoded(Image.new("I;16", (40, 30), 40_000), "TIFF"),
        "bits.tiff": encoded(Image.new("1", (40, 30), 1), "TIFF"),
        "palette.png": encoded(stripes(["red", "white"], (40, 32)).quantize(4), "PNG"),
        "clear.png": encoded(Image.new("RGBA", (40, 30), (1, 2, 3, 4)), "PNG"),
        "one pixel.png": encoded(Image.new("RGB", (1, 1), "red"), "PNG"),
        "a long strip.png": encoded(Image.new("RGB", (2000, 2), "red"), "PNG"),
        "a png called.jpg": picture(100_001),
    }
    return {write(folder / name, data) for name, data in made.items()}


def _odd_names(folder: Path) -> set[Path]:
    names = ["🛶.png", "-rf.png", " .png", "%41#?.png", "é" * 100 + ".png", "<b>&amp;.png"]
    if os.name != "nt":
        names += ["new\nline.png", "\x1b[31mred.png", os.fsdecode(b"\xff\xfe\x80.png"), "Case.png", "case.png"]
    return {write(folder / name, picture(200_000 + number)) for number, name in enumerate(names)}


def _hostile(root: Path) -> None:
    """What must not be offered, and harm nothing."""
    for hidden in (".trash", ".Trash-1000", "@eaDir", ".thumbnails"):
        write(root / hidden / "hidden.png", picture(300_000))
    write(root / "2015" / "._IMG_0000.jpg", b"\x00\x05\x16\x07")
    write(root / "2015" / ".DS_Store", b"\x00\x00\x00\x01Bud1")
    write(root / "2015" / "notes.txt", b"no picture")
    write(root / "bad" / "empty.jpg", b"")
    write(root / "bad" / "text.jpg", b"<html>no picture</html>")
    write(root / "bad" / "bomb.png", png_that_claims(60_000, 60_000))
    write(root / "bad" / "cut off.jpg", picture(300_001, "JPEG", (640, 480))[:2000])
    write(root / "bad" / "cut off.heic", picture(300_002, "HEIF")[:200])
    (root / "loop").symlink_to(root)
    (root / "2015" / "round").symlink_to(Path("..") / "2015")
    (root / "2015" / "itself.jpg").symlink_to("itself.jpg")
    (root / "out").symlink_to("/")
    if os.name != "nt":
        os.mkfifo(root / "bad" / "pipe.jpg")
        here = Path.cwd()
        os.chdir(root / "bad")  # the name of a socket may not be long
        try:
            with socket.socket(socket.AF_UNIX) as one:
                one.bind("socket.jpg")
        finally:
            os.chdir(here)
