"""The table on terminals of every width, and what it is made of."""

import io
import re
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import pytest
from PIL import Image
from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from docs.terminal_picture import ARGUMENTS, PICTURE, drawn
from phrasepix import Candidate, LiveResults, Phrase, Query
from phrasepix.live_results import LiveMatch
from phrasepix.results import Origin
from phrasepix.views.cells import at_spaces, between_words, in_the_middle
from phrasepix.views.gallery import gallery_cards
from phrasepix.views.order_in_words import order_in_words
from reranker.calibration import PartShown
from reranker.query import Example
from retriever.testing import made_candidate

WORDS = "a lighthouse-keeper polishing the extraordinarily large Fresnel lens, late 灯台守がレンズを磨く"


def candidate(**facts: object) -> Candidate:
    url = "https://pictures.example/photos/lighthouse-keepers-of-the-northern-coast-and-their-daily-work-4711/"
    known: dict[str, Any] = {
        "source": "pixabay", "page_url": url, "tags": tuple(WORDS.replace(",", "").split()), "creator": "Ólafur J.",
        "found_by": "lighthouse",
    }  # fmt: skip
    return made_candidate(4711, **known | facts)


def results(*candidates: Candidate, diverse: float = 0.0, query: Query | None = None) -> LiveResults:
    matches = tuple(
        LiveMatch(rank, 0.3, one, Image.new("RGB", (4, 4)), stands_out=0.2, fit="weak", share=0.1, penalty=0.1)
        for rank, one in enumerate(candidates, start=1)
    )
    origins = (Origin("pixabay", "Pixabay", "Pictures from Pixabay"),)
    return LiveResults(WORDS, ("lighthouse",), origins, "ViT-B-32/laion2b", matches, diverse=diverse, query=query)


def printed(shown: LiveResults, width: int, *, is_terminal: bool = False) -> str:
    with io.StringIO() as file:
        colours: Literal["standard"] | None = "standard" if is_terminal else None
        Console(file=file, width=width, force_terminal=is_terminal, color_system=colours).print(shown)
        return file.getvalue()


def test_all_that_a_total_is_made_of_leaves_the_picture_its_place_in_sixty_columns() -> None:
    minus = Query((Phrase(WORDS),), (Phrase("people with umbrellas"),))
    shown = results(candidate(), query=minus)
    (match,) = shown.matches
    told = printed(replace(shown, matches=(replace(match, score=-0.25, nearness=0.2, bonus=0.05),)), 60)
    lines = told.splitlines()
    assert max(map(cell_len, lines)) <= 60
    for part in ("−0.250", "penalty  −0.100", "nearness −0.200", "words    +0.050"):
        assert sum(part in line for line in lines) == 1, part
    assert "pixabay:4711 by Ólafur J." in told
    assert "extraordinarily" in told


def test_a_part_of_the_phrase_is_shown_only_with_what_is_known_of_it() -> None:
    shown = results(candidate())
    (match,) = shown.matches
    parts = (PartShown("a lens", -1.25), PartShown("a keeper", None), PartShown("late", 2.0, "clear", 0.9))
    told = printed(replace(shown, matches=(replace(match, parts=parts),)), 100)
    assert "a lens −1.2 σ · late clear" in told
    assert "a keeper" not in told
    cards = gallery_cards(replace(shown, matches=(replace(match, parts=parts),)))
    assert "−1.2 σ</span>" in cards
    assert "a keeper" not in cards


@pytest.mark.parametrize("width", range(60, 121, 5))
def test_no_line_is_wider_than_the_terminal_and_no_word_is_broken(width: int) -> None:
    minus = Query((Phrase(WORDS),), (Phrase("people with umbrellas"),))
    folder = candidate(source="folder", relative_path="Reykjanesbær 2019/raw/IMG_20190704_very-long-name_灯台.jpg")
    shown = printed(results(candidate(), folder, query=minus, diverse=0.5), width)
    assert max(map(cell_len, shown.splitlines())) <= width
    words = set(re.findall(r"[^\s…]+", shown))
    for word in (*WORDS.replace(",", "").split(), "extraordinarily", "Ólafur", "pixabay:4711"):
        if word.isascii():
            assert any(word in one for one in words), (word, width)


