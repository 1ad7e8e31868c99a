"""Text from strangers, made fit to show."""


def printable(text: str) -> str:
    """`text` without what could steer a terminal or cannot be written as UTF-8 (half a surrogate pair)."""
    return " ".join("".join(character if character.isprintable() else " " for character in text).split())


JOINERS = "\u200c\u200d"
"""Invisible, and yet to stay: without them some scripts and emoji fall apart."""


def visible(text: str, keep: str = "") -> str:
    """`text` with every character that is not printable as an escape, such as `\\x1b`, but for those to `keep`.

    Bytes that are no UTF-8, as Python holds them in names of files, become escapes too. Joiners stay.
    """
    if text.isprintable():
        return text
    kept = keep + JOINERS
    return "".join(one if one.isprintable() or one in kept else _escaped(one) for one in text)


def _escaped(character: str) -> str:
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:  # how Python holds a byte that the file system's encoding does not know
        return f"\\x{code - 0xDC00:02x}"
    return character.encode("unicode_escape").decode("ascii")
