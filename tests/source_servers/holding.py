"""A source's API on loopback that has some pictures."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.picture_server import PictureServer, encoded, file, stripes
from tests.source_servers.base import Picture, SourceServer


@contextmanager
def holding(
    kind: type[SourceServer], pictures: PictureServer, monkeypatch: pytest.MonkeyPatch, **facts: Any
) -> Iterator[SourceServer]:
    """A source's API with three pictures of one colour each, as the environment has it asked."""
    with kind() as server:
        server.hold(
            *(
                Picture(
                    number=number,
                    file_url=pictures.put(f"/{server.name}/{number}.jpg", file(encoded(stripes([colour])))),
                    **{"creator": f"Somebody {number}"} | facts,
                )
                for number, colour in enumerate(("red", "green", "blue"), start=1)
            )
        )
        monkeypatch.setenv(server.profile.address_variable, server.api_url)
        if server.key:
            monkeypatch.setenv(server.profile.key_variable, server.key)
        yield server
