"""Hosts are judged as browsers and operating systems read them, however they are spelt."""

import pytest

from phrasepix_core.urls import is_on_this_machine, is_public, is_within_origin, lasting, redirect_target, shown_url

PRIVATE = [
    "10.1.2.3",
    "167838211",
    "0x0a010203",
    "012.1.2.3",
    "10.66051",
    "10.1.2.3.",
    "%31%30.1.2.3",
    "⑩.1.2.3",
    "１０.1.2.3",
    "10。1。2。3",
    "1\u00ad0.1.2.3",
    "[::ffff:10.1.2.3]",
    "[64:ff9b::a01:203]",
    "[2002:a01:203::]",
    "[fe80::1%25eth0]",
    "[::10.1.2.3]",
    "0",
    "255.255.255.255",
    "printer.local",
    "metadata.google.internal",
    "router",
    "box.home.arpa",
    "1.2.3.256",
    "1.2.3.4.5",
]
OURS = ["127.0.0.1", "127.1", "2130706433", "0x7f.1", "0177.0.0.1", "LOCALHOST", "localhost.", "a.localhost", "[::1]"]
PUBLIC = ["example.org", "93.184.216.34", "1572395042", "[2606:2800:220:1::]", "bücher.example", "1.example", "0x.com"]


@pytest.mark.parametrize("host", PRIVATE)
def test_a_private_host_is_neither_public_nor_this_machine(host: str) -> None:
    assert not is_public(f"http://{host}:8080/x")
    assert lasting(f"https://{host}/x") == ""
    assert not is_on_this_machine(f"http://{host}/x")


@pytest.mark.parametrize("host", OURS)
def test_this_machine_is_known_in_every_spelling(host: str) -> None:
    assert is_on_this_machine(f"http://{host}:81/x")
    assert not is_public(f"http://{host}/x")


@pytest.mark.parametrize("host", PUBLIC)
def test_a_public_host_may_be_named(host: str) -> None:
    assert lasting(f"https://{host}/x?y") == f"https://{host}/x?y"
    assert not is_on_this_machine(f"https://{host}/")


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1\\@example.org/", "http://example.org\\@127.0.0.1/", "javascript:x", "http://h:99999/", ""]
)
def test_what_a_browser_reads_otherwise_is_no_link(url: str) -> None:
    assert lasting(url) == ""


@pytest.mark.parametrize(
    ("url", "target", "expected"),
    [
        ("http://a.example/api/", "http://a.example/other", True),
        ("http://a.example/", "https://a.example/", True),
        ("http://a.example/", "http://a.example:80/", True),
        ("https://a.example/", "http://a.example/", False),
        ("https://a.example/", "https://a.example:8443/", False),
        ("http://a.example/", "https://a.example:8443/", False),
        ("https://a.example/", "https://b.a.example/", False),
        ("http://127.0.0.1:8000/", "http://localhost:8000/", False),
    ],
)
def test_an_origin_is_scheme_host_and_port_or_their_upgrade(url: str, target: str, expected: bool) -> None:
    assert is_within_origin(url, target) is expected


def test_a_location_is_read_as_browsers_do() -> None:
    base = "https://a.example/x/y"
    assert redirect_target(base, "/café".encode().decode("latin-1")) == "https://a.example/café"
    assert redirect_target(base, "/caf\xe9") == "https://a.example/café"
    assert redirect_target(base, " z\n ") == "https://a.example/x/z"
    assert redirect_target(base, "\\\\b.example\\z?q=\\") == "https://b.example/z?q=\\"


def test_a_shown_address_steers_no_terminal_and_carries_no_login() -> None:
    shown = shown_url("http://me:secret@a.example/\x1b[31m" + "x" * 9_000 + "?key=secret")
    assert shown.isprintable()
    assert "secret" not in shown
    assert len(shown) < 400