def test_an_address_is_told_by_its_ends_and_a_path_is_broken_behind_its_separators() -> None:
    (short,) = in_the_middle(Text("https://pictures.example/photos/a-very-long-name-4711/"), 30)
    assert short.cell_len <= 30
    assert short.plain.startswith("https://pict")
    assert short.plain.endswith("4711/")
    assert [line.plain for line in between_words(Text("holidays/2019/northern-coast.jpg"), 16)] == [
        "holidays/2019/",
        "northern-",
        "coast.jpg",
    ]
    assert [line.plain for line in between_words(Text("灯台守灯台守灯台守"), 8)] == ["灯台守灯", "台守灯台", "守"]
    assert [line.plain for line in at_spaces(Text("see /a/path/that/stays/whole now"), 12)] == [
        "see",
        "/a/path/that/stays/whole",
        "now",
    ]


def test_weak_has_the_terminals_own_colour_and_pages_are_links() -> None:
    shown = printed(results(candidate()), 100, is_terminal=True)
    line = next(line for line in shown.splitlines() if "weak" in line)
    before = line[: line.index("weak")]
    assert not re.search(r"\x1b\[[0-9;]*m", before.rpartition("\x1b[0m")[2]), "weak is coloured or dimmed"
    assert "\x1b]8;id=" in shown or "\x1b]8;;" in shown
    assert candidate().page_url in shown


def test_a_folders_picture_is_called_by_its_path_and_so_are_those_alike() -> None:
    one = candidate(
        source="folder",
        id="f" * 24,
        tags=(),
        title="door",
        relative_path="red/door.jpg",
        page_url="file:///home/anna/red/door.jpg",
    )
    twin = candidate(source="folder", id="e" * 24, relative_path="copies/the door.jpg")
    match = LiveMatch(1, 0.3, one, Image.new("RGB", (4, 4)), siblings=(twin,))
    shown = printed(LiveResults("a door", (), (), "m", (match,)), 80)
    assert "red/door.jpg" in shown
    assert "+1 alike: copies/the door.jpg" in shown
    assert "ffff" not in shown
    assert "eeee" not in shown


def test_the_order_is_explained_where_it_is_not_the_plain_one() -> None:
    picture = Example(Image.new("RGB", (4, 4)), title="storm.jpg")
    phrase = Phrase("a pier")
    assert results(candidate(), query=Query((phrase,))).order == []
    assert results(query=Query((picture,))).order == ["Ordered by likeness to the picture, which is left out itself."]
    (both,) = order_in_words(results(query=Query((phrase, picture))))
    assert both.startswith("Ordered by the phrase and the picture together")
    (minus,) = order_in_words(results(query=Query((phrase,), (Phrase("rain"),))))
    assert minus.startswith("Ranks go by score less penalty")
    (spread,) = order_in_words(results(query=Query((phrase,)), diverse=0.25))
    assert spread.startswith("Spread (0.25 of 1)")
    liked = Example(Image.new("RGB", (4, 4)), title="one", stays=True)
    moved = order_in_words(results(query=Query((phrase, liked), (liked_other(),))))
    assert moved == ["Moved towards the 1 preferred and away from the 1 avoided."]


def liked_other() -> Example:
    return Example(Image.new("RGB", (5, 5)), title="other", stays=True)


def test_the_picture_of_the_terminal_shows_the_command_and_loads_nothing() -> None:
    svg = PICTURE.read_text(encoding="utf-8")
    assert len(svg) < 40_000
    assert ARGUMENTS[0].replace(" ", "&#160;") in svg
    for one in (svg, drawn("\x1b[32mclear\x1b[0m \x1b]8;;https://x.example\x1b\\page\x1b]8;;\x1b\\\n")):
        assert not re.search(r"url\((?!#)|href=|@import|src=", one)
    assert Path("docs/terminal.svg").name in (PICTURE.parents[1] / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "page", ["https://x.example/a b not a style", "https://x.example/\x1b]0;title\x07", "javascript:x"]
)
def test_an_address_that_would_end_its_link_is_no_link(page: str) -> None:
    shown = printed(results(candidate(page_url=page)), 100, is_terminal=True)
    assert "pixabay:4711" in shown
    assert "\x1b]8;" not in shown
    assert "\x1b]0;" not in shown
