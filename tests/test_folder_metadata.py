"""What files say of themselves, in each of the three ways they have, and when they are damaged."""

import io
import random
import struct
import tracemalloc
import zlib
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from retriever.folder.as_candidate import candidate_of, licence_of
from retriever.folder.carriers import carried_by
from retriever.folder.contents import Contents, read_contents
from retriever.folder.facts import Facts
from retriever.folder.metadata import NoPictureError, facts_of_file
from retriever.folder.walk import FileEntry
from tests.picture_server import encoded, png_that_claims
from tests.picture_tree import KINDS, bag, dng, extended, picture, png_chunk, with_iptc, write, xmp

ORIENTATION, ARTIST, COPYRIGHT, EXIF_PART, GPS_PART, TAKEN = 0x0112, 0x013B, 0x8298, 0x8769, 0x8825, 0x9003

FULL = (
    """photoshop:Headline="Nets" photoshop:Credit="The harbour archive"
 photoshop:DateCreated="2019-07-02T10:11:12+02:00"
 xmpRights:WebStatement="https://example.org/terms">
 <dc:title><rdf:Alt><rdf:li xml:lang="de">Netze</rdf:li>
 <rdf:li xml:lang="x-default">Mending  nets</rdf:li></rdf:Alt></dc:title>
 <dc:creator><rdf:Seq><rdf:li>One Author</rdf:li><rdf:li>Another</rdf:li></rdf:Seq></dc:creator>
 <dc:rights><rdf:Alt><rdf:li xml:lang="x-default">© 2019 One Author</rdf:li></rdf:Alt></dc:rights>
 <xmpRights:UsageTerms><rdf:Alt><rdf:li xml:lang="x-default">CC BY-SA 4.0</rdf:li></rdf:Alt></xmpRights:UsageTerms>
 <dc:subject>"""
    + bag("fisherman", "Häfen &amp; Boote", "fisherman")
    + "</dc:subject>"
)


def facts(data: bytes) -> Facts:
    return facts_of_file(io.BytesIO(data))


def with_exif(**options: object) -> Image.Exif:
    exif = Image.Exif()
    for tag, value in options.items():
        exif[{"orientation": ORIENTATION, "artist": ARTIST, "rights": COPYRIGHT}[tag]] = value
    return exif


@pytest.mark.parametrize("kind", KINDS.values())
@pytest.mark.parametrize("orientation", [1, 6])
def test_the_size_is_that_of_the_upright_picture(kind: str, orientation: int) -> None:
    if kind in {"GIF", "HEIF"} and orientation != 1:
        pytest.skip("GIF has no EXIF, and HEIF another way to say it")
    options: dict[str, Any] = {} if kind == "GIF" else {"exif": with_exif(orientation=orientation)}
    said = facts(picture(1, kind, **options))
    assert (said.width, said.height) == ((64, 48) if orientation == 1 else (48, 64))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "HEIF", "AVIF"])
def test_an_xmp_packet_is_read_from_every_format(kind: str) -> None:
    if kind == "PNG":
        from PIL.PngImagePlugin import PngInfo

        text = PngInfo()
        text.add_itxt("XML:com.adobe.xmp", xmp(FULL).decode())
        options: dict[str, Any] = {"pnginfo": text}
    elif kind == "TIFF":
        options = {"tiffinfo": {700: xmp(FULL)}}
    else:
        options = {"xmp": xmp(FULL)}
    said = facts(picture(1, kind, **options))
    assert (said.width, said.height) == (64, 48)
    assert said.title == "Mending nets"
    assert said.creator == "One Author, Another"
    assert said.credit == "The harbour archive"
    assert said.rights == "© 2019 One Author"
    assert said.terms == "CC BY-SA 4.0"
    assert said.terms_url == "https://example.org/terms"
    assert said.keywords == ("fisherman", "Häfen & Boote")
    assert said.taken_on == date(2019, 7, 2)


GUID = b"0123456789ABCDEF" * 2
NAMED = f'xmlns:xmpNote="http://ns.adobe.com/xmp/note/" xmpNote:HasExtendedXMP="{GUID.decode()}" '
LONG = FULL.replace("<dc:subject>", f"<xmp:Label>{'a' * 150_000}</xmp:Label><dc:subject>")


