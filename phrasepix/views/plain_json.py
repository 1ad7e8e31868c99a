"""JSON that may be printed on a terminal: what strangers wrote in it steers nothing."""

import json
import re
from typing import Any

_STEERS = re.compile("[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""What JSON allows unescaped within a text, but a terminal obeys (C1, marks of direction), or UTF-8 cannot hold."""


def plain_json(value: Any) -> str:
    """`value` as JSON with two spaces of indentation, letters as they are and characters that could steer escaped."""
    text = json.dumps(value, ensure_ascii=False, indent=2)
    return _STEERS.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
