"""What a piece of a wiki page's HTML says, without the markup."""

import re
from collections.abc import Mapping, Sequence
from html.parser import HTMLParser

from phrasepix_core.text import printable
from retriever.api.json_fields import url_of

_LONGEST = 5_000
_DECLARATION = re.compile(r"<!--.*?(?:-->|$)|<!(?:\[CDATA\[.*?(?:\]\]>|$)|[^>]*>?)", re.DOTALL)
"""Comments and declarations, at odd ones of which the parser gives up."""
_WITHOUT_END = frozenset({"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "wbr"})
_CLOSED_BY_THEIR_LIKE = frozenset({"p", "li", "dt", "dd", "td", "th", "tr", "option"})
_NEVER_SHOWN = frozenset({"script", "style", "template", "title"})
_INLINE = frozenset(
    {"a", "abbr", "b", "bdi", "bdo", "big", "em", "font", "i", "small", "span", "strong", "sub", "sup", "u"}
)


class PlainText(HTMLParser):
    """Reads `html`: `words` is what a browser would show of it, `link` the address of its first link, or empty."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self._pieces: list[str] = []
        self._open: list[tuple[str, bool]] = []  # each element, and whether it hides what is in it
        self.link = ""
        self.feed(_DECLARATION.sub(" ", html[:_LONGEST]))
        self.close()

    @property
    def words(self) -> str:
        """One line of printable text."""
        return printable("".join(self._pieces))

    def handle_starttag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        """Note a link; hide what a browser hides."""
        values = dict(attrs)
        if tag in _CLOSED_BY_THEIR_LIKE and self._open and self._open[-1][0] == tag:
            self._open.pop()
        if tag not in _WITHOUT_END:
            self._open.append((tag, _hides(tag, values)))
        if tag == "a" and not self.link:
            address = values.get("href") or ""
            self.link = url_of({"href": f"https:{address}" if address.startswith("//") else address}, "href")
        self._part(tag)

    def handle_endtag(self, tag: str) -> None:
        """End the innermost element of that name, and with it those in it whose end is missing."""
        names = [name for name, _ in self._open]
        if tag in names:
            del self._open[len(names) - 1 - names[::-1].index(tag) :]
        self._part(tag)

    def handle_data(self, data: str) -> None:
        """Keep what is shown."""
        if not any(hides for _, hides in self._open):
            self._pieces.append(data)

    def _part(self, tag: str) -> None:
        """Blocks stand apart; what is within a line does not."""
        if tag not in _INLINE:
            self._pieces.append(" ")


def _hides(tag: str, values: Mapping[str, str | None]) -> bool:
    """Whether a browser shows nothing of it, or it is the wiki's message “own work”, which names nobody."""
    style = re.sub(r"\s", "", values.get("style") or "").lower()
    return (
        tag in _NEVER_SHOWN
        or "hidden" in values
        or "display:none" in style
        or "visibility:hidden" in style
        or "int-own-work" in (values.get("class") or "").split()
    )
