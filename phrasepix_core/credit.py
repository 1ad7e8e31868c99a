"""The line that credits a picture, in the form its licence asks for, as plain text, Markdown or HTML.

A Creative Commons licence asks for title, author, source and licence, each with its link (TASL:
https://wiki.creativecommons.org/wiki/Recommended_practices_for_attribution). Other sources say in their own words what
they want, which is `Candidate.credit`: there the creator, the source and the licence become links. The licensor's own
words (`Candidate.attribution`) come before both. The line is what people paste: no remark of ours stands in it.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from html import escape
from typing import NamedTuple, Self
from urllib.parse import quote

from phrasepix_core.candidate import Candidate
from phrasepix_core.errors import WrongValueError
from phrasepix_core.licence import is_creative_commons, where_named
from phrasepix_core.text import printable, shortened
from phrasepix_core.urls import lasting

_LONGEST_TEXT = 300
_LONGEST_CREDIT = 1000
_WHERE_DEEDS_STAND = re.compile(r"\s*To view (?:a copy of this licen[cs]e|the terms), visit \S+\s*$", re.IGNORECASE)
"""What Openverse adds to a credit; where the licence is a link, it says it twice."""
_SEPARATORS = " ,;:/|·–—-"


class _Facts(NamedTuple):
    """What of a candidate its credit is made of, by the names it has there; `name` is the candidate's own."""

    name: str
    title: str
    page_url: str
    creator: str
    creator_url: str
    licence: str
    licence_url: str
    credit: str
    attribution: str

    @classmethod
    def of(cls, candidate: Candidate) -> Self:
        """Those of a candidate."""
        return cls(
            str(candidate),
            candidate.title,
            candidate.page_url,
            candidate.creator,
            candidate.creator_url,
            candidate.licence,
            candidate.licence_url,
            candidate.credit,
            candidate.attribution,
        )


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of a credit line; a link where `url` is not empty."""

    text: str
    url: str = ""


def credit_line(candidate: Candidate, format: str = "text") -> str:  # noqa: A002  # the word people know it by
    """The candidate's credit: one line of `text`, `markdown` or `html`, whatever its fields contain.

    Addresses that do not outlive the search are left out. Raises `WrongValueError`.
    """
    if format not in _FORMATS:
        raise WrongValueError.not_among("credit format", format, _FORMATS)
    return _line(_Facts.of(candidate), format)


@lru_cache(maxsize=2048)  # each search asks anew, several times a picture
def _line(facts: _Facts, format: str) -> str:  # noqa: A002
    return "".join(_FORMATS[format](piece) for piece in _pieces(facts) if piece.text)


def card_credit(candidate: Candidate) -> list[Piece]:
    """The source's credit and the licence for a card that shows the title itself: each with its link, and said once.

    It is empty if nothing is known of either.
    """
    said = _WHERE_DEEDS_STAND.sub("", plain_words(candidate.credit, _LONGEST_CREDIT))
    pieces = [Piece(said, lasting(candidate.creator_url) or lasting(candidate.page_url))] if said else []
    licence = _licence_piece(_Facts.of(candidate))
    pieces, is_said = _with_licence_linked(pieces, licence)
    if licence.text and not is_said:
        pieces += [Piece(" · "), licence] if pieces else [licence]
    return [piece for piece in pieces if piece.text]


def plain_words(text: str, longest: int = _LONGEST_TEXT) -> str:
    """`text` as one line of at most `longest` characters, without what is invisible or turns the reading direction."""
    return shortened(printable(text), longest)


def _pieces(facts: _Facts) -> Iterator[Piece]:
    licence = _licence_piece(facts)
    if facts.attribution:
        pieces = [Piece(plain_words(facts.attribution), lasting(facts.page_url))]
    elif is_creative_commons(facts.licence, facts.licence_url):
        pieces = [*_title_author_source(facts), Piece(", "), licence]
        licence = Piece("")
    else:
        pieces = list(_in_the_sources_words(facts))
    pieces, is_said = _with_licence_linked(pieces, licence)
    yield from pieces
    if licence.text and not is_said:
        yield Piece(", ")
        yield licence


def _licence_piece(facts: _Facts) -> Piece:
    """The licence by its name, or its address; empty where neither is known."""
    return Piece(plain_words(facts.licence) or lasting(facts.licence_url), lasting(facts.licence_url))


def _with_licence_linked(pieces: list[Piece], licence: Piece) -> tuple[list[Piece], bool]:
    """The pieces, and whether they name the licence already; there it becomes a link, and is not said twice."""
    for place, piece in enumerate(pieces):
        if licence.text and (match := where_named(piece.text, licence.text)):
            before = _unlinked_ends(piece.text[: match.start()], piece.url)
            after = _unlinked_ends(piece.text[match.end() :], piece.url)
            linked = Piece(match[0], licence.url or piece.url)
            return [*pieces[:place], *before, linked, *after, *pieces[place + 1 :]], True
    return pieces, False


def _unlinked_ends(text: str, url: str) -> list[Piece]:
    """The text as a link, but for what separates it from its neighbours."""
    start, end = len(text) - len(text.lstrip(_SEPARATORS)), len(text.rstrip(_SEPARATORS))
    if start >= end:
        return [Piece(text)]
    return [Piece(text[:start]), Piece(text[start:end], url), Piece(text[end:])]


def _title_author_source(facts: _Facts) -> Iterator[Piece]:
    title, page = plain_words(facts.title), lasting(facts.page_url)
    yield Piece(f"“{title}”" if title else "Untitled picture", page)
    if creator := plain_words(facts.creator):
        yield Piece(" by ")
        yield Piece(creator, lasting(facts.creator_url))


def _in_the_sources_words(facts: _Facts) -> Iterator[Piece]:
    credit, creator = plain_words(facts.credit), plain_words(facts.creator)
    page = lasting(facts.page_url)
    before, found, after = credit.partition(creator) if creator else (credit, "", "")
    if not found:
        yield Piece(credit or plain_words(facts.title) or facts.name, page)
        return
    yield Piece(before)
    yield Piece(creator, lasting(facts.creator_url))
    if joint := re.match(r" (?:on|via|from) |, ", after):  # “… on Unsplash”: where it is from leads to its page
        yield Piece(joint[0])
        yield Piece(after[joint.end() :], page)
    else:
        yield Piece(after)


def _as_text(piece: Piece) -> str:
    return f"{piece.text} ({piece.url})" if piece.url not in {"", piece.text} else piece.text


def _as_markdown(piece: Piece) -> str:
    text = markdown_escaped(piece.text)
    return f"[{text}]({_quoted(piece.url)})" if piece.url else text


def _as_html(piece: Piece) -> str:
    text = escape(piece.text)
    return f'<a href="{escape(_quoted(piece.url))}">{text}</a>' if piece.url else text


def markdown_escaped(text: str) -> str:
    """`text`, one line, as Markdown that shows it as it is: no emphasis, link, HTML or address made of it."""
    text = re.sub(r"[\\`*_{}\[\]<>#|~&!$^=@]", r"\\\g<0>", text)
    text = re.sub(r"://", r"\\://", text)
    text = re.sub(r"\bwww\.", r"www\\.", text, flags=re.IGNORECASE)
    return re.sub(r"^(\d*)([-+.)])", r"\1\\\2", text)


def _quoted(url: str) -> str:
    """The address with all that could end it early percent-encoded."""
    return quote(url, safe=":/?#[]@!$&*+,;=%-._~", errors="replace")


_FORMATS: dict[str, Callable[[Piece], str]] = {"text": _as_text, "markdown": _as_markdown, "html": _as_html}
CREDIT_FORMATS = tuple(_FORMATS)
"""What `credit_line` can be asked for."""
