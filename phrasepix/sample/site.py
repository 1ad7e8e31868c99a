"""The sample's stock site: drawn pictures on loopback, offered in Pixabay's protocol.

What it serves:

======================================  ================================================================
``/api/?key=…&q=…``                     the search, as JSON; refusals are plain text with status 400
``/get/<token>_640.jpg``, ``_180`` …    renditions, which expire; an expired or forged one is a 403
``/photo/boat-1001_150.jpg``            previews, which never expire
``/photos/boat-sea-night-1001/``        a page for people about one picture
``/users/phrasepix-1/``                 a page of one user's pictures
``/``                                   the front page
======================================  ================================================================
"""

import json
import threading
import time
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Self

from phrasepix.sample import links, protocol
from phrasepix.sample.catalogue import PICTURES_DIRECTORY, Catalogue, SamplePicture
from phrasepix.sample.rate_limit import RateLimit
from phrasepix.sample.renditions import Renditions
from phrasepix.sample.server import HOST, Answer, LoopbackServer, plain_text

SAMPLE_KEY = "1-drawn-pictures-on-loopback"
"""The key the site asks for unless told otherwise; it opens nothing else."""

_PREVIEW_LIFETIME_S = 24 * 60 * 60
_PICTURES_ON_A_PAGE = 60
_PAGE_HEADERS = {"Content-Security-Policy": "default-src 'none'; img-src 'self'; style-src 'unsafe-inline'"}


