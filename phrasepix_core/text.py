"""Text from strangers and from keyboards, made fit to show, to compare and to encode.

Some characters cannot be seen: they ride along when text is copied from a web page or a word processor, hide words from
readers, or turn the direction of what stands beside them. Two texts that look the same are to mean the same, so those
characters go (`without_invisible`), except where something seen depends on them: joiners within words and emoji, the
selector of an emoji's colours, the letters of a flag.
"""

import html
import re
import unicodedata

JOINERS = frozenset("\u200c\u200d\u180e")
"""Shown by what they do to the letters beside them: ZWNJ, ZWJ and the separator of Mongolian vowels."""

_INVISIBLE = re.compile(
    # A black flag with the letters of a region (England's, Scotland's, Wales') is seen as one, and stays.
    "(\U0001f3f4[\U000e0030-\U000e0039\U000e0061-\U000e007a]{3,6}\U000e007f)|"
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\u3164"
    "\ufeff\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e00ff\U000e01f0-\U000e0fff]"
)
_SELECTORS = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef]+")
_RUN_OF_JOINERS = re.compile("[\u200c\u200d\u180e]+")

_UNJOINED = ("LATIN ", "GREEK ", "CYRILLIC ", "CJK ", "HIRAGANA ", "KATAKANA ", "HANGUL ", "ARMENIAN ", "GEORGIAN ")
"""Scripts in which a joiner changes nothing that is seen: how Unicode's names of their letters begin."""
_VARIED = ("CJK ", "MYANMAR ", "MONGOLIAN ", "PHAGS-PA ")
"""Scripts whose letters have variants, likewise."""
_VARIED_MARKS = frozenset("‼⁉〰ℹ")
_KEYCAP, _EMOJI_SELECTOR, _BLANK_BRAILLE = "\u20e3", "\ufe0f", "\u2800"
_ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z][a-zA-Z0-9]{1,31});")
"""An entity of HTML, with the semicolon at its end: without it "black&notwhite" would have one too."""


def without_invisible(text: str) -> str:
    """`text` without characters that show nothing; what stood on either side of one now stands together.

    Gone are soft hyphens, zero-width spaces, byte order marks, word joiners, marks of direction, fillers and tags.
    Joiners stay between letters of the scripts that need them and within emoji, a variation selector stays behind a
    symbol or an ideograph, and the letters of a flag behind their flag.
    """
    if text.isascii():
        return text
    text = _INVISIBLE.sub(lambda found: found[1] or "", text)
    text = _SELECTORS.sub(lambda found: found[0][0] if _is_varied(*_beside(found)) else "", text)
    return _RUN_OF_JOINERS.sub(lambda found: found[0][0] if _is_joined(*_beside(found)) else "", text)


def _beside(found: re.Match[str]) -> tuple[str, str]:
    """The characters before and behind what was found; empty at the ends of the text."""
    text, start, end = found.string, found.start(), found.end()
    return text[max(start - 1, 0) : start], text[end : end + 1]


def _is_varied(before: str, after: str) -> bool:
    """Whether a variation selector shows there: behind a symbol, an ideograph, or the digit of a keycap."""
    if not before or before.isascii():
        return after == _KEYCAP
    return _is_symbol(before) or before in _VARIED_MARKS or unicodedata.name(before, "").startswith(_VARIED)


def _is_joined(before: str, after: str) -> bool:
    """Whether a joiner shows there: within an emoji, or between letters of a script that joins."""
    if not before or not after:
        return False
    if (_is_symbol(before) or before == _EMOJI_SELECTOR) and _is_symbol(after):
        return True
    return all(
        unicodedata.category(one)[0] in "LM" and not unicodedata.name(one, "").startswith(_UNJOINED)
        for one in (before, after)
    )


def _is_symbol(character: str) -> bool:
    """Whether it is a symbol, such as an emoji; one that Python does not know yet is taken for one."""
    return unicodedata.category(character) in {"So", "Sk", "Sm", "Sc", "Cn"}


def printable(text: str) -> str:
    """`text` in one line, without what is invisible, could steer a terminal, or cannot be written as UTF-8.

    A space stands in the place of each control character, line break, and half of a surrogate pair.
    """
    seen = without_invisible(text)
    if not (seen.isprintable() and _BLANK_BRAILLE not in seen):
        seen = "".join(" " if one == _BLANK_BRAILLE or is_control(one) else one for one in seen)
    return " ".join(seen.split())


def printable_lines(text: str) -> str:
    """`text` with its line breaks and spaces, but without what is invisible or could steer a terminal."""
    seen = without_invisible(text)
    return "".join(" " if one not in "\n\t" and is_control(one) else one for one in seen)


def is_control(character: str) -> bool:
    """Whether the character could steer a terminal or a line, or cannot be written as UTF-8.

    One that Python does not know yet is none: the reader's fonts may know it.
    """
    return unicodedata.category(character) in {"Cc", "Cs", "Zl", "Zp"}


def same_text(text: str) -> str:
    """`text` as it is compared and encoded: in one line, nothing invisible, each letter in its composed form (NFC)."""
    return unicodedata.normalize("NFC", printable(text))


def caseless(text: str) -> str:
    """`text` as `same_text` has it, without differences of case: equal for names that a reader takes for one."""
    return same_text(same_text(text).casefold())


def shortened(text: str, longest: int = 60) -> str:
    """`text` in at most `longest` characters, cut with an ellipsis: for messages and titles."""
    return text if len(text) <= longest else f"{text[: longest - 1].rstrip()}…"


def unescaped(text: str) -> str:
    """Decode the HTML entities of `text` once: "Tom &amp; Jerry" becomes "Tom & Jerry", "&amp;lt;" becomes "&lt;".

    Call it exactly once for a text, where the text arrives, and before `printable`: an entity may stand for a character
    that must not be shown. Names that HTML does not know stay as they are.
    """
    return _ENTITY.sub(lambda entity: html.unescape(entity[0]), text)
