"""The grid that a host may show in place of an answer (MCP Apps): one page that loads nothing from anywhere.

Its pictures come from the tool `look`, through the host. What is picked goes to the host in the order in which it was
picked: silently at each change (`ui/update-model-context`), and as a message when the person is done (`ui/message`).
The messages are those of the specification of 2026-01-26
(https://github.com/modelcontextprotocol/ext-apps/blob/main/specification/2026-01-26/apps.mdx).
"""

from functools import cache
from pathlib import Path
from typing import Final

GRID_URI: Final = "ui://phrasepix/grid"


@cache
def grid_page() -> str:
    """Return the page as HTML."""
    return Path(__file__).with_name("grid.html").read_text(encoding="utf-8")
