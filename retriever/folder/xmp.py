"""What an XMP packet says of its picture."""

import re
from collections.abc import Iterator
from xml.etree.ElementTree import Element  # only the type: packets are read by defusedxml

from retriever.folder.facts import Facts, camera_of, day_of, degrees_of, place_of, rating_of, text_of, texts_of
from retriever.folder.packet import NAMESPACES, read_packet

_RDF, _DC, _PHOTOSHOP, _RIGHTS, _XMP, _EXIF, _TIFF, _CC, _IPTC_EXTENSION = (
    f"{{{NAMESPACES[prefix]}}}"
    for prefix in ("rdf", "dc", "photoshop", "xmpRights", "xmp", "exif", "tiff", "cc", "Iptc4xmpExt")
)
_LANGUAGE = "{http://www.w3.org/XML/1998/namespace}lang"

_MADE_BY_AI = ("trainedAlgorithmicMedia", "compositeWithTrainedAlgorithmicMedia")
"""IPTC's digital source types of what a generator made, wholly or in part."""


def facts_of_packet(packet: bytes) -> Facts:
    """The facts an XMP packet states; of a damaged one those that can be read, none of one that is too large."""
    said = read_packet(packet)
    if said is None:
        return Facts()
    descriptions = list(said.descriptions())

    def values(name: str) -> list[str]:
        return [text for one in descriptions for text in _values(one, name)]

    def first(*names: str) -> str:
        return next((text for name in names for value in values(name) if (text := text_of(value))), "")

    days = (day_of(text) for name in (f"{_EXIF}DateTimeOriginal", f"{_PHOTOSHOP}DateCreated", f"{_XMP}CreateDate")
            for text in values(name))  # fmt: skip
    source_type = first(f"{_IPTC_EXTENSION}DigitalSourceType")
    return Facts(
        title=first(f"{_DC}title", f"{_PHOTOSHOP}Headline"),
        creator=", ".join(texts_of(values(f"{_DC}creator"))),
        credit=first(f"{_PHOTOSHOP}Credit"),
        rights=first(f"{_DC}rights"),
        terms=first(f"{_RIGHTS}UsageTerms"),
        terms_url=first(f"{_CC}license", f"{_RIGHTS}WebStatement"),
        keywords=texts_of(values(f"{_DC}subject")),
        taken_on=next((day for day in days if day is not None), None),
        ai_generated=source_type.endswith(_MADE_BY_AI) if source_type else None,
        camera=camera_of(first(f"{_TIFF}Make"), first(f"{_TIFF}Model")),
        rating=rating_of(first(f"{_XMP}Rating")),
        place=place_of(_degrees(first(f"{_EXIF}GPSLatitude")), _degrees(first(f"{_EXIF}GPSLongitude"))),
    )


def _degrees(text: str) -> float | None:
    """A coordinate of XMP, such as `51,28.6N` or `51,28,36N`."""
    found = re.fullmatch(r"([\d.]{1,20}(?:,[\d.]{1,20}){1,2})([NSEW])", text)
    return degrees_of(found[1].split(","), found[2]) if found else None


def _values(description: Element, name: str) -> Iterator[str]:
    """A property's values: an attribute's, an element's own, or those of its list, the default language first."""
    if (attribute := description.get(name)) is not None:
        yield attribute
    for element in description.findall(name):
        if (resource := element.get(f"{_RDF}resource")) is not None:
            yield resource
        items = list(element.iter(f"{_RDF}li"))
        items.sort(key=lambda one: one.get(_LANGUAGE, "x-default") != "x-default")
        yield from (one.text or "" for one in items or [element])
