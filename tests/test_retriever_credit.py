"""The line that credits a picture."""

from dataclasses import replace

import pytest

from phrasepix_core.candidate import Candidate
from phrasepix_core.credit import card_credit, credit_line
from phrasepix_core.errors import WrongValueError
from retriever.commons.profile import COMMONS
from retriever.testing import made_candidate

UNSPLASH = made_candidate(
    "abc",
    source="unsplash",
    page_url="https://unsplash.example/photos/abc?utm_source=phrasepix&utm_medium=referral",
    tags=("boat",),
    creator="Some Body",
    creator_url="https://unsplash.example/@somebody?utm_source=phrasepix&utm_medium=referral",
    licence="Unsplash License",
    licence_url="https://unsplash.example/license",
    credit="Photo by Some Body on Unsplash",
    found_by="boat",
    credit_owed=True,
)
BY_SA = replace(
    UNSPLASH,
    source="openverse",
    title="A boat",
    page_url="https://photos.example/1",
    creator_url="https://photos.example/people/1",
    licence="CC BY-SA 4.0",
    licence_url="https://creativecommons.org/licenses/by-sa/4.0/",
    credit="whatever the source made of it",
)


def test_a_creative_commons_credit_has_title_author_source_and_licence() -> None:
    assert credit_line(BY_SA) == (
        "“A boat” (https://photos.example/1) by Some Body (https://photos.example/people/1), "
        "CC BY-SA 4.0 (https://creativecommons.org/licenses/by-sa/4.0/)"
    )
    assert credit_line(BY_SA, "markdown") == (
        "[“A boat”](https://photos.example/1) by [Some Body](https://photos.example/people/1), "
        "[CC BY-SA 4.0](https://creativecommons.org/licenses/by-sa/4.0/)"
    )


def test_a_source_is_credited_in_its_own_words_with_links_to_creator_and_page() -> None:
    page, creator = (url.replace("&", "&amp;") for url in (UNSPLASH.page_url, UNSPLASH.creator_url))
    assert credit_line(UNSPLASH, "html") == (
        f'Photo by <a href="{creator}">Some Body</a> on <a href="{page}">Unsplash</a>, '
        '<a href="https://unsplash.example/license">Unsplash License</a>'
    )
    assert credit_line(UNSPLASH, "markdown").startswith(
        f"Photo by [Some Body]({UNSPLASH.creator_url}) on [Unsplash]({UNSPLASH.page_url})"
    )


def test_the_line_that_people_paste_carries_no_remark() -> None:
    deed = "https://creativecommons.org/publicdomain/zero/1.0/"
    free = replace(BY_SA, licence="CC0 1.0", licence_url=deed, page_url="", creator_url="", credit_owed=False)
    assert credit_line(free) == f"“A boat” by Some Body, CC0 1.0 ({deed})"


def test_the_licensors_own_words_win_over_every_other_form() -> None:
    own = replace(BY_SA, attribution="Photo: S. Body / body.example")
    deed, page = BY_SA.licence_url, BY_SA.page_url
    assert credit_line(own) == f"Photo: S. Body / body.example ({page}), CC BY-SA 4.0 ({deed})"
    assert credit_line(own, "html") == (
        f'<a href="{page}">Photo: S. Body / body.example</a>, <a href="{deed}">CC BY-SA 4.0</a>'
    )


def test_a_licence_that_the_words_name_already_is_linked_and_not_said_twice() -> None:
    own = replace(BY_SA, attribution="S. Body, CC BY-SA 4.0, body.example")
    assert (
        credit_line(own)
        == f"S. Body ({BY_SA.page_url}), CC BY-SA 4.0 ({BY_SA.licence_url}), body.example ({BY_SA.page_url})"
    )
    other = replace(BY_SA, attribution="S. Body (CC BY-SA 4.0.1)")
    assert credit_line(other).endswith(f", CC BY-SA 4.0 ({BY_SA.licence_url})"), "it names another"


def test_terms_without_a_name_are_said_by_their_address() -> None:
    plain = replace(UNSPLASH, licence="", licence_url="https://example.org/terms", page_url="", creator_url="")
    assert credit_line(plain) == "Photo by Some Body on Unsplash, https://example.org/terms"


def test_a_picture_without_title_or_creator_is_credited_all_the_same() -> None:
    bare = replace(BY_SA, title="", creator="", licence_url="")
    assert credit_line(bare) == "Untitled picture (https://photos.example/1), CC BY-SA 4.0"
    assert credit_line(replace(UNSPLASH, creator="", credit="", licence="")).startswith("unsplash:abc (")


HOSTILE = [
    "<script>alert(1)</script>",
    "](javascript:alert(1)) [x",
    "**bold** `code` ~~gone~~",
    'a" onmouseover="x',
    "two\nlines\r\n\n# heading",
    "\u202egnp.txt\u2066",
    "http://elsewhere.example www.elsewhere.example a@elsewhere.example",
    "![x](http://elsewhere.example/x.png)",
    "\ud800 \x00 \x1b[31m",
    "x" * 5000,
]