def test_xmp_that_does_not_fit_into_one_segment_of_a_jpeg_is_joined() -> None:
    whole = picture(1, "JPEG", xmp=xmp(NAMED + 'photoshop:Headline="The main packet">'))
    start, *pieces, rest = extended(whole, xmp(LONG), GUID)
    assert len(pieces) == 3
    for order in (pieces, pieces[::-1], [*pieces, *pieces]):
        said = facts(b"".join([start, *order, rest]))
        assert (said.title, said.creator) == ("The main packet", "One Author, Another")
        assert said.rights == "© 2019 One Author"
        assert said.keywords == ("fisherman", "Häfen & Boote")


def test_of_an_extension_that_is_not_whole_its_beginning_is_read() -> None:
    whole = picture(1, "JPEG", xmp=xmp(NAMED + ">"))
    start, first, second, third, rest = extended(whole, xmp(LONG), GUID)
    assert facts(start + first + second + rest).creator == "One Author, Another"
    assert facts(start + first + third + rest).creator == "One Author, Another"
    assert facts(start + second + third + rest).creator == ""


def test_an_extension_that_no_packet_names_counts_if_it_is_the_only_one() -> None:
    variants: list[dict[str, Any]] = [{}, {"xmp": xmp('photoshop:Headline="Another program\'s">')}]
    for options in variants:
        plain = picture(1, "JPEG", **options)
        parts = extended(plain, xmp(FULL), GUID)
        assert facts(b"".join(parts)).creator == "One Author, Another"
        assert facts(b"".join(extended(b"".join(parts), xmp(FULL), b"F" * 32))).creator == ""
    two = extended(picture(1, "JPEG", xmp=xmp(NAMED + ">")), xmp(FULL), GUID)
    stale = xmp(FULL.replace("One Author", "A former one"))
    assert facts(b"".join(extended(b"".join(two), stale, b"F" * 32))).creator == "One Author, Another"


def test_an_extension_without_bound_is_not_joined() -> None:
    endless = xmp(FULL.replace("One Author", "x" * 30_000_000))
    data = b"".join(extended(picture(1, "JPEG", xmp=xmp(NAMED + 'photoshop:Headline="Main">')), endless, GUID))
    said = facts(data)
    assert (said.title, said.creator) == ("Main", "")
    tracemalloc.start()
    try:
        carried_by(io.BytesIO(data))  # the decoder keeps all of it, which is not ours to change
        assert tracemalloc.get_traced_memory()[1] < 25_000_000
    finally:
        tracemalloc.stop()


def raw_profile(kind: bytes, data: bytes) -> bytes:
    digits = data.hex()
    lines = "\n".join(digits[start : start + 72] for start in range(0, len(digits), 72))
    return b"Raw profile type " + kind + b"\0" + f"\n{kind.decode()}\n{len(data):8}\n{lines}\n".encode()


def zipped(text: bytes) -> bytes:
    keyword, _, rest = text.partition(b"\0")
    return keyword + b"\0\0" + zlib.compress(rest)


XMP_OF_JPEG = b"http://ns.adobe.com/xap/1.0/\0" + xmp(FULL)
CARRYING = {
    "plain": png_chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + xmp(FULL)),
    "compressed": png_chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0en\0\0" + zlib.compress(xmp(FULL))),
    "plain text": png_chunk(b"tEXt", b"XML:com.adobe.xmp\0" + xmp(FULL)),
    "a raw profile": png_chunk(b"tEXt", raw_profile(b"xmp", xmp(FULL))),
    "a compressed raw profile": png_chunk(b"zTXt", zipped(raw_profile(b"xmp", xmp(FULL)))),
    "a raw profile of a JPEG": png_chunk(b"zTXt", zipped(raw_profile(b"APP1", XMP_OF_JPEG))),
}


@pytest.mark.parametrize("chunk", CARRYING.values(), ids=CARRYING)
def test_xmp_is_read_wherever_a_png_carries_it(chunk: bytes) -> None:
    png = picture(1, "PNG")
    for place in (33, len(png) - 12):  # behind the header, behind the pixels
        said = facts(png[:place] + chunk + png[place:])
        assert (said.creator, said.rights) == ("One Author, Another", "© 2019 One Author")


