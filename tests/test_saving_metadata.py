"""The credit inside picture files: written without touching a pixel."""

import io
import struct
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image, ImageCms
from PIL.ExifTags import Base

from phrasepix.saving.metadata import embed_credit
from phrasepix.saving.metadata.xmp import NAMESPACES
from retriever.folder.metadata import facts_of_file
from retriever.folder.packet import RDF
from retriever.folder.xmp import facts_of_packet
from tests.picture_server import candidate, encoded
from tests.picture_tree import extended, png_chunk

CREDITED = replace(
    candidate(7, "https://cdn.example/7.jpg"),
    title="A <boat> & more",
    creator="Sømebody 中",
    licence="CC BY 4.0",
    licence_url="https://creativecommons.org/licenses/by/4.0/",
)
NOISE = Image.fromarray(np.random.default_rng(7).integers(0, 256, (33, 47, 4), dtype=np.uint8), "RGBA")
OTHERS_XMP = (
    '<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?><y:xmpmeta xmlns:y="adobe:ns:meta/">'
    f'<r:RDF xmlns:r="{RDF}"><r:Description r:about="uuid:1" xmlns:dc="{NAMESPACES["dc"]}" '
    'xmlns:q="urn:q" q:own="kept">'
    '<dc:title><r:Alt><r:li xml:lang="x-default">Their title</r:li></r:Alt></dc:title></r:Description></r:RDF>'
    "</y:xmpmeta><?xpacket end='w'?>"
).encode()


def made(kind: str, **options: object) -> bytes:
    return encoded(NOISE if kind in {"PNG", "WEBP"} else NOISE.convert("RGB"), kind, **options)


def embedded(data: bytes, kind: str, tmp_path: Path) -> tuple[bytes, str]:
    source = tmp_path / "source"
    source.write_bytes(data)
    target = io.BytesIO()
    why_not = embed_credit(source, target, kind, CREDITED)
    return target.getvalue(), why_not


def pixels(data: bytes) -> bytes:
    with Image.open(io.BytesIO(data)) as picture:
        return picture.mode.encode() + picture.tobytes()


def xmp_of(data: bytes) -> ElementTree.Element:
    with Image.open(io.BytesIO(data)) as picture:
        picture.load()
        packet = picture.info.get("xmp") or picture.info["XML:com.adobe.xmp"]
    return ElementTree.fromstring(packet.decode() if isinstance(packet, bytes) else packet)


def said(xmp: ElementTree.Element, name: str) -> list[str]:
    prefix, local = name.split(":")
    found = list(xmp.iter(f"{{{NAMESPACES[prefix]}}}{local}"))
    return ["".join(one.itertext()).strip() or one.get(f"{{{RDF}}}resource", "") for one in found]


FILES: dict[str, Callable[[], tuple[str, bytes]]] = {
    "jpeg": lambda: ("JPEG", made("JPEG")),
    "progressive jpeg with a profile": lambda: (
        "JPEG",
        made("JPEG", progressive=True, icc_profile=ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()),
    ),
    "png": lambda: ("PNG", made("PNG")),
    "lossy webp": lambda: ("WEBP", encoded(NOISE.convert("RGB"), "WEBP")),
    "webp with transparency": lambda: ("WEBP", made("WEBP")),
    "lossless webp": lambda: ("WEBP", made("WEBP", lossless=True, exact=True)),
    "lossless opaque webp": lambda: ("WEBP", encoded(NOISE.convert("RGB"), "WEBP", lossless=True)),
    "animated webp": lambda: (
        "WEBP",
        made("WEBP", save_all=True, append_images=[NOISE.rotate(180)], lossless=True, exact=True),
    ),
}