@pytest.mark.parametrize("words", HOSTILE)
@pytest.mark.parametrize("candidate", [BY_SA, UNSPLASH], ids=["by-sa", "unsplash"])
def test_hostile_words_stay_words(candidate: Candidate, words: str) -> None:
    spoilt = replace(candidate, title=words, creator=words, credit=f"Photo by {words} on Unsplash", licence=words)
    for form in ("text", "markdown", "html"):
        line = credit_line(spoilt, form)
        line.encode()
        assert not set(line) & set("\n\r\x00\x1b\u202e\u2066")
        assert len(line) < 6000
    markdown, html = credit_line(spoilt, "markdown"), credit_line(spoilt, "html")
    assert "<script" not in markdown.replace("\\<", "")
    assert "](javascript" not in markdown.replace("\\]", "")
    assert " http://elsewhere" not in markdown
    assert "**bold" not in markdown
    assert "<script" not in html
    assert '" onmouseover' not in html


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "http://127.0.0.1:5000/x", "file:///etc/passwd", "https://[", ""]
)
def test_only_lasting_web_addresses_become_links(url: str) -> None:
    line = credit_line(replace(BY_SA, page_url=url, creator_url=url, licence_url=url), "html")
    assert "<a" not in line


def test_an_address_cannot_break_out_of_its_link() -> None:
    url = 'https://photos.example/a)b"c>d e\n[f'
    line = credit_line(replace(BY_SA, page_url=url), "markdown")
    assert line.startswith("[“A boat”](https://photos.example/a%29b%22c%3Ed%20e%0A[f) by")


def test_another_format_is_refused_by_name() -> None:
    with pytest.raises(WrongValueError, match="text, markdown, html"):
        credit_line(BY_SA, "latex")


CARDS = {
    "commons": (replace(BY_SA, credit="Some Body, CC BY-SA 4.0, via Wikimedia Commons"),
                "Some Body, CC BY-SA 4.0, via Wikimedia Commons"),
    "openverse": (replace(BY_SA, credit="\"A boat\" by Some Body is licensed under CC BY-SA 4.0. To view a copy of "
                          "this license, visit https://creativecommons.org/licenses/by-sa/4.0/?ref=openverse."),
                  "\"A boat\" by Some Body is licensed under CC BY-SA 4.0."),
    "openverse, marked": (replace(BY_SA, licence="CC0 1.0", licence_url="https://creativecommons.org/publicdomain/zero/1.0/",
                                  credit="\"A boat\" by Some Body is marked with CC0 1.0. To view the terms, visit https://x/."),
                          "\"A boat\" by Some Body is marked with CC0 1.0."),
    "unsplash": (UNSPLASH, "Photo by Some Body on Unsplash · Unsplash License"),
    "a folder's": (replace(UNSPLASH, source="folder", licence="CC BY 4.0", licence_url="https://cc.example/by/4.0/",
                           credit="Åse, © 2020 Åse, CC BY 4.0", page_url="file:///a.jpg", creator_url=""),
                   "Åse, © 2020 Åse, CC BY 4.0"),
    "a longer licence": (replace(BY_SA, licence="CC BY", credit="Some Body, CC BY-SA 4.0"),
                         "Some Body, CC BY-SA 4.0 · CC BY"),
    "no name of a licence": (replace(BY_SA, licence="", credit="Some Body"),
                             "Some Body · https://creativecommons.org/licenses/by-sa/4.0/"),
    "no licence": (replace(BY_SA, licence="", licence_url="", credit="Some Body"), "Some Body"),
    "no credit": (replace(BY_SA, credit=""), "CC BY-SA 4.0"),
    "nothing": (replace(BY_SA, credit="", licence="", licence_url=""), ""),
}  # fmt: skip


@pytest.mark.parametrize(("shown", "text"), CARDS.values(), ids=CARDS)
def test_a_card_says_the_licence_once_and_links_it(shown: Candidate, text: str) -> None:
    pieces = card_credit(shown)
    assert "".join(piece.text for piece in pieces) == text
    name = shown.licence or shown.licence_url
    assert [piece.url for piece in pieces if piece.text == name] == ([shown.licence_url] if name else [])


def test_a_credit_in_the_creators_own_words_names_the_licence_once() -> None:
    for said, credit in (
        ("Åse / CC BY-SA 4.0", "Åse / CC BY-SA 4.0, via Wikimedia Commons"),
        ("Åse, CC BY-SA 4.0-loving", "Åse, CC BY-SA 4.0-loving, CC BY-SA 4.0, via Wikimedia Commons"),
        ("", "an unnamed creator, CC BY-SA 4.0, via Wikimedia Commons"),
    ):
        assert COMMONS.credit_of(said, "CC BY-SA 4.0") == credit
