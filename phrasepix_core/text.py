"""Text from strangers, made fit to show."""

import html
import re

_ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z][a-zA-Z0-9]{1,31});")
"""An entity of HTML, with the semicolon at its end: without it "black&notwhite" would have one too."""


def printable(text: str) -> str:
    """`text` without what could steer a terminal or cannot be written as UTF-8 (half a surrogate pair)."""
    return " ".join("".join(character if character.isprintable() else " " for character in text).split())


def unescaped(text: str) -> str:
    """Decode the HTML entities of `text` once: "Tom &amp; Jerry" becomes "Tom & Jerry", "&amp;lt;" becomes "&lt;".

    Call it exactly once for a text, where the text arrives, and before `printable`: an entity may stand for a character
    that must not be shown. Names that HTML does not know stay as they are.
    """
    return _ENTITY.sub(lambda entity: html.unescape(entity[0]), text)
