"""Words as people paste them: hidden characters, several tags in one text, phrases without an end."""

import unicodedata
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from phrasepix import find_images
from phrasepix.cli.galleries import place_for_gallery
from phrasepix.saving.filenames import hyphenated
from phrasepix.tags import derived_tags, language_of
from phrasepix.views.gallery import gallery_page
from phrasepix.views.terminal import results_table
from phrasepix_core.credit import credit_line
from reranker import ClipReranker
from reranker.baseline_prompts import NEUTRAL_PHRASES
from reranker.encoder import Embeddings
from reranker.errors import WrongQueryError
from reranker.query import Phrase, Query
from reranker.testing import ColourEncoder
from retriever.errors import WrongParameterError
from retriever.filtering import fits
from retriever.filters import Filters
from tests.picture_server import candidate, stripes
from tests.test_phrase_language import Recording

HIDDEN = "\ufeffa r\u00aded bo\u200bat\u202c by the\u2060 caf\u0065\u0301"
PLAIN = "a red boat by the café"


class Noting(ColourEncoder):
    """Notes which texts it is given."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def encode_texts(self, texts: Sequence[str]) -> Embeddings:
        self.texts += texts
        return super().encode_texts(texts)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "pictures"
    place.mkdir()
    for number, colour in enumerate(["red", "blue", "green"]):
        stripes([colour, "white"]).save(place / f"{number} {colour}.png")
    return place


def test_a_phrase_with_hidden_characters_is_the_phrase_without_them(folder: Path) -> None:
    encoder = Noting()
    plain, hidden = (find_images(one, minus="blue", source=folder, model=encoder) for one in (PLAIN, HIDDEN))
    assert hidden.phrase == plain.phrase == PLAIN
    assert [(one.score, one.penalty) for one in hidden] == [(one.score, one.penalty) for one in plain]
    assert encoder.texts.count(PLAIN) == 1  # what is remembered of the one is remembered of the other
    assert HIDDEN not in encoder.texts


def test_stage_2_alone_reads_hidden_characters_as_nothing() -> None:
    encoder = Noting()
    with ClipReranker(encoder) as reranker:
        reranker.rerank(HIDDEN, [])
        reranker.rerank(Query((Phrase(HIDDEN),), (Phrase("bl\u00adue"),)), [])
        reranker.prepare(Query.of_phrase(HIDDEN))
    assert set(encoder.texts) - set(NEUTRAL_PHRASES) <= {PLAIN, "blue"}


def test_what_is_wanted_and_not_wanted_is_compared_as_it_looks() -> None:
    with pytest.raises(WrongQueryError, match="both wanted and not wanted"):
        Query((Phrase(PLAIN),), (Phrase(HIDDEN.upper()),))


@pytest.mark.parametrize("phrase", ["\u200b", " \u00ad\ufeff ", "\u3164", "\n"])
def test_a_phrase_of_nothing_that_is_seen_is_empty(phrase: str) -> None:
    with pytest.raises(WrongQueryError, match="the phrase is empty"):
        find_images(phrase, source="sample", model=ColourEncoder())
    with pytest.raises(WrongQueryError, match="not wanted is empty"):
        find_images("a boat", minus=phrase, source="sample", model=ColourEncoder())


def test_tags_are_found_in_what_is_seen() -> None:
    assert derived_tags("two r\u00aded bo\u200bats at night") == derived_tags("two red boats at night")
    assert language_of("ein Ti\u00adger spielt im Schn\u00adee") == "de"


# --- several tags in one text


@pytest.mark.parametrize(
    ("tag", "asked"),
    [
        ("boat, house", ["boat", "house"]),
        (["boat,house", "tree"], ["boat", "house", "tree"]),
        ("船，房子", ["船", "房子"]),
        ("船、家", ["船", "家"]),
        ("قارب، بيت", ["قارب", "بيت"]),
        ("boat; house；tree؛ sea", ["boat", "house", "tree", "sea"]),
        ("boat, boat,, bo\u00adat ,", ["boat"]),
        ("red boat", ["red boat"]),
        ("rock'n'roll/jazz-club", ["rock'n'roll/jazz-club"]),
        ("cafe\u0301", ["café"]),
    ],
)
def test_commas_and_semicolons_set_tags_apart(tag: str | list[str], asked: list[str]) -> None:
    source = Recording()
    results = find_images("a boat", tag=tag, source=source, filters=Filters(language="en"), model=ColourEncoder())
    assert [one for one, _ in source.asked] == asked
    assert list(results.tags) == asked


@pytest.mark.parametrize("tag", ["", ",", " ， ;", "\u200b", ["boat", ","]])
def test_a_tag_of_nothing_is_an_error(tag: str | list[str]) -> None:
    with pytest.raises(WrongParameterError, match="the tag is empty"):
        find_images("a boat", tag=tag, source=Recording(), model=ColourEncoder())


# --- names, titles, credits


def test_a_folders_files_are_found_and_named_by_what_is_seen(tmp_path: Path) -> None:
    for name in ("ro\u00adtes Bo\u200bot", unicodedata.normalize("NFD", "Boot im Café")):
        (tmp_path / "own").mkdir(exist_ok=True)
        stripes([(name[:1] == "r" and "red") or "blue"]).save(tmp_path / "own" / f"{name}.png")
    results = find_images("a red boat", tag="bo\u00adot", source=tmp_path / "own", model=ColourEncoder())
    assert results[0].candidate.title == "rotes Boot"
    assert len(results) == 2
    assert len(find_images("a boat", tag="café", source=tmp_path / "own", model=ColourEncoder())) == 1


def test_a_creator_is_compared_as_the_name_looks() -> None:
    made = replace(candidate(1, "https://site.example/1.png"), creator="Mi\u00adra Be\u0301zier")
    for wanted in ("mira bézier", "Mira\u200b Be\u0301zier"):
        assert fits(made, Filters(creator=wanted), asked=(), told=("creator",))


def test_credits_name_people_as_they_are_seen() -> None:
    made = replace(
        candidate(1, "https://site.example/1.png"),
        licence="CC BY 4.0", title="خانه\u200cها 👩\u200d🌾\ufeff", creator="Mi\u00adra\u202e Zoë",
    )  # fmt: skip
    line = credit_line(made)
    assert "“خانه\u200cها 👩\u200d🌾”" in line
    assert " by Mira Zoë " in line


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("rotes Bo\u00adot\u200b", "rotes-Boot"),
        ("خانه\u200cها", "خانه\u200cها"),
        ("❤\ufe0f", ""),
        ("👩\u200d🌾 im Feld", "im-Feld"),
        ("\u202eboat", "boat"),
        ("\U000e0061\U000e0062", ""),
    ],
)
def test_names_of_files_hold_nothing_hidden(text: str, name: str) -> None:
    assert hyphenated(text, 40) == name


# --- phrases without an end


def test_an_overlong_phrase_is_quoted_in_short(folder: Path) -> None:
    phrase = "a red boat " * 3000
    results = find_images(phrase, source=folder, model=ColourEncoder())
    assert results.phrase == phrase.strip()  # said whole where it is data
    assert len(repr(results)) < 300
    page = gallery_page(results)
    assert page.count("a red boat") < 60
    assert "a red boat" in page
    assert len(str(results_table(results).renderables[0])) < 400
    assert len(place_for_gallery(phrase).name) < 150
    with pytest.raises(WrongQueryError) as caught:
        Query((Phrase(phrase),), (Phrase(phrase),))
    assert len(str(caught.value)) < 200
    with pytest.raises(WrongParameterError) as refused:
        derived_tags("of the " * 3000)
    assert len(str(refused.value)) < 300
