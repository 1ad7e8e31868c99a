"""Sources on loopback that do as told, for the page of `phrasepix serve`, and the browser that looks at it."""

import shutil
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Any, Self

from phrasepix.sample.catalogue import Catalogue
from tests.picture_server import PictureServer, after, file, unused_port
from tests.servers import KEY
from tests.source_servers.base import Picture, SourceServer
from tests.source_servers.commons import CommonsServer
from tests.source_servers.pexels import PexelsServer
from tests.source_servers.pixabay import PixabayServer

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


class Sources:
    """Sources on loopback that hold the sample's pictures; each may be told to fail. Unsplash has no key."""

    def __init__(self) -> None:
        self._opened = ExitStack()
        self._bodies: dict[str, bytes] = {}
        self.pictures = self._opened.enter_context(PictureServer())
        self.pixabay = self._opened.enter_context(PixabayServer())
        self.pexels = self._opened.enter_context(PexelsServer())
        self.commons = self._opened.enter_context(CommonsServer())
        self.unreachable = f"http://127.0.0.1:{unused_port()}/"

    @property
    def environment(self) -> dict[str, str]:
        """What has the command ask them."""
        return {
            "PIXABAY_API_KEY": KEY,
            "PIXABAY_API_URL": self.pixabay.api_url,
            "PEXELS_API_KEY": KEY,
            "PEXELS_API_URL": self.pexels.api_url,
            "OPENVERSE_API_URL": self.unreachable,
            "COMMONS_API_URL": self.commons.api_url,
            "UNSPLASH_API_URL": self.unreachable,
        }

    def hold(self, server: SourceServer, count: int, **changes: Any) -> None:
        """Have a source hold some of the sample's pictures."""
        server.hold(*self.drawn(server.name, count, **changes))

    @contextmanager
    def holding(self, server: SourceServer, pictures: Iterable[Picture]) -> Iterator[None]:
        """Have a source hold other pictures as long as the context."""
        held = server.held
        server.hold(*pictures)
        try:
            yield
        finally:
            server.held = held

    def drawn(self, name: str, count: int, **changes: Any) -> Iterator[Picture]:
        """Pictures of the sample, as a source's."""
        for number, drawn in zip(range(1, count + 1), Catalogue.load(), strict=False):
            path = f"/{name}/{number}.jpg"
            body = self._bodies[path] = drawn.path.read_bytes()
            url = self.pictures.put(path, file(body))
            picture = Picture(
                number=number,
                title=f"Drawn {number}",
                tags=drawn.tags,
                width=drawn.width,
                height=drawn.height,
                file_url=url,
            )
            yield replace(picture, **changes)

    def slowly(self, name: str, pause_s: float) -> None:
        """Have the pictures of a source come one after the other."""
        for number, (path, body) in enumerate(self._bodies.items()):
            if path.startswith(f"/{name}/"):
                self.pictures.put(path, after(number * pause_s, body))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._opened.close()
