"""Text as it is shown, compared and encoded: nothing invisible, and all that is seen."""

import unicodedata

import pytest

from phrasepix_core.text import printable, printable_lines, same_text, shortened, without_invisible

GONE = {
    "soft hyphen": "\u00ad",
    "zero-width space": "\u200b",
    "byte order mark": "\ufeff",
    "word joiner": "\u2060",
    "left-to-right mark": "\u200e",
    "Arabic letter mark": "\u061c",
    "right-to-left override": "\u202e",
    "isolate": "\u2067\u2069",
    "invisible plus": "\u2064",
    "grapheme joiner": "\u034f",
    "Hangul filler": "\u3164",
    "tag letters": "\U000e0074\U000e0061",
    "stray selector": "\ufe0f",
    "many selectors": "\U000e0101\U000e0155",
    "annotation": "\ufff9\ufffb",
    "joiner between Latin letters": "\u200d",
}


@pytest.mark.parametrize("what", GONE)
def test_what_is_invisible_goes_without_a_trace(what: str) -> None:
    hidden = GONE[what]
    assert without_invisible(f"light{hidden}house") == "lighthouse"
    assert printable(f"{hidden}old {hidden}lighthouse{hidden}") == "old lighthouse"


@pytest.mark.parametrize(
    "seen",
    [
        "خانه\u200cها",  # Persian: houses
        "ක්\u200dෂ",  # Sinhala: one letter of two
        "শ্\u200cর",
        "👩\u200d🔬",
        "🧑🏿\u200d🚒",
        "❤\ufe0f\u200d🩹",
        "☀\ufe0f",
        "©\ufe0f",
        "3\ufe0f\u20e3",
        "🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f",  # Scotland's flag
        "辻\U000e0101",  # one of the two ways to write that name
        "\u06dd١",  # Unicode calls it a format character, and it is seen
        "\U0001fae9",  # younger than some Pythons
    ],
)
def test_what_is_seen_stays(seen: str) -> None:
    assert without_invisible(seen) == seen
    assert printable(f"a {seen} b") == f"a {seen} b"


def test_joiners_at_the_ends_of_words_go() -> None:
    assert without_invisible("\u200cخانه\u200d \u200d👩 👩\u200d.") == "خانه 👩 👩."


def test_many_joiners_are_one() -> None:
    assert without_invisible("خانه" + "\u200c" * 5 + "ها") == "خانه\u200cها"


def test_it_is_done_when_it_is_done_once() -> None:
    parts = [*GONE.values(), "\u200c", "\ufe0e", "👩", "خ", "a", "1", "辻", "\u20e3", "🏴", "\U000e007f"]
    for one in parts:
        for other in parts:
            text = without_invisible(f"{one}{other}{one}{other}")
            assert without_invisible(text) == text


def test_long_runs_of_hidden_characters_take_no_long_time() -> None:
    assert without_invisible("é" + "\u200d\ufe0f\u200b" * 300_000 + "é") == "éé"


def test_controls_become_spaces() -> None:
    assert printable("a\x1b[2Jb\nc\u2028d\ud800e\x9bf\u00a0g\u2800h") == "a [2Jb c d e f g h"


def test_lines_keep_their_breaks_and_steer_nothing() -> None:
    assert printable_lines("  two:\n\tred\x1b]0;x\x07\u202e boats\x9b") == "  two:\n\tred ]0;x  boats "


def test_the_same_looks_are_the_same_text() -> None:
    composed = "Café Ångström 한국"
    assert same_text(unicodedata.normalize("NFD", composed)) == composed
    assert same_text(f"\ufeff{composed}\u200b\n") == composed


def test_a_long_text_is_quoted_in_short() -> None:
    assert shortened("a boat", 6) == "a boat"
    assert shortened("a boat at night", 7) == "a boat…"
