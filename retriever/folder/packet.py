"""Reading XMP packets as they are met: most are XML, and some nearly.

A packet is tried as it is, then cut to its bounds, then with its text mended: bytes of another encoding, control
characters, entities of HTML and prefixes that nobody declared. What breaks off is read as far as it goes. A packet with
a document type is refused, for the sake of what can be declared there.
"""

import html
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from xml.etree.ElementTree import Element, ParseError, TreeBuilder  # packets are read by defusedxml

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser

LARGEST_PACKET = 4 << 20
"""Bytes; a packet that is larger is not read."""

PADDING = "\0 \t\r\n\ufeff"
"""What may stand around a packet and says nothing."""

RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
NAMESPACES = {
    "x": "adobe:ns:meta/",
    "rdf": RDF,
    "dc": "http://purl.org/dc/elements/1.1/",
    "xmp": "http://ns.adobe.com/xap/1.0/",
    "xap": "http://ns.adobe.com/xap/1.0/",
    "xmpRights": "http://ns.adobe.com/xap/1.0/rights/",
    "xapRights": "http://ns.adobe.com/xap/1.0/rights/",
    "xmpMM": "http://ns.adobe.com/xap/1.0/mm/",
    "photoshop": "http://ns.adobe.com/photoshop/1.0/",
    "exif": "http://ns.adobe.com/exif/1.0/",
    "tiff": "http://ns.adobe.com/tiff/1.0/",
    "cc": "http://creativecommons.org/ns#",
    "Iptc4xmpCore": "http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/",
    "Iptc4xmpExt": "http://iptc.org/std/Iptc4xmpExt/2008-02-29/",
    "plus": "http://ns.useplus.org/ldf/xmp/1.0/",
}
"""What a prefix stands for if the packet does not say."""

_EXTENSION = b"http://ns.adobe.com/xmp/extension/\0"
_EXTENDED = re.compile(rb"""HasExtendedXMP(?:\s*=\s*["']|>\s*)([0-9A-Fa-f]{32})""")
_RDF_END = re.compile(r"</(?:[\w.-]+:)?RDF\s*>")
_START = re.compile(r"<(?P<name>(?:[\w.-]+:)?(?:xmpmeta|xapmeta|RDF))[\s>]")
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_REFERENCE = re.compile(r"&(#\d{1,7}|#x[0-9a-fA-F]{1,6}|[\w.-]{1,32});|&")
_ENDS = {"<!--": "-->", "<![CDATA[": "]]>", "<?": "?>"}
_NO_MARKUP = re.compile("|".join(map(re.escape, _ENDS)))
_PREFIX = re.compile(r"""(?:</?|\s)([A-Za-z_][\w.-]*):[A-Za-z_][\w.-]*(?=[\s=/>])""")
_TAG = re.compile(r"<[^<>]*>")
_MOST_PREFIXES = 100
_OF_XML = frozenset({"amp", "lt", "gt", "quot", "apos"})


@dataclass(frozen=True, slots=True)
class Packet:
    """A packet that could be read: the `root` of what it says; what is not whole (`is_whole`) breaks off."""

    root: Element
    is_whole: bool = True

    def descriptions(self) -> Iterator[Element]:
        """The descriptions of the picture: not those within a property, which describe something else."""
        for rdf in self.root.iter(f"{{{RDF}}}RDF"):
            yield from rdf.findall(f"{{{RDF}}}Description")


def read_packet(data: bytes) -> Packet | None:
    """What the bytes of a packet say; None if nothing can be read of them."""
    if len(data) > LARGEST_PACKET:
        return None
    whole = _without_undecoded(_decoded(data))
    bounds = _bounds(whole)
    try:
        if (root := _parsed(whole.strip(PADDING))) is not None:
            return Packet(root)
        if bounds is None:
            return None
        body = whole[bounds[0] : bounds[1]]
        for text in (body, mended := _mended(body)):
            if (root := _parsed(text)) is not None:
                return Packet(root)
        partly = _parsed(mended, partly=True)
    except DefusedXmlException:
        return None
    return None if partly is None else Packet(partly, is_whole=False)


def end_of_rdf(data: bytes) -> int | None:
    """Where, in bytes, the packet's RDF ends, so that one more description fits in before it.

    None if it has no end, or none that can be told from a text's: in a comment, or in UTF-16.
    """
    if data.startswith((b"\xff\xfe", b"\xfe\xff", b"\0")) or b"<\0" in data[:8]:
        return None
    text = _decoded(data)
    if (bounds := _bounds(text)) is None:
        return None
    ends = list(_RDF_END.finditer(_without_comments(text), *bounds))
    return len(text[: ends[-1].start()].encode("utf-8", "surrogateescape")) if ends else None


def extended_packet(packet: bytes, segments: Iterable[bytes]) -> bytes:
    """The part of a JPEG's XMP that did not fit into its `packet`, from the APP1 segments' payloads; empty if none.

    If the packet names none, as after an edit by a program that knows no extensions, the one that is there counts, but
    none of several. It ends before the first piece that is missing or of another length, and is at most one byte longer
    than `LARGEST_PACKET`, which is too long to be read.
    """
    named = _EXTENDED.search(packet)
    pieces: dict[bytes, dict[int, bytes]] = {}
    kept = 0
    for segment in segments:
        if not segment.startswith(_EXTENSION) or kept > LARGEST_PACKET:
            continue
        guid, rest = segment[len(_EXTENSION) : len(_EXTENSION) + 32].upper(), segment[len(_EXTENSION) + 36 :]
        if len(rest) > 4 and (named is None or guid == named[1].upper()):
            pieces.setdefault(guid, {}).setdefault(int.from_bytes(rest[:4]), rest[4:])
            kept += len(rest)
    if len(pieces) != 1:
        return b""
    (found,) = pieces.values()
    joined = bytearray()
    while (piece := found.get(len(joined))) is not None:
        joined += piece
    return bytes(joined[: LARGEST_PACKET + 1])


