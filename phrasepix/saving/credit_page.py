"""CREDITS.md: what a person reads, with a marked region that is made anew and their own words around it."""

import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from retriever.credit import markdown_escaped, plain_words

BEGIN = b"<!-- phrasepix: credits begin (made anew with each save; write outside) -->"
END = b"<!-- phrasepix: credits end -->"
_REGION = re.compile(
    rb"<!-- phrasepix: credits begin[^>]*-->(?:(?!<!-- phrasepix: credits begin).)*?" + re.escape(END), re.DOTALL
)


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
    words = " ".join(str(line or f"{entry['source']}:{entry['id']}").split())
    phrase = markdown_escaped(plain_words(str(entry.get("phrase", ""))))
    name = entry["file"]
    link = f"[{markdown_escaped(plain_words(name))}](./{quote(name, errors='replace')})"
    return f"- {link}: {words}" + (f" · “{phrase}”" if phrase else "")
