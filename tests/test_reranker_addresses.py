"""Where pictures may come from."""

import gc
import importlib.util
from base64 import b64encode
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path

import pytest

from reranker import ClipReranker
from reranker.errors import ForbiddenAddressError, PictureError, PictureUnreachableError
from reranker.pictures import PictureLoader
from reranker.pictures.address_guard import is_allowed
from reranker.pictures.fetch import PictureFetcher
from reranker.pictures.transport import is_excepted
from reranker.testing import ColourEncoder
from tests.picture_server import (
    Answer,
    Exchange,
    PictureServer,
    candidate,
    encoded,
    file,
    put_pool,
    redirect,
    stripes,
    unused_port,
)

GOOD = file(encoded(stripes(["red", "blue"]), "PNG"), "image/png")


@pytest.fixture
def server() -> Iterator[PictureServer]:
    with PictureServer() as server:
        yield server
    gc.collect(1)


@pytest.fixture
def fetcher() -> Iterator[PictureFetcher]:
    with PictureFetcher(attempts=1) as fetcher:
        yield fetcher


PUBLIC = [
    "1.1.1.1",
    "93.184.216.34",
    "172.15.255.255",
    "172.32.0.1",
    "2606:4700:4700::1111",
    "2a00:1450:4001:80b::200e",
    "::ffff:93.184.216.34",
    "64:ff9b::5db8:d822",
]
LOOPBACK = ["127.0.0.1", "127.8.9.10", "::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::"]
NEVER = [
    "0.0.0.0",
    "10.0.0.1",
    "100.64.0.1",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.2.1",
    "192.168.0.1",
    "198.18.0.1",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::7f00:1",
    "::ffff:10.0.0.1",
    "::ffff:169.254.169.254",
    "64:ff9b::a00:1",
    "64:ff9b:1::a00:1",
    "2001:db8::1",
    "2002:a00:1::",
    "2002:c0a8:1::",
    "fc00::1",
    "fd12:3456::1",
    "fe80::1",
    "fec0::1",
    "ff02::1",
]


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_is_allowed_for_every_source(address: str) -> None:
    assert is_allowed(ip_address(address), loopback=False)
    assert is_allowed(ip_address(address), loopback=True)


@pytest.mark.parametrize("address", LOOPBACK)
def test_loopback_in_every_spelling_is_allowed_only_where_it_was_granted(address: str) -> None:
    assert not is_allowed(ip_address(address), loopback=False)
    assert is_allowed(ip_address(address), loopback=True)


@pytest.mark.parametrize("address", NEVER)
def test_any_other_address_is_never_allowed(address: str) -> None:
    assert not is_allowed(ip_address(address), loopback=False)
    assert not is_allowed(ip_address(address), loopback=True)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "LOCALHOST", "2130706433", "0x7f000001", "127.1"])
def test_a_stock_source_cannot_ask_this_machine_however_it_is_spelled(
    server: PictureServer, fetcher: PictureFetcher, host: str
) -> None:
    server.put("/picture.png", GOOD)
    with pytest.raises(PictureError):
        fetcher.fetch(f"http://{host}:{server.port}/picture.png")
    assert server.asked_in_all == 0


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_the_refusal_names_host_and_address(fetcher: PictureFetcher, host: str) -> None:
    with pytest.raises(ForbiddenAddressError, match=rf"{host} leads to 127\.0\.0\.1, which is not a public address"):
        fetcher.fetch(f"http://{host}:{unused_port()}/picture.png")


def test_a_name_is_refused_by_the_address_it_was_connected_to(server: PictureServer, fetcher: PictureFetcher) -> None:
    # A number is a name to a URL parser, and an address to the resolver: only the connection tells.
    with pytest.raises(ForbiddenAddressError, match=r"2130706433 leads to 127\.0\.0\.1"):
        fetcher.fetch(f"http://2130706433:{server.port}/picture.png")
    assert server.asked_in_all == 0


