"""Files to the disk: whole, continued, bounded."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from phrasepix.saving.download import Downloader
from phrasepix.saving.partial_download import PartialDownload
from reranker.errors import ForbiddenAddressError, PictureUnreachableError, PictureUnreadableError
from tests.picture_server import (
    PictureServer,
    chunked,
    cut_after,
    file,
    in_ranges,
    redirect,
    silence,
    status,
    trickle,
    unused_port,
)

BODY = np.random.default_rng(3).bytes(300_000)
OTHER = np.random.default_rng(4).bytes(300_000)


@pytest.fixture
def server() -> Iterator[PictureServer]:
    with PictureServer() as running:
        yield running


@pytest.fixture
def part(tmp_path: Path) -> PartialDownload:
    return PartialDownload(tmp_path / "picture.part")


def download(url: str, part: PartialDownload, *, of: str = "it", loopback: bool = True, **options: float) -> list[int]:
    seen: list[int] = []
    settings = {"attempts": 1, "pause_s": 0.01, "read_timeout_s": 5.0} | options
    with Downloader(**settings) as downloader:  # type: ignore[arg-type]
        downloader.download(url, part, of=of, loopback=loopback, on_bytes=lambda done, total: seen.append(done))
    return seen


def begun(server: PictureServer, part: PartialDownload, body: bytes = BODY, etag: str = '"1"') -> str:
    """A download that broke off in the middle; gives the URL."""
    url = server.put("/a", in_ranges(body, etag, cut_at=100_000))
    with pytest.raises(PictureUnreachableError, match="cut the connection"):
        download(url, part)
    assert part.size() == 100_000
    return url


def test_a_file_arrives_whole(server: PictureServer, part: PartialDownload) -> None:
    seen = download(server.put("/a", file(BODY)), part)
    assert part.path.read_bytes() == BODY
    assert seen[-1] == len(BODY)


def test_a_file_of_unknown_length_arrives_too(server: PictureServer, part: PartialDownload) -> None:
    download(server.put("/a", chunked(BODY)), part)
    assert part.path.read_bytes() == BODY


@pytest.mark.parametrize("etag", ['"1"', ""], ids=["by etag", "by size alone"])
def test_a_cut_download_is_continued_where_it_broke_off(
    server: PictureServer, part: PartialDownload, etag: str
) -> None:
    begun(server, part, etag=etag)
    seen = download(server.put("/a", in_ranges(BODY, etag)), part)
    assert part.path.read_bytes() == BODY
    assert seen[0] > 100_000


def test_a_cut_is_continued_at_once_where_there_are_attempts_left(server: PictureServer, part: PartialDownload) -> None:
    url = server.put("/a", in_ranges(BODY, '"1"', cut_at=100_000), in_ranges(BODY, '"1"'))
    download(url, part, attempts=2)
    assert part.path.read_bytes() == BODY
    assert server.asked["/a"] == 2


def test_another_file_at_the_address_is_begun_afresh(server: PictureServer, part: PartialDownload) -> None:
    begun(server, part)
    download(server.put("/a", in_ranges(OTHER, '"2"')), part)
    assert part.path.read_bytes() == OTHER


def test_a_rest_of_another_size_is_not_put_behind_what_is_here(server: PictureServer, part: PartialDownload) -> None:
    begun(server, part, etag="")
    download(server.put("/a", in_ranges(OTHER + b"more")), part, attempts=2)
    assert part.path.read_bytes() == OTHER + b"more"


def test_a_server_without_ranges_is_asked_for_the_whole(server: PictureServer, part: PartialDownload) -> None:
    begun(server, part)
    download(server.put("/a", file(BODY)), part)
    assert part.path.read_bytes() == BODY


def test_what_was_begun_of_another_rendition_is_not_continued(server: PictureServer, part: PartialDownload) -> None:
    begun(server, part)
    seen = download(server.put("/a", in_ranges(OTHER, '"1"')), part, of="something larger")
    assert part.path.read_bytes() == OTHER
    assert min(seen) <= 262_144


def test_a_range_that_the_server_refuses_is_followed_by_the_whole(server: PictureServer, part: PartialDownload) -> None:
    begun(server, part)
    download(server.put("/a", status(416), file(BODY)), part, attempts=2)
    assert part.path.read_bytes() == BODY


def test_what_is_whole_already_is_not_asked_for_again(server: PictureServer, part: PartialDownload) -> None:
    url = server.put("/a", file(BODY))
    download(url, part)
    download(url, part)
    assert server.asked["/a"] == 1


def test_a_damaged_note_of_what_was_begun_means_the_whole_anew(server: PictureServer, part: PartialDownload) -> None:
    begun(server, part)
    part.about.write_bytes(b'["no note"]')
    download(server.put("/a", in_ranges(BODY, '"1"')), part)
    assert part.path.read_bytes() == BODY


def test_redirects_are_followed_and_not_into_a_private_network(server: PictureServer, part: PartialDownload) -> None:
    server.put("/a", file(BODY))
    download(server.put("/moved", redirect("/a")), part)
    assert part.path.read_bytes() == BODY
    part.discard()
    for target in ("http://10.0.0.1/a", "file:///etc/passwd", "ftp://cdn.example/a"):
        with pytest.raises((ForbiddenAddressError, PictureUnreachableError)):
            download(server.put("/moved", redirect(target)), part)
    with pytest.raises(PictureUnreachableError, match="redirected more than 5"):
        download(server.put("/round", redirect("/round")), part)
    assert not part.path.exists()


def test_this_machine_is_asked_only_where_the_source_is_here(server: PictureServer, part: PartialDownload) -> None:
    with pytest.raises(ForbiddenAddressError):
        download(server.put("/a", file(BODY)), part, loopback=False)
    assert server.asked_in_all == 0


def test_a_file_that_is_too_large_is_refused_by_what_it_announces_and_by_what_comes(
    server: PictureServer, part: PartialDownload
) -> None:
    for answer in (file(BODY), chunked(BODY)):
        with pytest.raises(PictureUnreadableError, match="larger than"):
            download(server.put("/a", answer), part, largest_bytes=200_000)


@pytest.mark.parametrize("code", [403, 404, 410, 500, 503])
def test_a_failure_says_its_status_and_no_query(server: PictureServer, part: PartialDownload, code: int) -> None:
    with pytest.raises(PictureUnreachableError, match=f"/a answered with status {code}") as error:
        download(server.put("/a", status(code)) + "?token=secret", part)
    assert "secret" not in str(error.value)


def test_silence_slowness_and_nobody_there_end_in_an_error(server: PictureServer, part: PartialDownload) -> None:
    with pytest.raises(PictureUnreachableError, match="in time"):
        download(server.put("/a", silence), part, read_timeout_s=0.1)
    with pytest.raises(PictureUnreachableError, match="too slowly"):
        download(server.put("/a", trickle(BODY, 0.02)), part, deadline_s=0.1)
    with pytest.raises(PictureUnreachableError, match="cannot be reached"):
        download(f"http://127.0.0.1:{unused_port()}/a", part)
    with pytest.raises(PictureUnreachableError):
        download("http://", part)


def test_a_passing_failure_is_tried_again(server: PictureServer, part: PartialDownload) -> None:
    url = server.put("/a", status(503), cut_after(BODY[:5], len(BODY)), file(BODY))
    download(url, part, attempts=3)
    assert part.path.read_bytes() == BODY