def test_compressed_xmp_of_a_png_is_unpacked_up_to_a_bound() -> None:
    png = picture(1, "PNG")
    bomb = zlib.compress(xmp(FULL) + b" " * 60_000_000, 9)
    chunk = png_chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + bomb)
    tracemalloc.start()
    try:
        assert facts(png[:-12] + chunk * 20 + png[-12:]) == Facts(width=64, height=48)
        assert tracemalloc.get_traced_memory()[1] < 40_000_000
    finally:
        tracemalloc.stop()


def test_a_pngs_own_words_are_read_behind_all_others() -> None:
    png = picture(1, "PNG")
    words = (
        png_chunk(b"tEXt", b"Author\0Jos\xe9")
        + png_chunk(b"zTXt", zipped("Copyright\0© Åse".encode("latin-1")))
        + png_chunk(b"iTXt", "Title\0\0\0de\0Titel\0Морской вид".encode())
    )
    said = facts(png[:-12] + words + png[-12:])
    assert (said.creator, said.rights, said.title) == ("José", "© Åse", "Морской вид")
    assert facts(png[:33] + words + CARRYING["plain"] + png[33:]).creator == "One Author, Another"


@pytest.mark.parametrize("frames", [1, 3])
def test_xmp_is_read_from_a_gif(frames: int) -> None:
    made = [Image.linear_gradient("L").resize((64, 48)).rotate(90 * turn) for turn in range(frames)]
    options: dict[str, Any] = {"save_all": True, "append_images": made[1:], "comment": b"a" * 300} if frames > 1 else {}
    gif = encoded(made[0], "GIF", **options)
    trailer = bytes((1, *range(255, -1, -1), 0))
    block = b"!\xff\x0bXMP DataXMP" + xmp(FULL) + trailer
    said = facts(gif[:-1] + block + gif[-1:])
    assert (said.width, said.height, said.creator) == (64, 48, "One Author, Another")
    with Image.open(io.BytesIO(gif[:-1] + block + gif[-1:])) as opened:
        assert getattr(opened, "n_frames", 1) == frames


def test_xmp_that_a_webp_does_not_announce_is_read() -> None:
    webp, packet = picture(1, "WEBP"), xmp(FULL)
    assert webp[12:16] != b"VP8X"
    grown = webp[8:] + b"XMP " + struct.pack("<I", len(packet)) + packet + b"\0" * (len(packet) % 2)
    assert facts(b"RIFF" + struct.pack("<I", len(grown)) + grown).creator == "One Author, Another"


def test_xmp_that_a_tiff_calls_text_is_read() -> None:
    from PIL.TiffImagePlugin import ImageFileDirectory_v2

    entries = ImageFileDirectory_v2()
    entries.tagtype[700] = 2
    entries[700] = xmp(FULL).replace("ä".encode(), b"ae").decode("latin-1")
    said = facts(picture(1, "TIFF", tiffinfo=entries))
    assert (said.creator, said.keywords) == ("One Author, Another", ("fisherman", "Haefen & Boote"))


def test_of_several_packets_the_first_counts_and_the_others_complete_it() -> None:
    first, second = xmp('photoshop:Headline="The first">'), xmp(FULL)
    jpeg = picture(1, "JPEG", xmp=second)
    payload = b"http://ns.adobe.com/xap/1.0/\0" + first
    said = facts(jpeg[:2] + struct.pack(">BBH", 0xFF, 0xE1, len(payload) + 2) + payload + jpeg[2:])
    assert (said.title, said.creator) == ("The first", "One Author, Another")


@pytest.mark.parametrize(("encoding", "keyword"), [("utf-8", "Möwe"), ("cp1252", "Möwe")])
def test_iptc_is_read_in_both_encodings_that_are_met(encoding: str, keyword: str) -> None:
    jpeg = with_iptc(
        picture(1, "JPEG"),
        [
            (5, b"A gull"),
            (25, keyword.encode(encoding)),
            (25, b"harbour"),
            (55, b"20180531"),
            (80, "Åse".encode(encoding)),
            (110, b"An agency"),
            (116, b"All rights reserved"),
        ],
    )
    assert facts(jpeg) == Facts(
        width=64,
        height=48,
        title="A gull",
        creator="Åse",
        credit="An agency",
        rights="All rights reserved",
        keywords=(keyword, "harbour"),
        taken_on=date(2018, 5, 31),
    )