def test_only_the_sources_named_may_come_from_this_machine(server: PictureServer) -> None:
    ours = put_pool(server, 4, source="sample")
    others = [
        candidate(f"other-{number}", one.image_url, source="stock") for number, one in enumerate(put_pool(server, 4))
    ]
    loader = PictureLoader(loopback_sources={"sample"})
    with ClipReranker(ColourEncoder(), loader=loader) as reranker:
        ranking = reranker.rerank("red", [*others, *ours])
    assert [match.candidate.source for match in ranking.matches] == ["sample"] * 4
    assert [skipped.candidate for skipped in ranking.skipped] == others
    assert all("not a public address" in skipped.reason for skipped in ranking.skipped)


@pytest.mark.parametrize(
    "location",
    [
        "http://127.0.0.1:{port}/picture.png",
        "//127.0.0.1:{port}/picture.png",
        "http://localhost:{port}/picture.png",
        "http://[::1]:{port}/picture.png",
        "http://[::ffff:127.0.0.1]:{port}/picture.png",
        "http://10.0.0.1/picture.png",
        "http://169.254.169.254/latest/meta-data",
        "https://192.168.1.1/picture.png",
    ],
)
def test_a_public_host_cannot_redirect_into_the_readers_network(
    server: PictureServer, monkeypatch: pytest.MonkeyPatch, location: str
) -> None:
    # The public host is spoken to through a proxy on loopback: the server itself, which is asked for whole URLs.
    server.put("/first.jpg", redirect(location.format(port=server.port)))
    server.put("/picture.png", GOOD)
    for name in ("http_proxy", "https_proxy"):
        monkeypatch.setenv(name, server.url(""))
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("no_proxy", "")
    with PictureFetcher(attempts=1) as fetcher, pytest.raises(ForbiddenAddressError, match="not a public address"):
        fetcher.fetch("http://pictures.example/first.jpg")
    assert dict(server.asked) == {"/first.jpg": 1}


def test_a_public_host_may_redirect_to_another(server: PictureServer, monkeypatch: pytest.MonkeyPatch) -> None:
    server.put("/first.jpg", redirect("http://elsewhere.example/picture.png", 301))
    server.put("/picture.png", file(b"the file"))
    monkeypatch.setenv("http_proxy", server.url(""))
    monkeypatch.setenv("no_proxy", "")
    with PictureFetcher(attempts=1) as fetcher:
        assert fetcher.fetch("http://pictures.example/first.jpg") == b"the file"


def test_https_is_fetched_and_its_certificate_checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with PictureServer(https=True) as server:
        url = server.put("/picture.png", file(b"the file"))
        with PictureFetcher(attempts=1) as fetcher, pytest.raises(PictureUnreachableError, match="cannot be reached"):
            fetcher.fetch(url, loopback=True)
        assert server.asked_in_all == 0
        trusted = tmp_path / "authority.pem"
        trusted.write_bytes(server.authority)
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(trusted))
        with PictureFetcher(attempts=1) as fetcher:
            assert fetcher.fetch(url, loopback=True) == b"the file"
            with pytest.raises(ForbiddenAddressError):
                fetcher.fetch(url)
            with pytest.raises(ForbiddenAddressError):
                fetcher.fetch(url.replace("127.0.0.1", "2130706433"))
        assert server.asked_in_all == 1
    gc.collect(1)


def test_https_through_a_proxy_is_asked_of_the_proxy(server: PictureServer, monkeypatch: pytest.MonkeyPatch) -> None:
    # It knows no CONNECT: what matters is that nobody else was asked.
    monkeypatch.setenv("https_proxy", server.url(""))
    monkeypatch.setenv("no_proxy", "")
    with PictureFetcher(attempts=1) as fetcher, pytest.raises(PictureUnreachableError, match="cannot be reached"):
        fetcher.fetch("https://pictures.example/first.jpg")
    assert server.connections_in_all == 1


