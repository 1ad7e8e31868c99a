"""JSON as the server writes it."""

import json
from typing import Any

import pytest

pytest.importorskip("starlette", reason="the extra serve is not installed")

from phrasepix.server.json_response import PlainJsonResponse


@pytest.mark.parametrize(
    "value",
    [
        {"title": "Bär in 雪 🐻", "tags": ["a", "b"], "score": 0.1 + 0.2, "none": None, "is": True},
        {"half of a pair": "\ud83d and on"},
        {"what a terminal obeys": "\x9b2J \u202e \u2028"},
        {"many digits": 2**70},
    ],
)
def test_what_is_written_is_read_again_and_steers_no_terminal(value: Any) -> None:
    written = bytes(PlainJsonResponse(value).body)
    assert json.loads(written) == value
    assert all(0x20 <= byte < 0x7F for byte in written)


def test_what_is_no_number_is_refused() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        PlainJsonResponse({"score": float("nan")})