def test_a_single_iptc_keyword_is_one() -> None:
    assert facts(with_iptc(picture(1, "JPEG"), [(25, b"harbour")])).keywords == ("harbour",)


def test_exif_tells_who_and_when_and_its_text_is_utf_8_by_habit() -> None:
    exif = with_exif(artist="Åse".encode(), rights="Some rights")
    exif.get_ifd(EXIF_PART)[TAKEN] = "2021:12:31 23:59:59"
    said = facts(picture(1, "JPEG", exif=exif))
    assert (said.creator, said.rights, said.taken_on) == ("Åse", "Some rights", date(2021, 12, 31))


@pytest.mark.parametrize(
    "day", ["0000:00:00 00:00:00", "    :  :     :  :  ", "2021:13:01 00:00:00", "nonsense", "2021"]
)
def test_a_camera_without_a_clock_says_no_day(day: str) -> None:
    exif = Image.Exif()
    exif.get_ifd(EXIF_PART)[TAKEN] = day
    assert facts(picture(1, "JPEG", exif=exif)).taken_on is None


def test_xmp_comes_before_iptc_and_iptc_before_exif_and_keywords_are_merged() -> None:
    packet = xmp('photoshop:Headline="From XMP"><dc:subject>' + bag("one") + "</dc:subject>")
    jpeg = with_iptc(
        picture(1, "JPEG", xmp=packet, exif=with_exif(artist="From EXIF", rights="From EXIF")),
        [(5, b"From IPTC"), (25, b"two"), (25, b"one"), (80, b"From IPTC")],
    )
    said = facts(jpeg)
    assert (said.title, said.creator, said.rights) == ("From XMP", "From IPTC", "From EXIF")
    assert said.keywords == ("one", "two")


def test_where_a_picture_was_taken_is_told_nowhere(tmp_path: Path) -> None:
    exif = with_exif(artist="Somebody")
    exif.get_ifd(GPS_PART).update({1: "N", 2: (51.0, 28.0, 38.0), 3: "W", 4: (0.0, 0.0, 1.0)})
    packet = xmp('exif:GPSLatitude="51,28.6N" exif:GPSLongitude="0,0.1W">')
    path = write(tmp_path / "a.jpg", picture(1, "JPEG", exif=exif, xmp=packet))
    with Image.open(path) as opened:
        assert 2 in opened.getexif().get_ifd(GPS_PART), "it is in the file"
    contents = read_contents(FileEntry.at(path))
    assert contents.facts is not None
    told = repr(candidate_of(contents, contents.facts, [path], "")) + contents.facts.to_json()
    assert "Somebody" in told
    assert not any(number in told for number in ("51.0", "51,", "28.6", "28.0"))


def test_generated_pictures_that_say_so_are_marked() -> None:
    kind = "http://cv.iptc.org/newscodes/digitalsourcetype/"
    for name, expected in (("trainedAlgorithmicMedia", True), ("digitalCapture", False)):
        packet = xmp(f'Iptc4xmpExt:DigitalSourceType="{kind}{name}">')
        assert facts(picture(1, "JPEG", xmp=packet)).ai_generated is expected
    assert facts(picture(1, "JPEG")).ai_generated is None


BILLION = b"""<!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;">]>
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description>&c;</rdf:Description></rdf:RDF>"""


@pytest.mark.parametrize(
    "packet",
    [b"", b"no XML", BILLION, b"\xff\xfe\x00", xmp(">").replace(b"rdf:Description", b"rdf:Other")],
    ids=["empty", "text", "entities", "bytes", "other elements"],
)
def test_a_damaged_packet_says_nothing_and_harms_nothing(packet: bytes) -> None:
    assert facts(picture(1, "WEBP", xmp=packet)) == Facts(width=64, height=48)


