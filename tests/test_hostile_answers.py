"""What an API's answer may bring along: its reader's key, addresses of the reader's network, texts without end."""

import json
import logging
from collections.abc import Callable
from html import escape
from pathlib import Path
from urllib.parse import quote

import pytest

from phrasepix import find_images
from reranker.testing import ColourEncoder
from retriever import PixabayRetriever
from retriever.api_key import config_file
from retriever.errors import KeyMissingError, KeyUnusableError, RetrieverError, SourceUnreachableError
from retriever.filters import NO_FILTERS
from retriever.openverse import SOURCE as OPENVERSE
from retriever.source import Opening
from tests.picture_server import unused_port
from tests.servers import ScriptedServer, hit, of_hits, plain

Connect = Callable[..., PixabayRetriever]
ODD_KEY = "ab&cd<12>/34+56=78"


@pytest.mark.parametrize(
    "spelled", [ODD_KEY, quote(ODD_KEY, safe=""), quote(ODD_KEY, safe="").lower(), escape(ODD_KEY)]
)
def test_a_key_that_an_answer_repeats_is_neither_kept_nor_shown(
    spelled: str, api: ScriptedServer, connect: Connect, tmp_path: Path
) -> None:
    api.play(of_hits([hit(1, user=f"by {spelled}", tags=f"boat, {spelled}", **{spelled: 1})]))
    retriever = connect(api, key=ODD_KEY, cache_directory=tmp_path)
    (found,) = retriever.retrieve("boat")
    assert found.creator == "by •••"
    retriever.close()
    kept = b"".join(path.read_bytes() for path in tmp_path.iterdir()).decode("utf-8", "replace")
    assert spelled not in kept
    assert json.dumps(spelled)[1:-1] not in kept


@pytest.mark.parametrize("bad", ["“abcdefgh”", "abc\u200bdefgh", "abc\ndefgh", "abc defgh", "'abcdefgh'", "schlüssel"])
def test_a_key_with_what_no_key_has_is_named_as_that(bad: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIXABAY_API_KEY", bad)
    with pytest.raises(KeyUnusableError, match=r"PIXABAY_API_KEY has a character that no key has: .*U\+") as caught:
        PixabayRetriever()
    assert "defgh" not in str(caught.value)


def test_a_config_file_with_a_byte_order_mark_is_read(api: ScriptedServer, connect: Connect) -> None:
    config_file().parent.mkdir(parents=True)
    config_file().write_text('\ufeffpixabay_api_key = "from-the-file"\n', encoding="utf-8")
    api.play(of_hits([]))
    list(connect(api, key=None).retrieve("boat"))
    assert api.asked[0].query["key"] == "from-the-file"


@pytest.mark.parametrize(
    ("name", "is_named"),
    [("pixaby_api_key", True), ("PIXABAY-API-KEY", True), ("pixabay_key", True), ("pexels_api_key", False)],
)
def test_a_misspelt_setting_is_named_and_another_sources_is_not(
    name: str, is_named: bool, caplog: pytest.LogCaptureFixture
) -> None:
    config_file().parent.mkdir(parents=True)
    config_file().write_text(f'{name} = "abcdefgh"\n')
    with caplog.at_level(logging.WARNING), pytest.raises(KeyMissingError):
        PixabayRetriever()
    assert ("did you mean pixabay_api_key?" in caplog.text) is is_named
    assert "abcdefgh" not in caplog.text


def test_addresses_of_the_readers_network_do_not_reach_a_candidate(api: ScriptedServer, connect: Connect) -> None:
    inside = "http://192.168.1.1/reboot"
    api.play(of_hits([hit(1, largeImageURL=inside, pageURL=inside, userURL=inside)]))
    (found,) = connect(api).retrieve("boat")
    assert "192.168" not in repr(found)
    assert found.renditions


def test_texts_without_end_are_cut(api: ScriptedServer, connect: Connect) -> None:
    api.play(
        of_hits([hit(1, user="u" * 2_000_000, tags="t" * 2_000_000, pageURL="https://a.example/" + "p" * 100_000)])
    )
    (found,) = connect(api).retrieve("boat")
    assert len(found.creator) == 2_000
    assert found.creator.endswith("…")
    assert sum(map(len, found.tags)) <= 2_000
    assert found.page_url == ""


def test_two_catalogues_on_one_host_are_two(api: ScriptedServer, connect: Connect) -> None:
    api.otherwise = lambda asked: of_hits([hit(1)])
    addresses = [f"{api.origin}/one/", f"{api.origin}/two/", f"{api.origin}/?of=one", f"{api.origin}/?of=two"]
    identities = {next(iter(connect(address).retrieve("boat"))).identity for address in addresses}
    assert len(identities) == 4


@pytest.mark.timeout(60)
def test_without_connection_there_is_one_error_for_all_sources(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("OPENVERSE", "COMMONS"):
        monkeypatch.setenv(f"{name}_API_URL", f"http://127.0.0.1:{unused_port()}/")
    with pytest.raises(SourceUnreachableError) as caught:
        find_images("red", tag="boat", source=["openverse", "commons"], model=ColourEncoder())
    said = str(caught.value)
    assert "Openverse" in said
    assert "Commons" in said
    assert said.count("refused") == 1
    assert not [one for one in caplog.records if one.levelno >= logging.WARNING]


def test_the_contact_is_read_when_the_api_is_asked(api: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    api.play(of_hits([]), plain(404, "nothing"))
    monkeypatch.setenv("PHRASEPIX_CONTACT", "me@example.org")
    with PixabayRetriever("abcdefgh", base_url=api.url) as retriever:
        list(retriever.retrieve("boat"))
    monkeypatch.setenv("PHRASEPIX_CONTACT", "you@example.org")
    with OPENVERSE.open(Opening(base_url=api.url)) as openverse, pytest.raises(RetrieverError):
        list(openverse.retrieve("boat", limit=1, filters=NO_FILTERS))
    assert ["me@" in one.headers["User-Agent"] for one in api.asked[:2]] == [True, False]
    assert "you@" in api.asked[1].headers["User-Agent"]
