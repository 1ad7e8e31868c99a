"""An XMP packet with the fields of the IPTC Core that credit a picture.

What a packet in the file says already stays as it is, byte for byte: only properties that it lacks are added, in a
description of their own. One that nobody can add to without loss is never replaced: the file keeps it, and gets no
credit. See https://iptc.org/std/photometadata/specification/.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape, quoteattr

from phrasepix.saving.metadata.fields import CreditFields
from phrasepix.saving.metadata.splice import NoRoomError
from retriever.folder.packet import NAMESPACES as KNOWN_NAMESPACES
from retriever.folder.packet import PADDING, RDF, Packet, end_of_rdf, has_extension, read_packet
from retriever.folder.xmp import facts_of_packet

NAMESPACES = {prefix: KNOWN_NAMESPACES[prefix] for prefix in ("dc", "xmpRights", "photoshop", "cc")}
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class Existing:
    """The XMP that a file has: its `packet`, None if it has none, and the `extension` of it that stands apart."""

    packet: bytes | None = None
    extension: bytes = b""

    @property
    def is_empty(self) -> bool:
        """Whether it says nothing: there is none, or padding alone."""
        return self.packet is None or not self.packet.strip(PADDING.encode())

    def known(self) -> frozenset[str]:
        """The names of the properties that it states. Raises `NoRoomError` if not all of it can be read."""
        packets = [] if self.packet is None or self.is_empty else [read_packet(self.packet)]
        if self.extension or has_extension(self.packet or b""):
            packets.append(read_packet(self.extension))
        if not all(packet is not None and packet.is_whole for packet in packets):
            raise NoRoomError("it has XMP that cannot be read to its end, which is left as it is")
        return frozenset(name for packet in packets if packet is not None for name in _stated(packet))


def only(packets: Sequence[bytes]) -> bytes | None:
    """The file's packet, if it has one. Raises `NoRoomError` if it has several: programs differ in which they heed."""
    if len(packets) > 1:
        raise NoRoomError("it has several XMP packets, which are left as they are")
    return packets[0] if packets else None


def packet_with(fields: CreditFields, existing: Existing) -> bytes:
    """The packet (UTF-8) that says `fields`, and all that the `existing` one says.

    Raises `NoRoomError` if nothing can be added to the existing one without loss.
    """
    known = existing.known()
    if existing.packet is None or existing.is_empty:
        return (
            '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>\n'
            f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="{RDF}">\n'
            f'{_description(fields, about="", known=known)}</rdf:RDF></x:xmpmeta>\n<?xpacket end="w"?>'
        ).encode()
    packet, place = read_packet(existing.packet), end_of_rdf(existing.packet)
    if packet is None or place is None:
        raise NoRoomError("it has XMP that nothing can be added to, which is left as it is")
    first = next(packet.descriptions(), None)
    about = "" if first is None else first.get(f"{{{RDF}}}about", "")
    return existing.packet[:place] + _description(fields, about, known).encode() + existing.packet[place:]


def check(packet: bytes | None, fields: CreditFields, existing: Existing) -> None:
    """See that a packet, as it is read from the file that was written, says `fields` and what the existing one said.

    Raises `NoRoomError` if it does not.
    """
    said = None if packet is None else read_packet(packet)
    if packet is None or said is None:
        raise NoRoomError("the credit written into it cannot be read again")
    known = existing.known() | _stated(said)
    if lacking := [name for name, _ in _properties(fields) if _expanded(name) not in known]:
        raise NoRoomError(f"the credit written into it cannot be read again ({', '.join(lacking)})")
    old, new = facts_of_packet(existing.packet or b""), facts_of_packet(packet)
    for name in ("creator", "title", "credit", "rights", "terms", "keywords"):
        if getattr(old, name) not in ("", (), getattr(new, name)):
            raise NoRoomError(f"with the credit its XMP would no longer say its {name}")


def _stated(packet: Packet) -> frozenset[str]:
    """The names of the properties of the picture; those without a value too, for none may be stated twice."""
    return frozenset(
        name
        for one in packet.descriptions()
        for name in (*(child.tag for child in one), *one.attrib)
        if isinstance(name, str)
    )


def _description(fields: CreditFields, about: str, known: frozenset[str]) -> str:
    """An rdf:Description with the properties that are not `known`, with every namespace it uses."""
    added = [xml for name, xml in _properties(fields) if _expanded(name) not in known]
    if not added:
        return ""
    declared = " ".join(f"xmlns:{prefix}={quoteattr(uri)}" for prefix, uri in NAMESPACES.items())
    opening = f'<rdf:Description xmlns:rdf="{RDF}" {declared} rdf:about={quoteattr(about)}>\n'
    return opening + "".join(f"{xml}\n" for xml in added) + "</rdf:Description>\n"


def _expanded(name: str) -> str:
    prefix, _, local = name.partition(":")
    return f"{{{NAMESPACES[prefix]}}}{local}"


def _properties(fields: CreditFields) -> Iterator[tuple[str, str]]:
    for name, value, write in (
        ("dc:creator", fields.creator, _listed),
        ("dc:title", fields.title, _in_a_language),
        ("dc:rights", fields.rights, _in_a_language),
        ("dc:source", fields.page_url, _simple),
        ("xmpRights:UsageTerms", fields.licence, _in_a_language),
        ("xmpRights:WebStatement", fields.licence_url, _simple),
        ("photoshop:Credit", fields.credit, _simple),
        ("photoshop:Source", fields.source, _simple),
        ("cc:license", fields.licence_url, _resource),
        ("cc:attributionName", fields.attribution, _simple),
        ("cc:attributionURL", fields.page_url, _resource),
    ):
        if value:
            yield name, write(name, _NOT_XML.sub("", value))


def _simple(name: str, value: str) -> str:
    return f"<{name}>{escape(value)}</{name}>"


def _listed(name: str, value: str) -> str:
    return f"<{name}><rdf:Seq><rdf:li>{escape(value)}</rdf:li></rdf:Seq></{name}>"


def _in_a_language(name: str, value: str) -> str:
    return f'<{name}><rdf:Alt><rdf:li xml:lang="x-default">{escape(value)}</rdf:li></rdf:Alt></{name}>'


def _resource(name: str, value: str) -> str:
    return f"<{name} rdf:resource={quoteattr(value)}/>"
