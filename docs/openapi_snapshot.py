"""The API's description as a file, so that a change of it is seen: `python -m docs` writes it."""

import json
from pathlib import Path

from phrasepix.finder import Finder
from phrasepix.server.app import create_app
from phrasepix.server.openapi import describe
from phrasepix.server.settings import ServerSettings

SNAPSHOT = Path(__file__).parent / "reference" / "openapi.json"


def snapshot() -> str:
    """Return the description as it is to be in the file."""
    described = describe(create_app(Finder(), ServerSettings(port=1)))
    return json.dumps(described, indent=1, ensure_ascii=True, sort_keys=True) + "\n"