def has_extension(packet: bytes) -> bool:
    """Whether the packet says that a part of it stands elsewhere in the file."""
    return _EXTENDED.search(packet) is not None


def _decoded(data: bytes) -> str:
    """The text: UTF-8, or UTF-16 or 32 where the bytes look so; bytes that are no UTF-8 stay, as surrogates."""
    head = data[:8]
    for encoding, marks in (
        ("utf-32", (b"\xff\xfe\0\0", b"\0\0\xfe\xff")),
        ("utf-16", (b"\xff\xfe", b"\xfe\xff")),
        ("utf-16-le", (b"<\0",)),
        ("utf-16-be", (b"\0<",)),
    ):
        if head.startswith(marks):
            return data.decode(encoding, "replace")
    return data.decode("utf-8", "surrogateescape")


def _without_undecoded(text: str) -> str:
    """The text with what is no UTF-8 in it read as cp1252, which is what such bytes mostly are."""
    return re.sub("[\udc80-\udcff]", lambda byte: _in_cp1252(ord(byte[0]) - 0xDC00), text)


def _in_cp1252(byte: int) -> str:
    return bytes([byte]).decode("cp1252", "ignore") or chr(byte)


def _without_comments(text: str) -> str:
    """The text with spaces in place of comments, CDATA and instructions: what stands there is no markup."""
    kept, place = [], 0
    missing: set[str] = set()  # an end that is not found once is not looked for again
    for opening in _NO_MARKUP.finditer(text):
        end = _ENDS[opening[0]]
        if opening.start() < place or end in missing:
            continue
        if (last := text.find(end, opening.end())) < 0:
            missing.add(end)
            continue
        kept += [text[place : opening.start()], " " * (last + len(end) - opening.start())]
        place = last + len(end)
    return "".join([*kept, text[place:]])


def _bounds(text: str) -> tuple[int, int] | None:
    """Where the packet's outermost element begins and ends; the text's end if its own is missing."""
    markup = _without_comments(text)
    if (opening := _START.search(markup)) is None:
        return None
    closing = re.compile(rf"</{re.escape(opening['name'])}\s*>").search(markup, opening.start())
    return opening.start(), closing.end() if closing else len(text.rstrip(PADDING))


def _mended(text: str) -> str:
    """The text of an element with what makes it no XML put right, as far as that can be done without guessing."""
    text = _REFERENCE.sub(_reference, _NOT_XML.sub("", text))
    names = " ".join(tag[0] for tag in _TAG.finditer(_without_comments(text)))
    used = dict.fromkeys(prefix for prefix in _PREFIX.findall(names) if prefix not in {"xml", "xmlns"})
    if len(used) > _MOST_PREFIXES:
        return text
    opening = _TAG.match(text)
    declared = "".join(
        f' xmlns:{prefix}="{NAMESPACES.get(prefix, f"urn:undeclared:{prefix}")}"'
        for prefix in used
        if f"xmlns:{prefix}" not in (opening[0] if opening else "") and not _is_declared_wherever_used(text, prefix)
    )
    name = re.match(r"<[\w.:-]+", text)
    return text if name is None else text[: name.end()] + declared + text[name.end() :]


def _is_declared_wherever_used(text: str, prefix: str) -> bool:
    """Whether a declaration stands before or in the first tag that uses the prefix, and so most likely around it."""
    first = re.search(rf"(?:</?|\s){re.escape(prefix)}:", text)
    declaration = re.search(rf"\sxmlns:{re.escape(prefix)}\s*=", text)
    if first is None or declaration is None:
        return False
    return declaration.start() < first.start() or ">" not in text[first.start() : declaration.start()]


def _reference(found: re.Match[str]) -> str:
    """A character's reference as XML knows it, or the character; an ampersand that is none is written as one."""
    name = found[1]
    if name is None:
        return "&amp;"
    if name in _OF_XML:
        return found[0]
    character = _NOT_XML.sub("", html.unescape(found[0]))
    if character == found[0]:  # nobody knows it
        return f"&amp;{name};"
    return "".join(f"&#{ord(one)};" if one in "<>&\"'\t\n\r" else one for one in character)


def _parsed(text: str, *, partly: bool = False) -> Element | None:
    """The element, or with `partly` as much of it as comes before the first error.

    Raises `DefusedXmlException` if it has a document type.
    """
    builder = TreeBuilder()
    parser = DefusedXMLParser(target=builder, forbid_dtd=True)
    try:
        parser.feed(_without_declaration(text).encode("utf-8", "replace"))
        root: object = parser.close()
    except DefusedXmlException:  # a ValueError too
        raise
    except (ParseError, ValueError, LookupError):
        if not partly:
            return None
        root = builder.close()
    return root if isinstance(root, Element) else None


def _without_declaration(text: str) -> str:
    """The text without an XML declaration, which may name another encoding than that of what is read."""
    return re.sub(r"^<\?xml\s[^>]*\?>", "", text)
