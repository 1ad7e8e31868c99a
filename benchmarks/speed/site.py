"""A stock site on loopback in a process of its own, which answers each request after a delay.

`python -m benchmarks.speed.site DIRECTORY --delay 0.08` prints the address of its API. It offers pictures of 640
pixels and no smaller rendition (Pixabay has one, which phrasepix would take): 640 pixels are what is to be fetched and
decoded.
"""

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path

from benchmarks.speed.pictures import ROOT, files
from phrasepix.sample import protocol
from phrasepix.sample.catalogue import Catalogue
from phrasepix.sample.server import HOST, Answer, LoopbackServer, plain_text

_PICTURES = "/pictures/"


class DelayedSite:
    """The pictures of `directory` in Pixabay's protocol, each request answered after `delay_s` seconds.

    Any key will do, and any number of requests.
    """

    def __init__(self, directory: Path, delay_s: float) -> None:
        self._catalogue = Catalogue.load(directory)
        self._files = {file.name: file.read_bytes() for file in files(directory)}
        self._delay_s = delay_s
        self.server = LoopbackServer(0, self._respond)

    @property
    def origin(self) -> str:
        """Scheme, host and port."""
        return f"http://{HOST}:{self.server.port}"

    def _respond(self, target: str) -> Answer:
        time.sleep(self._delay_s)
        path, _, query = target.partition("?")
        if path == "/api/":
            return self._api(query)
        data = self._files.get(path.removeprefix(_PICTURES))
        if data is None:
            return plain_text(HTTPStatus.NOT_FOUND, "[ERROR 404] There is nothing at this address.")
        return Answer(HTTPStatus.OK, "image/jpeg", data)

    def _api(self, query: str) -> Answer:
        try:
            wanted = protocol.parse_query(protocol.parse_parameters(query))
            found = protocol.answer(wanted, self._catalogue, origin=self.origin, sign=_path)
        except protocol.ProtocolError as error:
            return plain_text(HTTPStatus.BAD_REQUEST, str(error))
        return Answer(HTTPStatus.OK, "application/json", json.dumps(found).encode())


def _path(number: int, suffix: str) -> str:
    """Every rendition is the file: without `_640` in its name none smaller is looked for."""
    return f"{_PICTURES}{number}.jpg"


@contextmanager
def running_site(directory: Path, delay_s: float) -> Iterator[str]:
    """The address of the API of a site in a process of its own, as long as the context."""
    command = [sys.executable, "-m", "benchmarks.speed.site", str(directory), "--delay", str(delay_s)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            address = process.stdout.readline().strip()
            if not address:
                raise RuntimeError("the benchmark's site could not start")
            yield address
        finally:
            process.terminate()


def main() -> None:
    """Serve until terminated."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("directory", type=Path)
    parser.add_argument("--delay", type=float, default=0.0, help="seconds before each answer")
    options = parser.parse_args()
    site = DelayedSite(options.directory, options.delay)
    site.server.start()
    print(f"{site.origin}/api/", flush=True)
    while True:
        time.sleep(3600)


if __name__ == "__main__":
    main()
