"""How a picture lies, from its metadata. Nothing else in them is read, so nothing else can be wrong with them."""

import re
import struct

_ORIENTATION = 0x0112
_INTEGERS = {1: "B", 3: "H", 4: "I", 6: "b", 8: "h", 9: "i"}
"""How `struct` reads Exif's types of whole numbers."""

_XMP_ORIENTATION = re.compile(rb"tiff:Orientation(?:=[\"']|>)\s*([0-9])")


def orientation_of(exif: bytes, xmp: bytes) -> int:
    """How a picture with these blocks lies, 1 to 8 as in Exif. XMP counts if Exif says nothing; 1 if none does."""
    return orientation_of_exif(exif) or orientation_of_xmp(xmp) or 1


def orientation_of_exif(block: bytes) -> int | None:
    """The orientation of an Exif block, with or without its "Exif" prefix; None if the block does not say.

    A number that is none of 1 to 8 says 1: upright.
    """
    block = re.sub(rb"^(?:Exif\0\0){1,2}", b"", block)
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(block[:4])
    if order is None:
        return None
    try:
        (start,) = struct.unpack_from(order + "I", block, 4)
        (entries,) = struct.unpack_from(order + "H", block, start)
        for place in range(start + 2, start + 2 + 12 * entries, 12):
            tag, kind, count = struct.unpack_from(order + "HHI", block, place)
            if tag == _ORIENTATION and kind in _INTEGERS and count >= 1:
                (value,) = struct.unpack_from(order + _INTEGERS[kind], block, place + 8)
                return value if 1 <= value <= 8 else 1
    except struct.error:
        pass  # the block ends here
    return None


def orientation_of_xmp(packet: bytes) -> int | None:
    """The orientation an XMP packet names; None if it names none."""
    match = _XMP_ORIENTATION.search(packet)
    value = int(match[1]) if match else 0
    return value if 1 <= value <= 8 else None
