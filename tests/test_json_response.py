"""JSON as the server writes it."""

import json
from typing import Any

import pytest

pytest.importorskip("orjson", reason="the extra serve is not installed")

from phrasepix.server.json_response import json_bytes


@pytest.mark.parametrize(
    "value",
    [
        {"title": "Bär in 雪 🐻", "tags": ["a", "b"], "score": 0.1 + 0.2, "none": None, "is": True},
        {"half of a pair": "\ud83d and on"},
        {"many digits": 2**70},
        {"line": "one\ntwo\u2028three\rfour"},
        [1e-320, -0.0, 123456789.123456789],
    ],
)
def test_what_is_written_is_read_again_and_is_one_line(value: Any) -> None:
    written = json_bytes(value)
    assert json.loads(written) == value
    assert not {b"\n", b"\r"} & {written[at : at + 1] for at in range(len(written))}
