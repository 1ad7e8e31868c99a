"""Licences by the names and addresses that people copy; what is not one of them allows nothing."""

import pytest

from phrasepix_core.licence import licence_named
from phrasepix_core.text import unescaped
from retriever.commons.plain_text import PlainText

DEEDS = "https://creativecommons.org/licenses/"


@pytest.mark.parametrize(
    ("words", "name", "path"),
    [
        ("CC BY-NC 4.0 International", "CC BY-NC 4.0", "by-nc/4.0/"),
        ("cc-by-nd-3.0-at", "CC BY-ND 3.0 AT", "by-nd/3.0/at/"),
        ("Creative Commons Attribution-ShareAlike 2.5 India License", "CC BY-SA 2.5 IN", "by-sa/2.5/in/"),
        ("Creative Commons Attribution 3.0 Unported (CC BY 3.0)", "CC BY 3.0", "by/3.0/"),
        ("CC BY 3.0 IGO", "CC BY 3.0 IGO", "by/3.0/igo/"),
        ("CC BY 3.0,2.5,1.0", "CC BY 3.0,2.5,1.0", "by/3.0/"),
        ("CC BY-SA", "CC BY-SA", ""),
    ],
)
def test_a_known_form_is_recognised(words: str, name: str, path: str) -> None:
    licence = licence_named(words)
    assert (licence.name, licence.url) == (name, DEEDS + path if path else "")
    assert licence.commercial is ("NC" not in name)
    assert licence.modification is ("ND" not in name)


@pytest.mark.parametrize(
    "words",
    [
        "CC BY 4.0 for editors", "CC BY 4.0 FR", "CC BY 7.0", "CC BY-SA-ND 4.0", "CC BY 2.1", "By Sa 3.0", "PDK",
        "Public domain, except in Utopia", "CC0 or mine", "GFDL or CC BY-SA 3.0", "CC BY 4.0 (CC BY-NC 4.0)",
        "CC-licensed", "All rights reserved", "Attribution",
    ],
)  # fmt: skip
def test_a_name_with_an_unknown_word_stays_a_name(words: str) -> None:
    licence = licence_named(words)
    assert (licence.name, licence.url, licence.commercial, licence.modification) == (words, "", None, None)


@pytest.mark.parametrize(
    ("url", "name"),
    [
        (DEEDS + "by/2.0/deed.fr", "CC BY 2.0"),
        ("http://www.creativecommons.org/licenses/by-sa/3.0/nz/legalcode", "CC BY-SA 3.0 NZ"),
        (DEEDS + "by-nc-sa/4.0/?ref=x#top", "CC BY-NC-SA 4.0"),
        ("https://creativecommons.org/publicdomain/zero/1.0/deed.pt-br", "CC0 1.0"),
        (DEEDS + "by/4.0/nz/", ""),
        ("https://creativecommons.org.example/licenses/by/4.0/", ""),
        ("https://creativecommons.org@example.org/licenses/by/4.0/", ""),
    ],
)
def test_a_deed_is_recognised_in_every_spelling_of_its_address(url: str, name: str) -> None:
    licence = licence_named("", url)
    assert licence.name == name
    assert licence.commercial is (None if not name else "NC" not in name)
    assert name or licence.url == url, "no address is made up"


def test_a_name_and_a_deed_that_differ_allow_nothing() -> None:
    licence = licence_named("CC BY 4.0", DEEDS + "by-nc/4.0/")
    assert (licence.name, licence.commercial, licence.modification) == ("CC BY 4.0", None, None)


@pytest.mark.parametrize(("words", "address"), [("GFDL 1.3", "fdl-1.3.html"), ("Public domain", ""), ("GFDL", "")])
def test_what_is_free_in_another_way_is_known_and_no_address_made_up(words: str, address: str) -> None:
    licence = licence_named(words)
    assert (licence.name, licence.commercial, licence.modification) == (words, True, True)
    assert licence.url.endswith(address)
    assert bool(licence.url) is bool(address)


@pytest.mark.parametrize(
    ("text", "decoded"),
    [
        ("Tom &amp; Jerry", "Tom & Jerry"),
        ("&amp;lt;", "&lt;"),
        ("black&notwhite &unknown; AT&T", "black&notwhite &unknown; AT&T"),
        ("&#39;n&#x27; &eacute;", "'n' é"),
    ],
)
def test_entities_are_decoded_once(text: str, decoded: str) -> None:
    assert unescaped(text) == decoded


@pytest.mark.parametrize(
    ("html", "words"),
    [
        ('<b style="display: none"><p>gone</b>Ida', "Ida"),
        ("<p hidden>gone<p>Ida", "Ida"),
        ('<i style="visibility:hidden">gone</i></b></p>Ida', "Ida"),
        ('<span class="int-own-work" lang="sv">Eget arbete</span>', ""),
        ("Q&amp;A &amp;lt;", "Q&A &lt;"),
    ],
)
def test_what_is_hidden_hides_only_itself(html: str, words: str) -> None:
    assert PlainText(html).words == words
