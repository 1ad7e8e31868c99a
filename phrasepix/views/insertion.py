"""A match as it is put into a text: the picture, as far as it may be shown from there, and its credit."""

from collections.abc import Callable
from html import escape
from typing import Final
from urllib.parse import quote

from phrasepix.errors import SourceFaultError, WrongParameterError
from phrasepix.sources.registry import registered_source
from phrasepix_core.candidate import Candidate
from phrasepix_core.credit import plain_words
from phrasepix_core.urls import lasting
from reranker.match import Match
from retriever.profile import Hotlinking

_MARKDOWN_SIGNS = str.maketrans({sign: f"\\{sign}" for sign in r"\`*_{}[]<>()#!|~"})


def insertion(match: Match, form: str, saved_as: str = "") -> str:
    """Return what a writer puts into a text for a match, as `markdown`, `html` or `text`, with its credit.

    The picture is shown by `saved_as`, the path of its saved file relative to the text. Without one it is shown by the
    source's own address, if the source allows that and the address outlasts the search; otherwise it is linked to.

    Raises `WrongParameterError`.
    """
    try:
        render = _FORMS[form]
    except KeyError:
        raise WrongParameterError.not_among("form", form, _FORMS) from None
    candidate = match.candidate
    shown = quote(saved_as) if saved_as else address_to_show(candidate)
    return render(match, shown, lasting(candidate.page_url))


def address_to_show(candidate: Candidate) -> str:
    """Return the source's address of a picture if others' texts may show it by that; otherwise an empty text."""
    if not candidate.hotlink and _hotlinking(candidate.source) is Hotlinking.FORBIDDEN:
        return ""
    return lasting(candidate.image_url)


def _hotlinking(source: str) -> Hotlinking:
    """What the source says of it; whoever is not known forbids it."""
    try:
        known = registered_source(source)
    except SourceFaultError:
        known = None
    return Hotlinking.FORBIDDEN if known is None else known.profile.hotlinking


def _words_of(match: Match) -> str:
    candidate = match.candidate
    return plain_words(candidate.title or ", ".join(candidate.tags) or str(candidate))


def _markdown(match: Match, image: str, page: str) -> str:
    words = _words_of(match).translate(_MARKDOWN_SIGNS)
    picture = f"![{words}](<{image}>)" if image else f"[{words}](<{page}>)" if page else words
    return f"{picture}\n\n{match.credit('markdown')}"


def _html(match: Match, image: str, page: str) -> str:
    words = escape(_words_of(match))
    picture = f'<img src="{escape(image)}" alt="{words}">' if image else words
    if page:
        picture = f'<a href="{escape(page)}">{picture}</a>'
    return f"<figure>{picture}<figcaption>{match.credit('html')}</figcaption></figure>"


def _text(match: Match, image: str, page: str) -> str:
    return " ".join(filter(None, (match.credit("text"), image or page)))


_FORMS: Final[dict[str, Callable[[Match, str, str], str]]] = {"markdown": _markdown, "html": _html, "text": _text}
FORMS: Final = tuple(_FORMS)
