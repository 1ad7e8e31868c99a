"""An XMP packet with the fields of the IPTC Core that credit a picture.

What a packet in the file says already stays as it is: only properties that it lacks are added, in a description of
their own. One that cannot be parsed is replaced. See https://iptc.org/std/photometadata/specification/.
"""

import re
from collections.abc import Iterator
from xml.etree.ElementTree import ParseError  # only its name: packets are read by defusedxml
from xml.sax.saxutils import escape, quoteattr

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from phrasepix.saving.metadata.fields import CreditFields

RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
NAMESPACES = {
    "dc": "http://purl.org/dc/elements/1.1/",
    "xmpRights": "http://ns.adobe.com/xap/1.0/rights/",
    "photoshop": "http://ns.adobe.com/photoshop/1.0/",
    "cc": "http://creativecommons.org/ns#",
}
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def packet_with(fields: CreditFields, existing: bytes | None = None) -> bytes:
    """The packet (UTF-8) that says `fields`, and all that the `existing` one says."""
    if existing is not None:
        merged = _merged(existing, fields)
        if merged is not None:
            return merged
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>\n'
        f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="{RDF}">\n'
        f'{_description(fields, about="", known=frozenset())}</rdf:RDF></x:xmpmeta>\n<?xpacket end="w"?>'
    ).encode()


def _merged(existing: bytes, fields: CreditFields) -> bytes | None:
    """The existing packet with one more description; None where it is none that can be read."""
    try:
        text = existing.decode()
        root = fromstring(text.strip("\0 \t\r\n\ufeff").encode(), forbid_dtd=True)  # no packet has one
    except (ParseError, DefusedXmlException, ValueError, LookupError):
        return None
    ends = list(re.finditer(r"</[\w.-]+:RDF\s*>", text))
    descriptions = list(root.iter(f"{{{RDF}}}Description"))
    if not ends or not descriptions:
        return None
    known = frozenset(
        name for one in descriptions for name in (*(child.tag for child in one), *one.attrib) if isinstance(name, str)
    )
    about = descriptions[0].get(f"{{{RDF}}}about", "")
    place = ends[-1].start()
    return (text[:place] + _description(fields, about, known) + text[place:]).encode()


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
        ("cc:attributionName", fields.creator, _simple),
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