@pytest.mark.parametrize("name", ["http_proxy", "all_proxy"])
def test_a_proxy_that_wants_a_login_gets_it_and_the_site_does_not(
    server: PictureServer, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    heard: list[tuple[str, str]] = []

    def hear(exchange: Exchange) -> None:
        heard.append((exchange.asked("Proxy-Authorization"), exchange.asked("Authorization")))
        file(b"the file")(exchange)

    server.put("/picture.png", hear)
    monkeypatch.setenv(name, f"http://me:p%40ss@127.0.0.1:{server.port}")
    monkeypatch.setenv("no_proxy", "")
    with PictureFetcher(attempts=1) as fetcher:
        assert fetcher.fetch("http://pictures.example/picture.png") == b"the file"
    assert heard == [("Basic " + b64encode(b"me:p@ss").decode(), "")]


def test_a_host_that_needs_no_proxy_is_not_asked_through_it(
    server: PictureServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", server.url(""))
    monkeypatch.setenv("no_proxy", "pictures.invalid")
    with PictureFetcher(attempts=1) as fetcher, pytest.raises(PictureUnreachableError, match="cannot be reached"):
        fetcher.fetch("http://pictures.invalid/picture.png")
    assert server.connections_in_all == 0


@pytest.mark.parametrize(
    ("address", "is_so"),
    [("93.184.216.34", True), ("93.184.217.1", False), ("2001:4860::8", True), ("2001:4861::8", False)],
)
def test_a_network_may_need_no_proxy(address: str, is_so: bool) -> None:
    assert is_excepted(ip_address(address), "elsewhere.example, 93.184.216.0/24,,2001:4860::/32") is is_so


def test_an_https_proxy_is_trusted_by_the_same_certificates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with PictureServer(https=True) as proxy:
        trusted = tmp_path / "authority.pem"
        trusted.write_bytes(proxy.authority)
        monkeypatch.setenv("https_proxy", proxy.url(""))
        monkeypatch.setenv("no_proxy", "")
        for certificates, connections in (("", 0), (str(trusted), 1)):
            monkeypatch.setenv("REQUESTS_CA_BUNDLE", certificates)
            with (
                PictureFetcher(attempts=1) as fetcher,
                pytest.raises(PictureUnreachableError, match="cannot be reached"),
            ):
                fetcher.fetch("https://pictures.example/first.jpg")
            assert proxy.connections_in_all == connections
    gc.collect(1)


def test_a_proxy_of_an_unknown_kind_is_blamed_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "ftp://me:secret@127.0.0.1:1")
    monkeypatch.setenv("no_proxy", "")
    with (
        PictureFetcher(attempts=1) as fetcher,
        pytest.raises(PictureUnreachableError, match="is a ftp one; known") as met,
    ):
        fetcher.fetch("http://pictures.example/picture.png")
    assert "secret" not in str(met.value)


def test_a_socks_proxy_without_the_package_for_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    if importlib.util.find_spec("socks") is not None:
        pytest.skip("PySocks is installed")
    monkeypatch.setenv("http_proxy", f"socks5://127.0.0.1:{unused_port()}")
    monkeypatch.setenv("no_proxy", "")
    with (
        PictureFetcher(attempts=1) as fetcher,
        pytest.raises(PictureUnreachableError, match="needs the package PySocks"),
    ):
        fetcher.fetch("http://pictures.example/picture.png")


def test_the_login_of_an_address_is_sent_to_its_own_host_only(server: PictureServer) -> None:
    heard: list[str] = []

    def hear(answer: Answer) -> Answer:
        def answered(exchange: Exchange) -> None:
            heard.append(exchange.asked("Authorization"))
            answer(exchange)

        return answered

    server.put("/first.png", hear(redirect(server.url("/second.png"))))
    server.put("/second.png", hear(file(b"the file")))
    with PictureFetcher(attempts=1) as fetcher:
        login = f"http://me:p%40ss@127.0.0.1:{server.port}/first.png"
        assert fetcher.fetch(login, loopback=True) == b"the file"
    assert heard == ["Basic " + b64encode(b"me:p@ss").decode(), ""]


def test_certificates_that_cannot_be_read_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with PictureServer(https=True) as server:
        url = server.put("/picture.png", file(b"the file"))
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "gone.pem"))
        with (
            PictureFetcher(attempts=1) as fetcher,
            pytest.raises(PictureUnreachableError, match=r"gone\.pem cannot be"),
        ):
            fetcher.fetch(url, loopback=True)
    gc.collect(1)
