"""What a piece of a wiki page's HTML says, without the markup."""

import re
from collections.abc import Sequence
from html.parser import HTMLParser

from phrasepix_core.text import printable
from retriever.answer_fields import url_of

_LONGEST = 5_000
_DECLARATION = re.compile(r"<!--.*?(?:-->|$)|<!(?:\[CDATA\[.*?(?:\]\]>|$)|[^>]*>?)", re.DOTALL)
"""Comments and declarations, at odd ones of which the parser gives up."""
_WITHOUT_END = frozenset({"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "wbr"})
_INLINE = frozenset(
    {"a", "abbr", "b", "bdi", "bdo", "big", "em", "font", "i", "small", "span", "strong", "sub", "sup", "u"}
)


class PlainText(HTMLParser):
    """Reads `html`: `words` is what a browser would show of it, `link` the address of its first link, or empty."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self._pieces: list[str] = []
        self._hidden: int = 0
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
        hides = tag in {"script", "style"} or "display:none" in (values.get("style") or "").replace(" ", "").lower()
        if tag not in _WITHOUT_END and (self._hidden or hides):
            self._hidden += 1
        if tag == "a" and not self.link:
            address = values.get("href") or ""
            self.link = url_of({"href": f"https:{address}" if address.startswith("//") else address}, "href")
        self._part(tag)

    def handle_endtag(self, tag: str) -> None:
        """End what is hidden."""
        if self._hidden and tag not in _WITHOUT_END:
            self._hidden -= 1
        self._part(tag)

    def handle_data(self, data: str) -> None:
        """Keep what is shown."""
        if not self._hidden:
            self._pieces.append(data)

    def _part(self, tag: str) -> None:
        """Blocks stand apart; what is within a line does not."""
        if tag not in _INLINE:
            self._pieces.append(" ")