IMPERFECT = {
    "cut off": xmp(FULL)[:-60],
    "junk behind its end": xmp(FULL) + b"\0\0rest of another <packet>",
    "a Latin-1 byte": xmp(FULL).replace("©".encode(), b"\xa9"),
    "a control character": xmp(FULL).replace(b"One Author</rdf:li><rdf:li>", b"One\x1f Author</rdf:li><rdf:li>"),
    "an undeclared prefix": xmp(FULL).replace(b"<dc:title>", b"<nobody:knows>x</nobody:knows><dc:title>"),
    "a known prefix undeclared": xmp(FULL).replace(b'xmlns:dc="http://purl.org/dc/elements/1.1/"', b""),
    "an entity of HTML": xmp(FULL).replace("©".encode(), b"&copy;"),
    "a bare ampersand": xmp(FULL).replace(b'"Nets"', b'"Nets & more"'),
    "UTF-16": xmp(FULL).decode().encode("utf-16"),
}


@pytest.mark.parametrize("packet", IMPERFECT.values(), ids=IMPERFECT)
def test_a_packet_that_is_no_perfect_xml_is_read(packet: bytes) -> None:
    said = facts(picture(1, "WEBP", xmp=packet))
    assert (said.title, said.creator, said.rights) == ("Mending nets", "One Author, Another", "© 2019 One Author")


def test_entities_are_decoded_once() -> None:
    packet = xmp('photoshop:Headline="Salt &amp;amp; pepper &lt;b>">')
    assert facts(picture(1, "WEBP", xmp=packet)).title == "Salt &amp; pepper <b>"


def test_entities_in_exif_and_iptc_are_decoded_once() -> None:
    jpeg = with_iptc(picture(1, "JPEG", exif=with_exif(artist="Ann &amp; Bo")), [(5, b"Sea &amp;lt; sky")])
    said = facts(jpeg)
    assert (said.creator, said.title) == ("Ann & Bo", "Sea &lt; sky")


@pytest.mark.parametrize(
    ("said", "credit"),
    [
        (Facts(rights="© 2020 A", credit="© 2020 A", creator="A"), "© 2020 A"),
        (Facts(rights="(c) 2020 An Agency", creator="B. Maker"), "B. Maker, (c) 2020 An Agency"),
        (Facts(rights="© 2020 A", credit="Copyright 2020 A"), "Copyright 2020 A"),
        (Facts(creator="Al", credit="Alps archive"), "Al, Alps archive"),
        (Facts(), ""),
    ],
)
def test_a_credit_has_all_that_the_file_says_and_nothing_twice(said: Facts, credit: str, tmp_path: Path) -> None:
    assert candidate_of(Contents("d", said), said, [tmp_path / "a.jpg"], "").credit == credit


def test_texts_are_one_line_of_printable_characters_and_not_endless() -> None:
    packet = xmp(
        'photoshop:Headline="a&#10;b&#9;  c\u202e&#x85;d"><dc:subject>'
        + bag("x" * 9999, *map(str, range(5000)))
        + "</dc:subject>"
    )
    said = facts(picture(1, "WEBP", xmp=packet))
    assert said.title == "a b c d"
    assert len(said.keywords) == 200
    assert all(len(word) <= 500 for word in said.keywords)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"GIF89a", "damaged|not a picture"),
        (b"<html>no picture</html>", "not a picture"),
        (picture(1, "JPEG")[:100], "damaged|not a picture"),
        (png_that_claims(60_000, 60_000), "far too many pixels"),
        (encoded(Image.new("RGB", (9, 9)), "BMP"), "not a picture"),
    ],
)
def test_what_is_no_picture_says_why(data: bytes, reason: str) -> None:
    with pytest.raises(NoPictureError, match=reason):
        facts(data)


def test_any_damage_to_a_file_is_a_refusal_or_facts() -> None:
    random_bytes = random.Random(5)
    whole = with_iptc(picture(1, "JPEG", xmp=xmp(FULL), exif=with_exif(artist="a", orientation=6)), [(25, b"k")])
    for kind, data in (("JPEG", whole), *((kind, picture(2, kind)) for kind in ("TIFF", "HEIF", "AVIF", "WEBP"))):
        for _ in range(60):
            damaged = bytearray(data)
            for _ in range(random_bytes.randint(1, 8)):
                damaged[random_bytes.randrange(min(len(data), 2000))] = random_bytes.randrange(256)
            with suppress(NoPictureError):
                assert facts(bytes(damaged)).width > 0, kind


