"""CREDITS.md: what a person reads, with a marked region that is made anew and their own words around it."""

import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from phrasepix_core.credit import markdown_escaped, plain_words
from phrasepix_core.urls import lasting

BEGIN = b"<!-- phrasepix: credits begin (made anew with each save; write outside) -->"
END = b"<!-- phrasepix: credits end -->"
_REGION = re.compile(
    rb"<!-- phrasepix: credits begin[^>]*-->(?:(?!<!-- phrasepix: credits begin).)*?" + re.escape(END), re.DOTALL
)
_LINK_OR_ESCAPE = re.compile(
    r"\\.|\[(?P<text>(?:\\.|[^\\\[\]])*)\]\((?P<url>[A-Za-z0-9:/?#\[\]@!$&*+,;=%._~-]*)\)", re.DOTALL
)
_ESCAPE = re.compile(r"\\([!-/:-@\[-`{-~])")
"""A backslash before any of ASCII's punctuation, as Markdown has it."""

_LONGEST_LINE = 4000


def with_credits(page: bytes, entries: Sequence[Mapping[str, Any]]) -> bytes:
    """`page` with the entries in its marked region, which is added where it has none; all else as it was."""
    region = b"\n".join([BEGIN, *(_line(entry).encode("utf-8", "replace") for entry in entries), END])
    found = _REGION.search(page)
    if found is not None:
        return page[: found.start()] + region + page[found.end() :]
    gap = b"\n" if page.endswith(b"\n") else b"\n\n"
    before = page + gap if page.strip() else b"# Picture credits\n\n"
    return before + region + b"\n"


def _line(entry: Mapping[str, Any]) -> str:
    credit = entry.get("credit")
    line = credit.get("markdown") if isinstance(credit, Mapping) else None
    words = _made_anew(line) if isinstance(line, str) and line else ""
    words = words or markdown_escaped(plain_words(f"{entry['source']}:{entry['id']}"))
    phrase = markdown_escaped(plain_words(str(entry.get("phrase", ""))))
    name = entry["file"]
    link = f"[{markdown_escaped(plain_words(name))}](./{quote(name, errors='replace')})"
    return f"- {link}: {words}" + (f" · “{phrase}”" if phrase else "")


def _made_anew(markdown: str) -> str:
    """A credit line in Markdown, of its texts and links alone: `credits.json` may come from elsewhere.

    A line that phrasepix made says what it said before; of any other, all but links to the web is shown as plain text.
    """
    markdown = markdown[:_LONGEST_LINE]
    pieces: list[str] = []
    end = 0
    for token in _LINK_OR_ESCAPE.finditer(markdown):
        if token["url"] is not None:
            pieces.append(_as_plain(markdown[end : token.start()]))
            text = _as_plain(token["text"])
            pieces.append(f"[{text}]({token['url']})" if lasting(token["url"]) else text)
            end = token.end()
    pieces.append(_as_plain(markdown[end:]))
    return "".join(pieces).strip()


def _as_plain(markdown: str) -> str:
    """What a stretch of Markdown says without its escapes, escaped anew; a space at either end stays."""
    said = _ESCAPE.sub(r"\1", markdown)
    words = plain_words(said, _LONGEST_LINE)
    if not words:
        return " " if said else ""
    before, after = (" " if end.isspace() else "" for end in (said[0], said[-1]))
    return f"{before}{markdown_escaped(words)}{after}"
