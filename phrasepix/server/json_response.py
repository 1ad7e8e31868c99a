"""JSON answers of whatever third parties wrote."""

import json
from typing import Any

from starlette.responses import JSONResponse


class PlainJsonResponse(JSONResponse):
    """JSON in ASCII: what strangers wrote steers no terminal that a program shows an answer on, and a letter that UTF-8
    cannot hold, half of a pair, is escaped like all others.
    """

    def render(self, content: Any) -> bytes:
        """Return the bytes of a JSON value."""
        return json.dumps(content, ensure_ascii=True, allow_nan=False, separators=(",", ":")).encode("ascii")