def test_a_cameras_file_has_the_size_of_its_frame_upright_and_its_own_words(tmp_path: Path) -> None:
    pytest.importorskip("rawpy", reason="needs the extra raw")
    preview = picture(1, "JPEG", (160, 120), xmp=xmp('photoshop:Headline="A preview">'))
    contents = read_contents(FileEntry.at(write(tmp_path / "a.DNG", dng(preview, (320, 240), orientation=6))))
    assert contents.facts == Facts(
        width=240, height=320, title="A preview", creator="A photographer", camera="Made By hand"
    )


def test_a_cameras_file_that_is_none_says_why(tmp_path: Path) -> None:
    pytest.importorskip("rawpy", reason="needs the extra raw")
    contents = read_contents(FileEntry.at(write(tmp_path / "a.nef", b"no such thing" * 99)))
    assert contents.facts is None
    assert contents.problem.startswith("the camera's file cannot be used: ")


@pytest.mark.parametrize(
    ("said", "name", "url", "commercial", "modification"),
    [
        (Facts(), "", "", None, None),
        (Facts(rights="© A. N. Other"), "", "", None, None),
        (Facts(rights="Public domain"), "", "", None, None),
        (Facts(rights="CC BY 4.0", creator="CC0", credit="PD"), "", "", None, None),
        (Facts(terms="PDX Photos, all rights reserved"), "PDX Photos, all rights reserved", "", None, None),
        (Facts(terms_url="https://www.creativecommons.org/licenses/by-nc-nd/2.5/in/legalcode"), "CC BY-NC-ND 2.5 IN",
         "https://creativecommons.org/licenses/by-nc-nd/2.5/in/", False, False),
        (Facts(rights="© me", terms="CC BY-NC 4.0"), "CC BY-NC 4.0", "https://creativecommons.org/licenses/by-nc/4.0/",
         False, True),
        (Facts(rights="© me", terms_url="https://creativecommons.org/licenses/by-nd/3.0/de/deed.en"),
         "CC BY-ND 3.0 DE", "https://creativecommons.org/licenses/by-nd/3.0/de/", True, False),
        (Facts(terms_url="http://creativecommons.org/publicdomain/zero/1.0/"), "CC0 1.0",
         "https://creativecommons.org/publicdomain/zero/1.0/", True, True),
        (Facts(rights="© me", terms_url="https://example.org/terms"), "", "https://example.org/terms", None, None),
        (Facts(terms_url="https://example.org/t"), "", "https://example.org/t", None, None),
        (Facts(terms_url="javascript:alert(1)"), "", "", None, None),
    ],
)  # fmt: skip
def test_the_licence_is_what_the_file_says(
    said: Facts, name: str, url: str, commercial: bool | None, modification: bool | None
) -> None:
    licence = licence_of(said)
    assert (licence.name, licence.url) == (name, url)
    assert (licence.commercial, licence.modification) == (commercial, modification)


def test_a_candidate_says_who_is_owed_what_only_where_the_file_does(tmp_path: Path) -> None:
    bare = candidate_of(Contents("d", Facts()), Facts(width=4, height=3), [tmp_path / "my boat.jpg"], "")
    assert (bare.title, bare.creator, bare.credit, bare.licence, bare.credit_owed) == (
        "my boat",
        "",
        "",
        "",
        None,
    )
    said = Facts(width=4, height=3, title="Boats", creator="Åse", rights="© Åse")
    full = candidate_of(Contents("d", said), said, [tmp_path / "a.jpg"], "boat")
    assert (full.title, full.creator, full.credit, full.credit_owed) == ("Boats", "Åse", "© Åse", True)
    assert full.found_by == "boat"


def test_facts_survive_being_noted() -> None:
    said = facts(picture(1, "JPEG", xmp=xmp(FULL)))
    assert Facts.from_json(said.to_json()) == said
    assert Facts.from_json(Facts().to_json()) == Facts()