class StockSite:
    """A stock site on a free port of 127.0.0.1, for as long as the ``with`` block lasts.

    ::

        with StockSite() as site:
            requests.get(site.api_url, params={"key": site.key, "q": "boat"}, timeout=5).json()

    Args:
        directory: pictures with their ``catalogue.jsonl``.
        key: the key a client must send.
        rendition_lifetime: how long the address of a rendition is good for.
        requests_per_minute: how many requests to the API are granted in 60 seconds.
        picture_delay_s: seconds to wait before a picture is sent, to see how a client bears a slow network.
        port: where to listen; 0 takes a free port.
        clock: gives the time in seconds of the epoch, for expiry and rate limit.

    Raises:
        CatalogueError: if `directory` holds no usable catalogue.
        OSError: on entering, if `port` is taken.
    """

    def __init__(
        self,
        directory: Path | str = PICTURES_DIRECTORY,
        *,
        key: str = SAMPLE_KEY,
        rendition_lifetime: timedelta = timedelta(hours=24),
        requests_per_minute: int = 100,
        picture_delay_s: float = 0.0,
        port: int = 0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.catalogue = Catalogue.load(directory)
        self.key = key
        self._picture_delay_s = picture_delay_s
        self._port = port
        self._links = links.RenditionLinks(rendition_lifetime, clock)
        self._renditions = Renditions()
        self._rate_limit = RateLimit(requests_per_minute, clock)
        self._served: Counter[str] = Counter()
        self._served_lock = threading.Lock()
        self._server: LoopbackServer | None = None

    def __enter__(self) -> Self:
        if self._server is not None:
            raise RuntimeError("This sample site is running already: make another StockSite for a second one.")
        self._server = LoopbackServer(self._port, self._respond)
        self._port = self._server.port
        self._server.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop serving and close every connection; closing twice does nothing."""
        server, self._server = self._server, None
        if server is not None:
            server.stop()

    def __repr__(self) -> str:
        state = f"at {self.home_url}" if self._server is not None else "not running"
        return f"<StockSite of {len(self.catalogue)} pictures, {state}>"

    @property
    def origin(self) -> str:
        """Scheme, host and port, such as ``http://127.0.0.1:40123``; known once the site has run."""
        if not self._port:
            raise RuntimeError("The sample site has no address yet: use it in a with statement.")
        return f"http://{HOST}:{self._port}"

    @property
    def api_url(self) -> str:
        """Where the API answers, such as ``http://127.0.0.1:40123/api/``."""
        return self.origin + "/api/"

    @property
    def home_url(self) -> str:
        """The front page for people."""
        return self.origin + "/"

    @property
    def served(self) -> Counter[str]:
        """How many requests came in so far, those refused included, by kind: api, picture, page, other."""
        with self._served_lock:
            return self._served.copy()

    def _respond(self, target: str) -> Answer:
        path, _, query_string = target.partition("?")
        if path in ("/api", "/api/"):
            self._count("api")
            return self._api(query_string)
        if path.startswith(("/get/", "/photo/")):
            self._count("picture")
            return self._picture(path)
        page = self._page(path)
        self._count("other" if page is None else "page")
        return _not_found() if page is None else _html(page)

    def _count(self, kind: str) -> None:
        with self._served_lock:
            self._served[kind] += 1

    def _api(self, query_string: str) -> Answer:
        parameters = protocol.parse_parameters(query_string)
        known = parameters.get("key") == self.key
        # Wrong keys share one allowance, so that guesses neither spend the real one nor pile up in memory.
        allowance = self._rate_limit.take(self.key if known else "")
        if not allowance.granted:
            return plain_text(HTTPStatus.TOO_MANY_REQUESTS, "API rate limit exceeded", allowance.headers)
        try:
            if not known:
                raise protocol.BadKeyError
            query = protocol.parse_query(parameters)
            found = protocol.answer(query, self.catalogue, origin=self.origin, sign=self._links.sign)
        except protocol.ProtocolError as error:
            return plain_text(HTTPStatus.BAD_REQUEST, str(error), allowance.headers)
        body = json.dumps(found, ensure_ascii=False).encode()
        return Answer(HTTPStatus.OK, "application/json", body, allowance.headers)

    def _picture(self, path: str) -> Answer:
        if self._picture_delay_s > 0 and self._server is not None:
            self._server.closing.wait(self._picture_delay_s)
        try:
            rendition = self._links.read(path)
        except links.LinkError as error:
            return plain_text(HTTPStatus.FORBIDDEN, f"[ERROR 403] {error}")
        if rendition is not None:
            return self._jpeg(rendition.picture_id, rendition.suffix, rendition.seconds_left)
        return self._jpeg(links.picture_of_preview(path), "150", _PREVIEW_LIFETIME_S)

    def _jpeg(self, picture_id: int | None, suffix: str, seconds_left: float) -> Answer:
        picture = self.catalogue.get(picture_id) if picture_id is not None else None
        if picture is None:
            return _not_found()
        headers = {"Cache-Control": f"max-age={int(seconds_left)}"}
        return Answer(HTTPStatus.OK, "image/jpeg", self._renditions.jpeg(picture, suffix), headers)

    def _page(self, path: str) -> str | None:
        from phrasepix.sample import pages  # a search looks at none

        picture_id, user_id = links.picture_of_page(path), links.user_of_page(path)
        if path == "/":
            title = f"The {len(self.catalogue)} drawn pictures of the built-in sample, most downloaded first"
            return pages.gallery_page(title, self.catalogue.search()[:_PICTURES_ON_A_PAGE])
        if picture_id is not None and (picture := self.catalogue.get(picture_id)) is not None:
            return pages.picture_page(picture, self._links.sign(picture.id, "640"))
        if user_id is not None and (drawn := self._drawn_by(user_id)):
            return pages.gallery_page(f"Pictures by {drawn[0].user}", drawn)
        return None

    def _drawn_by(self, user_id: int) -> list[SamplePicture]:
        drawn = [picture for picture in self.catalogue.search() if picture.user_id == user_id]
        return drawn[:_PICTURES_ON_A_PAGE]


def _html(page: str) -> Answer:
    return Answer(HTTPStatus.OK, "text/html; charset=utf-8", page.encode(), _PAGE_HEADERS)


def _not_found() -> Answer:
    return plain_text(HTTPStatus.NOT_FOUND, "[ERROR 404] There is nothing at this address.")