@pytest.mark.parametrize("file", FILES)
def test_the_credit_is_in_the_file_and_every_pixel_as_it_was(file: str, tmp_path: Path) -> None:
    kind, data = FILES[file]()
    written, why_not = embedded(data, kind, tmp_path)
    assert why_not == ""
    assert pixels(written) == pixels(data)
    xmp = xmp_of(written)
    assert said(xmp, "dc:creator") == ["Sømebody 中"]
    assert said(xmp, "dc:title") == ["A <boat> & more"]
    assert said(xmp, "xmpRights:WebStatement") == ["https://creativecommons.org/licenses/by/4.0/"]
    assert said(xmp, "cc:license") == ["https://creativecommons.org/licenses/by/4.0/"]
    assert "CC BY 4.0" in said(xmp, "dc:rights")[0]
    assert "Sømebody 中" in said(xmp, "photoshop:Credit")[0]
    assert said(xmp, "photoshop:Source") == ["sample"]
    with Image.open(io.BytesIO(written)) as picture, Image.open(io.BytesIO(data)) as before:
        assert picture.info.get("icc_profile") == before.info.get("icc_profile")
        exif = picture.getexif()
        assert bytes(exif[Base.Artist], "latin-1").decode() == "Sømebody 中"


@pytest.mark.parametrize("file", FILES)
def test_a_second_time_adds_nothing(file: str, tmp_path: Path) -> None:
    kind, data = FILES[file]()
    once, _ = embedded(data, kind, tmp_path)
    assert embedded(once, kind, tmp_path)[0] == once


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_what_the_file_said_already_is_kept(kind: str, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[Base.Artist], exif[Base.Orientation] = "their artist", 6
    if kind == "PNG":
        from PIL.PngImagePlugin import PngInfo

        text = PngInfo()
        text.add_itxt("XML:com.adobe.xmp", OTHERS_XMP.decode(), zip=True)
        data = made("PNG", pnginfo=text, exif=exif)
    else:
        data = made(kind, xmp=OTHERS_XMP, exif=exif)
    written, why_not = embedded(data, kind, tmp_path)
    assert why_not == ""
    assert pixels(written) == pixels(data)
    xmp = xmp_of(written)
    assert said(xmp, "dc:title") == ["Their title"]
    assert said(xmp, "dc:creator") == ["Sømebody 中"]
    descriptions = list(xmp.iter(f"{{{RDF}}}Description"))
    assert descriptions[0].get("{urn:q}own") == "kept"
    assert {one.get(f"{{{RDF}}}about") for one in descriptions} == {"uuid:1"}
    with Image.open(io.BytesIO(written)) as picture:
        assert dict(picture.getexif()) == {Base.Artist: "their artist", Base.Orientation: 6}


@pytest.mark.parametrize(
    "packet",
    [
        b"<x:xmpmeta",
        b"\xff\xfe",
        b'<!DOCTYPE a [<!ENTITY b "cc">]><a>&b;</a>',
        b"<a/>",
        b'<?xml version="1.0" encoding="x-nobodys"?><a/>',
    ],
    ids=["cut", "no text", "entities", "no rdf", "unknown encoding"],
)
@pytest.mark.parametrize("kind", ["JPEG", "WEBP"])
def test_a_packet_nobody_can_read_is_left_as_it_is(kind: str, packet: bytes, tmp_path: Path) -> None:
    data = made(kind, xmp=packet)
    written, why_not = embedded(data, kind, tmp_path)
    assert "left as it is" in why_not
    assert written == data


def test_a_packet_of_padding_says_nothing_and_is_replaced(tmp_path: Path) -> None:
    written, why_not = embedded(made("WEBP", xmp=b"\0" * 64), "WEBP", tmp_path)
    assert why_not == ""
    assert said(xmp_of(written), "dc:creator") == ["Sømebody 中"]


MAKERS = (
    f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="{RDF}"><rdf:Description rdf:about="" '
    f'xmlns:dc="{NAMESPACES["dc"]}"><dc:creator><rdf:Seq><rdf:li>Its Maker</rdf:li></rdf:Seq></dc:creator>'
    '<dc:rights><rdf:Alt><rdf:li xml:lang="x-default">(c) Its Maker</rdf:li></rdf:Alt></dc:rights>'
    "<dc:subject/></rdf:Description></rdf:RDF></x:xmpmeta>"
).encode()
IMPERFECT = {
    "junk behind its end": MAKERS + b"<a></rdf:RDF>",
    "a Latin-1 byte": MAKERS.replace(b"(c)", b"\xa9"),
    "a control character": MAKERS.replace(b"(c)", b"\x02"),
    "an undeclared prefix": MAKERS.replace(b"<dc:subject/>", b"<nobody:knows>x</nobody:knows>"),
    "an entity of HTML": MAKERS.replace(b"(c)", b"&copy;"),
    "an end within a comment": MAKERS.replace(b"</x:xmpmeta>", b"<!-- </rdf:RDF> --></x:xmpmeta>"),
}


def packed(kind: str, packet: bytes) -> bytes:
    if kind != "PNG":
        return made(kind, xmp=packet)
    text = b"XML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(packet)
    return made("PNG")[:33] + png_chunk(b"iTXt", text) + made("PNG")[33:]


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("packet", IMPERFECT.values(), ids=IMPERFECT)
def test_a_packet_that_is_no_perfect_xml_keeps_its_maker_and_every_byte(
    packet: bytes, kind: str, tmp_path: Path
) -> None:
    data = packed(kind, packet)
    written, why_not = embedded(data, kind, tmp_path)
    assert why_not == ""
    assert pixels(written) == pixels(data)
    with Image.open(io.BytesIO(written)) as picture:
        result = picture.info["xmp"]
    facts = facts_of_packet(result)
    assert facts.creator == "Its Maker"
    assert facts.rights.endswith("Its Maker")
    assert facts.title == "A <boat> & more"
    start = result.index(b"<rdf:Description xmlns:rdf=")
    added = result[start : result.index(b"</rdf:Description>\n", start) + len(b"</rdf:Description>\n")]
    assert result.replace(added, b"") == packet


def test_a_credit_that_cannot_be_found_again_is_said_and_the_file_stays(tmp_path: Path) -> None:
    hidden = MAKERS.replace(b"</rdf:RDF>", b"<x:y><![CDATA[</x:y></rdf:RDF>").replace(b"<x:xmp", b"]]><x:xmp", 1)
    data = made("WEBP", xmp=hidden)
    written, why_not = embedded(data, "WEBP", tmp_path)
    assert why_not
    assert written == data


def segment(payload: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, 0xE1, len(payload) + 2) + payload


def test_a_file_with_several_packets_is_left_as_it_is(tmp_path: Path) -> None:
    one, xmp = made("JPEG", xmp=MAKERS), b"http://ns.adobe.com/xap/1.0/\0"
    data = one[:2] + segment(xmp + OTHERS_XMP) + one[2:]
    written, why_not = embedded(data, "JPEG", tmp_path)
    assert "several XMP packets" in why_not
    assert written == data


def test_what_an_extension_of_the_xmp_says_is_not_said_again(tmp_path: Path) -> None:
    guid = b"0123456789ABCDEF0123456789ABCDEF"
    note = b'xmlns:n="http://ns.adobe.com/xmp/note/" n:HasExtendedXMP="' + guid + b'" '
    main = OTHERS_XMP.replace(b"xmlns:q", note + b"xmlns:q")
    head = b"http://ns.adobe.com/xmp/extension/\0" + guid
    pieces = [
        segment(head + struct.pack(">II", len(MAKERS), start) + MAKERS[start : start + 200])
        for start in range(0, len(MAKERS), 200)
    ]
    plain = made("JPEG", xmp=main)
    written, why_not = embedded(plain[:2] + b"".join(reversed(pieces)) + plain[2:], "JPEG", tmp_path)
    assert why_not == ""
    assert said(xmp_of(written), "dc:creator") == []
    assert said(xmp_of(written), "cc:attributionName") == ["Sømebody 中"]
    broken, why_not = embedded(plain[:2] + pieces[0] + plain[2:], "JPEG", tmp_path)
    assert "left as it is" in why_not
    assert broken == plain[:2] + pieces[0] + plain[2:]


@pytest.mark.parametrize("main", [OTHERS_XMP, b""], ids=["beside another packet", "alone"])
def test_an_extension_that_no_packet_names_keeps_its_maker(main: bytes, tmp_path: Path) -> None:
    plain = made("JPEG", xmp=main) if main else made("JPEG")
    data = b"".join(extended(plain, MAKERS))
    written, why_not = embedded(data, "JPEG", tmp_path)
    assert why_not == ""
    assert pixels(written) == pixels(data)
    facts = facts_of_file(io.BytesIO(written))
    assert (facts.creator, facts.rights) == ("Its Maker", "(c) Its Maker")
    assert said(xmp_of(written), "cc:attributionName") == ["Sømebody 中"]


@pytest.mark.parametrize("is_compressed", [False, True])
def test_xmp_behind_a_pngs_pixels_keeps_its_maker(is_compressed: bool, tmp_path: Path) -> None:
    text = b"XML:com.adobe.xmp\0" + (b"\1\0\0\0" + zlib.compress(MAKERS) if is_compressed else b"\0\0\0\0" + MAKERS)
    plain = made("PNG")
    data = plain[:-12] + png_chunk(b"iTXt", text) + plain[-12:]
    written, why_not = embedded(data, "PNG", tmp_path)
    assert why_not == ""
    assert pixels(written) == pixels(data)
    facts = facts_of_file(io.BytesIO(written))
    assert (facts.creator, facts.rights, facts.title) == ("Its Maker", "(c) Its Maker", "A <boat> & more")
    assert written.count(b"XML:com.adobe.xmp") == 1


@pytest.mark.parametrize("keyword", [b"XML:com.adobe.xmp", b"Raw profile type xmp", b"Raw profile type APP1"])
def test_xmp_in_a_pngs_plain_text_is_left_as_it_is(keyword: bytes, tmp_path: Path) -> None:
    plain = made("PNG")
    profile = b"http://ns.adobe.com/xap/1.0/\0" + MAKERS if keyword.endswith(b"APP1") else MAKERS
    text = MAKERS if keyword.startswith(b"XML") else b"\nxmp\n%d\n" % len(profile) + profile.hex().encode()
    data = plain[:-12] + png_chunk(b"tEXt", keyword + b"\0" + text) + plain[-12:]
    written, why_not = embedded(data, "PNG", tmp_path)
    assert "plain text" in why_not
    assert written == data
    assert facts_of_file(io.BytesIO(written)).creator == "Its Maker"


def test_what_is_not_known_is_not_written(tmp_path: Path) -> None:
    unknown = replace(CREDITED, source="folder", creator="", credit="", licence="", licence_url="", page_url="")
    (tmp_path / "source").write_bytes(data := made("JPEG"))
    target = io.BytesIO()
    assert embed_credit(tmp_path / "source", target, "JPEG", unknown) == "nothing is known of whom to credit"
    assert target.getvalue() == data


def test_a_jpeg_whose_xmp_is_full_is_copied_as_it_is(tmp_path: Path) -> None:
    full = OTHERS_XMP.replace(b'q:own="kept"', b'q:own="' + b"x" * (65502 - len(OTHERS_XMP) - 29) + b'"')
    data = made("JPEG", xmp=full)
    written, why_not = embedded(data, "JPEG", tmp_path)
    assert "would not fit" in why_not
    assert written == data


@pytest.mark.parametrize("kind", ["GIF", "AVIF", "TIFF", "BMP"])
def test_other_formats_are_copied_as_they_are(kind: str, tmp_path: Path) -> None:
    data = encoded(NOISE.convert("RGB"), kind)
    written, why_not = embedded(data, kind, tmp_path)
    assert kind in why_not
    assert written == data


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_file_that_breaks_off_ends_in_a_copy_or_in_itself_with_more_but_in_no_error(
    kind: str, tmp_path: Path
) -> None:
    data = made(kind)
    for length in (0, 2, 5, 9, 13, 21, 40, len(data) // 2):
        written, why_not = embedded(data[:length], kind, tmp_path)
        assert written == data[:length] if why_not else len(written) > length


@pytest.mark.parametrize("length", [0, 1])
def test_a_length_that_cannot_be_ends_in_a_copy(length: int, tmp_path: Path) -> None:
    data = b"\xff\xd8" + struct.pack(">BBH", 0xFF, 0xE1, length) + made("JPEG")[2:]
    written, why_not = embedded(data, "JPEG", tmp_path)
    assert why_not
    assert written == data
