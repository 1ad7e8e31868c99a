"""A JPEG without its metadata, its scans counted.

See ITU-T T.81, annex B: a file is a row of markers, most of which open a segment that begins with its length.
"""

import io
import re
import struct
from collections.abc import Iterator
from typing import IO

from phrasepix_core.bare.bare_file import BareFile, Piece, RefusedPictureError, add_part

JPEG_SIGNATURE = b"\xff\xd8\xff"

MOST_SCANS = 100
"""How many scans a JPEG may have. Ordinary progressive ones have 10, and optimisers write up to 20."""

_ORDINARY_PASSES = 26
"""How often all scans together may pass over any picture: once for each colour that a scan holds. Ordinary ones pass
14 times, those of CMYK 24 times."""

_MOST_SAMPLES = 1_600_000_000
"""How many samples more passes than those may visit: 64 passes over 25 million pixels. Each takes up to 1 ns."""

_MOST_SEGMENTS = 10_000
_MOST_METADATA = 1 << 20
_BLOCK = 1 << 16

_MARKER = re.compile(rb"\xff[\x01-\xfe]")
_MARKER_IN_SCAN = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")  # restarts belong to the scan's data

APP1 = 0xE1
_EOI, _SOS, _APP0, _APP14 = 0xD9, 0xDA, 0xE0, 0xEE
_WITHOUT_SEGMENT = {0x01, *range(0xD0, 0xDA), *range(0xF0, 0xFE)}
_FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}
_PROGRESSIVE = {0xC2, 0xC6, 0xCA, 0xCE}
XMP_PREFIX = b"http://ns.adobe.com/xap/1.0/\0"
_EXIF = b"Exif\0\0"


def bare_jpeg(file: IO[bytes]) -> BareFile:
    """Strip a JPEG to what its pixels need; of its application segments only those of JFIF and Adobe count.

    A file that cannot be followed is given whole. Raises `RefusedPictureError`.
    """
    size = file.seek(0, io.SEEK_END)
    pieces: list[Piece] = [(0, 2)]
    exif, xmp, frame, is_progressive = b"", b"", b"", False
    for marker, start, payload in segments(file):
        end = start + 4 + len(payload)
        if marker == _SOS:
            many = is_progressive or (len(frame) > 5 and payload[:1] < frame[5:6])
            if many:
                _refuse_endless(file, end, frame, first=payload)
            add_part(pieces, start, size)
            return BareFile(file, tuple(pieces), exif, xmp, many)
        if marker == APP1:
            if payload.startswith(_EXIF) and len(exif) < _MOST_METADATA:
                exif += payload[len(_EXIF) :]  # one that does not fit into a segment goes on in the next
            elif payload.startswith(XMP_PREFIX) and not xmp:
                xmp = payload[len(XMP_PREFIX) :]
            continue
        if marker in _FRAMES:
            frame, is_progressive = payload, is_progressive or marker in _PROGRESSIVE
        belongs = (
            payload.startswith(b"JFIF")
            if marker == _APP0
            else payload.startswith(b"Adobe")
            if marker == _APP14
            else marker < _APP0
        )
        if belongs:
            add_part(pieces, start, end)
    return BareFile(file, ((0, size),))


def segments(file: IO[bytes]) -> Iterator[tuple[int, int, bytes]]:
    """Marker, start and payload of each segment up to the first scan's, junk between them skipped.

    Raises `RefusedPictureError` if there are too many.
    """
    reader = _MarkerReader(file, 2)
    for _ in range(_MOST_SEGMENTS):
        if (found := reader.next(_MARKER)) is None:
            return
        marker, start = found
        if marker in _WITHOUT_SEGMENT:
            continue
        if marker < 0xC0 or (payload := reader.segment()) is None:
            return
        yield marker, start, payload
    raise RefusedPictureError(f"it has more than {_MOST_SEGMENTS} segments before its pixels")


def _refuse_endless(file: IO[bytes], place: int, frame: bytes, first: bytes) -> None:
    """Raise `RefusedPictureError` if the scans take too much work.

    The data of the first one begin at `place`, and its header is `first`.
    """
    height, width = struct.unpack(">xHH", frame[:5]) if len(frame) >= 5 else (0, 0)
    most = max(_ORDINARY_PASSES, _MOST_SAMPLES // max(1, width * height))
    reader = _MarkerReader(file, place)
    scans, passes = 1, first[0] if first else 1
    for _ in range(_MOST_SEGMENTS):
        found = reader.next(_MARKER_IN_SCAN)
        if found is None or found[0] == _EOI:
            return  # what follows is another picture, such as the second of a stereo pair
        if found[0] in _WITHOUT_SEGMENT:
            continue
        if (payload := reader.segment()) is None:
            return
        if found[0] != _SOS:
            continue
        scans, passes = scans + 1, passes + (payload[0] if payload else 1)
        if scans > MOST_SCANS:
            raise RefusedPictureError(
                f"it has more than {MOST_SCANS} scans of {width} × {height} pixels; ordinary pictures have about 10"
            )
        if passes > most:
            raise RefusedPictureError(
                f"its scans pass more than {most} times over {width} × {height} pixels; ordinary ones do 14 times"
            )
    raise RefusedPictureError(f"it has more than {_MOST_SEGMENTS} segments")


class _MarkerReader:
    """Finds markers from a place on, reading the file in blocks."""

    def __init__(self, file: IO[bytes], place: int) -> None:
        self._file = file
        self._block = b""
        self._base = place  # where the block begins in the file
        self._at = 0  # where to go on in the block

    def next(self, pattern: re.Pattern[bytes]) -> tuple[int, int] | None:
        """The next marker and where it begins; None at the end of the file."""
        while (match := pattern.search(self._block, self._at)) is None:
            # A marker may begin with the last byte.
            self._at = max(self._at, len(self._block) - 1)
            if not self._more(2):
                return None
        self._at = match.end()
        return match[0][1], self._base + match.start()

    def segment(self) -> bytes | None:
        """The payload of the segment behind the marker just found; None if it is cut off or has no length."""
        if not self._more(2, fresh=False):
            return None
        length = int.from_bytes(self._block[self._at : self._at + 2]) - 2
        if length < 0 or not self._more(2 + length, fresh=False):
            return None
        payload = self._block[self._at + 2 : self._at + 2 + length]
        self._at += 2 + length
        return payload

    def _more(self, needed: int, *, fresh: bool = True) -> bool:
        """Read on, unless so many bytes are here already and nothing `fresh` is needed; whether there are so many."""
        if not fresh and len(self._block) - self._at >= needed:
            return True
        rest = self._block[self._at :]
        self._file.seek(self._base + len(self._block))
        read = self._file.read(max(_BLOCK, needed))
        self._base += self._at
        self._block, self._at = rest + read, 0
        return len(read) > 0 and len(self._block) >= needed
