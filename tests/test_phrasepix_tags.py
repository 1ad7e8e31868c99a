"""Searches without a tag: which tags a phrase gives, and how sources are asked for them."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from importlib.resources import files
from itertools import chain
from pathlib import Path

import pytest

from benchmarks.tag_finding import EVERYDAY, measure
from phrasepix import find_images
from phrasepix.sample.site import StockSite
from phrasepix.searching.tag_strategies import FixedTags, LastChunk, TagLog, TagsFromPhrase
from phrasepix.tags import DerivedTag, derived_tags
from phrasepix.tags.lexicon import english_word
from phrasepix.tags.phrase_parts import parts_of_phrase
from phrasepix_core.candidate import Candidate
from reranker.testing import ColourEncoder
from retriever import PixabayRetriever
from retriever.errors import AnswerNotKeptError, SourceAnswerError, WrongParameterError
from retriever.filters import NO_FILTERS, Filters
from retriever.protocol import Page
from retriever.testing import ListRetriever, made_candidate
from tests.first_often import first_often
from tests.picture_tree import picture, write
from tests.servers import ScriptedServer, as_json, hit
from training.measure import sample_phrases


def tags(phrase: str, language: str = "en") -> list[str]:
    """Those that are asked in any case."""
    return [one.tag for one in derived_tags(phrase, language) if not one.instead_of]


def substitutes(phrase: str, language: str = "en") -> dict[str, str]:
    return {one.instead_of: one.tag for one in derived_tags(phrase, language) if one.instead_of}


def candidate(number: int, *tagged: str) -> Candidate:
    return made_candidate(number, tags=tagged)


class Paged:
    """Answers `pages` for each tag and notes which were asked for; of a list nothing more is told."""

    name = "list"

    def __init__(self, answers: dict[str, list[list[Candidate] | Page | Exception]]) -> None:
        self._answers = answers
        self.asked: list[str] = []

    def pages(self, tag: str, *, limit: int, filters: Filters) -> Iterator[Iterable[Candidate]]:
        for page in self._answers.get(tag, [[]]):
            self.asked.append(tag)
            if isinstance(page, Exception):
                raise page
            found = [replace(one, found_by=tag) for one in page]
            yield Page(found, page.offered, page.total, is_last=page.is_last) if isinstance(page, Page) else found

    def retrieve(self, tag: str, *, limit: int, filters: Filters) -> Iterator[Candidate]:
        for page in self.pages(tag, limit=limit, filters=filters):
            yield from page


TIGER = derived_tags("a tiger playing in the snow")


def ask(source: Paged | ListRetriever, found: TagsFromPhrase, limit: int = 200) -> tuple[list[Candidate], TagLog]:
    record = TagLog()
    return list(chain.from_iterable(found.chunks(source, limit, NO_FILTERS, record))), record


def few(first: int, count: int = 3) -> list[Candidate]:
    return [candidate(number) for number in range(first, first + count)]


# -- tags that were given ----------------------------------------------------------------------------------------------


def last_chunks(pages: list[list[Candidate] | Page | Exception], *tags: str, limit: int = 200) -> list[bool]:
    """Of each chunk that a source with those pages gives for the tags: whether it says that it is the last."""
    chunks = FixedTags(tags).chunks(Paged(dict.fromkeys(tags, pages)), limit, NO_FILTERS, TagLog())
    return [isinstance(chunk, LastChunk) for chunk in chunks]


def test_a_chunk_says_that_it_is_the_last_where_the_source_or_the_limit_does() -> None:
    assert last_chunks([Page(few(0), 3), Page(few(3), 3, is_last=True)], "boat") == [False, True]
    assert last_chunks([Page(few(0), 3), Page(few(3), 3)], "boat", limit=6) == [False, True]
    assert last_chunks([Page(few(0), 3)], "boat") == [False]
    assert last_chunks([few(0)], "boat", limit=3) == [False, False, True]
    assert last_chunks([Page(few(0), 3, is_last=True)], "boat", "ship") == [False, True]


# -- what a phrase gives -----------------------------------------------------------------------------------------------


def test_tags_come_narrow_to_broad_and_nouns_first() -> None:
    assert tags("a tiger playing in the snow") == ["tiger", "snow", "playing"]
    assert tags("A man holding a surfboard in a room")[:3] == ["surfboard", "room", "man"]
    assert tags("a taxi and bus")[:2] == ["bus", "taxi"]


def test_forms_of_verbs_and_adjectives_come_behind_every_noun() -> None:
    found = derived_tags("a cat sits surrounded by flat stones while children are playing")
    likely = [one.tag for one in found if not one.instead_of and one.likelihood > 0.5]
    assert {*likely} == {"cat", "stones", "children"}


def test_colours_and_times_of_day_are_asked_last_and_words_for_pictures_never() -> None:
    assert tags("a photo of two red boats and 3 yellow cars") == ["boats", "cars", "red", "yellow"]
    assert tags("two red boats at night in the rain") == ["boats", "rain", "red", "night"]


def test_adjectives_of_weather_give_the_noun() -> None:
    assert "rain" in tags("a bus on a rainy day")


def test_a_thing_that_stop_word_lists_have_is_a_thing() -> None:
    assert tags("a man in a room") == ["room", "man"]
    assert tags("Ein Mann auf dem Weg", "de") == ["Mann", "Weg"]


def test_a_broader_word_stands_in_for_a_narrow_one() -> None:
    assert substitutes("a kitten on a sofa")["kitten"] == "cat"
    assert substitutes("three sparrows")["sparrows"] == "bird"
    assert substitutes("Ein Leuchtturm", "de")["Leuchtturm"] == "Turm"


@pytest.mark.parametrize(
    ("form", "lemma", "is_thing"),
    [
        ("men", "man", True),
        ("women", "woman", True),
        ("geese", "goose", True),
        ("leaves", "leaf", True),
        ("kites", "kite", True),
        ("building", "building", True),
        ("sitting", "sit", False),
        ("stands", "stand", False),
        ("riding", "ride", False),
        ("surrounded", "surround", False),
        ("happier", "happy", False),
    ],
)
def test_english_forms_lead_to_their_word(form: str, lemma: str, is_thing: bool) -> None:
    word = english_word(form)
    assert word is not None
    assert (word.lemma, word.is_thing) == (lemma, is_thing)


def test_what_is_no_english_word_is_none() -> None:
    assert [english_word(one) for one in ("xqzzv", "", "Löwe", "-", "zzzz", "a\tb")] == [None] * 6


def test_the_table_of_words_is_sorted_small_and_says_whose_it_is() -> None:
    table = files("phrasepix.tags").joinpath("english.tsv").read_bytes()
    words = [line.partition(b"\t")[0] for line in table.splitlines()]
    assert words == sorted(set(words))
    assert len(table) < 3_000_000
    assert "WordNet 3.0 Copyright" in files("phrasepix.tags").joinpath("english.LICENSE.txt").read_text("utf-8")


def test_a_phrase_of_one_weak_word_is_that_tag() -> None:
    assert tags("night") == ["night"]
    assert tags("red") == ["red"]


@pytest.mark.parametrize(
    ("language", "phrase", "expected"),
    first_often(
        2,
        [
            ("de", "ein alter Fischer flickt im Morgengrauen seine Netze", ["Fischer", "Netz"]),
            ("fr", "deux bateaux rouges la nuit sous la pluie", ["bateau", "pluie"]),
            ("es", "un niño comiendo una naranja en la playa", ["niño", "playa"]),
            ("it", "due barche rosse di notte sotto la pioggia", ["barca", "pioggia"]),
            ("ru", "тигр играет в снегу", ["тигр", "снег"]),
            ("zh", "老虎", ["老虎"]),
        ],
    ),
)
def test_other_languages_have_their_own_stop_words_and_dictionaries(
    language: str, phrase: str, expected: list[str]
) -> None:
    assert tags(phrase, language)[: len(expected)] == expected


@pytest.mark.parametrize(
    ("phrase", "language"),
    [
        ("the of and", "en"),
        ("42", "en"),
        ("🐯🐯", "en"),
        ("…", "en"),
        ("雪の中で遊ぶ虎", "ja"),
        ("tiger", "xx"),
        ("der die", "de"),
    ],
)
def test_a_phrase_without_a_tag_is_an_error_that_names_the_way_out(phrase: str, language: str) -> None:
    with pytest.raises(WrongParameterError, match='tag="tiger"'):
        derived_tags(phrase, language)


@pytest.mark.slow
def test_every_tag_can_be_sent_and_comes_once() -> None:
    for language, phrase in (*EVERYDAY, ("en", "x" * 500 + " boats, boats & boats"), ("hi", "बर्फ में खेलता बाघ")):
        found = [one.tag for one in derived_tags(phrase, language)]
        assert len({one.lower() for one in found}) == len(found)
        assert all(one == " ".join(one.split()) and len(one) <= 100 for one in found)


# -- how sources are asked ---------------------------------------------------------------------------------------------


def test_each_candidate_comes_once_and_says_which_tag_found_it() -> None:
    source = Paged({"tiger": [few(0, 5)], "snow": [few(4, 3)]})
    found, record = ask(source, TagsFromPhrase(TIGER))
    assert [one.found_by for one in found] == ["tiger"] * 5 + ["snow"] * 2
    assert [(one.tag, one.brought) for one in record.so_far()] == [("tiger", 5), ("snow", 2), ("playing", 0)]


def test_on_a_small_site_each_word_is_asked_by_itself() -> None:
    source = Paged({"tiger": [Page(few(0, 9), 9, 9)], "snow": [Page(few(9, 20), 20, 20)]})
    ask(source, TagsFromPhrase(TIGER))
    assert source.asked == ["tiger", "snow", "playing"]


def test_on_a_large_site_words_are_joined_until_an_answer_holds_what_there_is() -> None:
    source = Paged(
        {
            "tiger": [Page(few(0, 10), 10, 30_000)],
            "tiger snow": [Page(few(10, 10), 10, 800)],
            "tiger snow playing": [Page(few(20, 6), 6, 6)],
        }
    )
    ask(source, TagsFromPhrase(TIGER), limit=10)
    assert source.asked[:3] == ["tiger", "tiger snow", "tiger snow playing"]


def test_what_an_answer_has_brought_whole_is_not_narrowed() -> None:
    source = Paged({"tiger": [Page(few(0, 5), 5, 5)], "snow": [Page(few(5, 10), 10, 5000)]})
    ask(source, TagsFromPhrase(TIGER), limit=10)
    assert "tiger snow" not in source.asked


def test_no_more_is_asked_when_there_are_enough_and_nothing_is_worth_it() -> None:
    boats = derived_tags("a lighthouse at night")
    source = Paged({"lighthouse": [Page(few(0, 10), 10, 10)]})
    assert len(ask(source, TagsFromPhrase(boats), limit=10)[0]) == 10
    assert source.asked[0] == "lighthouse"
    plain = [DerivedTag("tiger"), DerivedTag("it", likelihood=0.01)]
    source = Paged({"tiger": [Page(few(0, 10), 10, 10)]})
    ask(source, TagsFromPhrase(plain), limit=10)
    assert source.asked == ["tiger"]
    source = Paged({"tiger": [Page(few(0, 3), 3, 3)]})
    ask(source, TagsFromPhrase(plain), limit=10)
    assert source.asked == ["tiger", "it"], "too few have come"


def test_a_limit_that_caps_leaves_room_for_narrower_answers() -> None:
    source = Paged({"tiger": [Page(few(0, 8), 8, 9000)], "tiger snow": [Page(few(100, 4), 4, 4)]})
    found, _ = ask(source, TagsFromPhrase(TIGER, is_cap=True), limit=8)
    assert len(found) == 8
    assert [one.found_by for one in found].count("tiger snow") == 4


def test_the_budget_is_kept_and_the_rest_of_it_goes_to_second_pages() -> None:
    first, second = Page(few(0), 3, 6), Page(few(10), 3, 6, is_last=True)
    for requests, asked in ((1, ["tiger"]), (2, ["tiger", "tiger"])):
        source = Paged({"tiger": [first, second]})
        ask(source, TagsFromPhrase([DerivedTag("tiger")], requests))
        assert source.asked == asked
    source = Paged({"tiger": [first, second]})
    ask(source, TagsFromPhrase([DerivedTag("tiger")], 9))
    assert source.asked == ["tiger", "tiger"], "there are no more"


def test_a_broader_word_is_asked_only_where_the_narrower_brought_nothing() -> None:
    both = [DerivedTag("kitten"), DerivedTag("cat", instead_of="kitten")]
    source = Paged({"kitten": [few(0)], "cat": [few(3)]})
    ask(source, TagsFromPhrase(both))
    assert source.asked == ["kitten"]
    source = Paged({"cat": [few(3)]})
    ask(source, TagsFromPhrase(both))
    assert source.asked == ["kitten", "cat"]


def test_tags_whose_answers_are_not_kept_are_named_and_the_others_answer() -> None:
    source = Paged({"tiger": [AnswerNotKeptError("not kept")], "snow": [few(0)]})
    found, record = ask(source, TagsFromPhrase(TIGER))
    assert len(found) == 3
    assert record.so_far()[0].problem == "not kept on this machine"
    with pytest.raises(AnswerNotKeptError):
        ask(Paged({one.tag: [AnswerNotKeptError("not kept")] for one in TIGER}), TagsFromPhrase(TIGER))


def test_a_source_that_fails_later_keeps_what_came(caplog: pytest.LogCaptureFixture) -> None:
    broken = SourceAnswerError("broken", status=500, text="")
    found, _ = ask(Paged({"tiger": [few(0)], "snow": [broken]}), TagsFromPhrase(TIGER))
    assert len(found) == 3
    assert "going on with the 3 pictures" in caplog.text
    with pytest.raises(SourceAnswerError):
        ask(Paged({"tiger": [broken]}), TagsFromPhrase(TIGER))


def test_a_retriever_without_pages_is_asked_tag_by_tag() -> None:
    source = ListRetriever([candidate(1, "tiger"), candidate(2, "snow"), candidate(3, "tiger", "snow")])
    found, record = ask(source, TagsFromPhrase(TIGER))
    assert [one.id for one in found] == ["1", "3", "2"]
    assert [one.brought for one in record.so_far()] == [2, 1, 0]


def test_what_matches_is_pixabays_total_and_not_what_can_be_reached(
    api: ScriptedServer, connect: Callable[..., PixabayRetriever]
) -> None:
    api.steps.append(as_json({"total": 31_000, "totalHits": 500, "hits": [hit(1)]}))
    page = next(connect(api).pages("tiger", limit=1, filters=NO_FILTERS))
    assert isinstance(page, Page)
    assert (page.offered, page.total, page.is_last) == (1, 31_000, False)


# -- the whole search --------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_the_sample_is_searched_without_a_tag() -> None:
    results = find_images("two red boats at night in the rain", source="sample", top=3)
    assert {"boat", "night", "rain"} <= set(results[0].candidate.tags)
    assert results[0].candidate.found_by == "boats"
    assert results.tags == ("boats", "rain", "red", "night")
    assert sum(one.brought for one in results.asked) == results.pool_size
    assert json.loads(results.to_json())["asked"][0] == {
        "source": "sample",
        "tag": "boats",
        "brought": results.asked[0].brought,
        "problem": "",
    }
    assert "tagged boats, rain, red, night" in repr(results)


def test_a_site_gets_no_more_requests_than_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    with StockSite() as site:
        monkeypatch.setenv("PIXABAY_API_URL", site.api_url)
        monkeypatch.setenv("PIXABAY_API_KEY", site.key)
        for requests in (1, 2):
            before = site.served["api"]
            find_images(
                f"a kitten on the beach at night in fog {requests}",
                requests=requests,
                model=ColourEncoder(),
                source="pixabay",
                filters=Filters(min_width=requests),
            )
            assert site.served["api"] - before == requests
        with pytest.raises(WrongParameterError, match="requests 0"):
            find_images("a kitten", requests=0, source="pixabay")


@pytest.mark.slow
def test_several_given_tags_say_what_each_brought() -> None:
    results = find_images("a red boat", tag=["boat", "rain"], source="sample", model=ColourEncoder(), top=1)
    assert [one.tag for one in results.asked] == ["boat", "rain"]
    assert sum(one.brought for one in results.asked) == results.pool_size


def test_a_folder_beside_a_site_is_looked_through_as_a_whole(tmp_path: Path) -> None:
    write(tmp_path / "pictures" / "unnamed.png", picture(1))
    results = find_images("a boat", source=["sample", tmp_path / "pictures"], model=ColourEncoder(), top=500, limit=5)
    assert "folder" in {match.candidate.source for match in results}
    assert {one.source for one in results.asked} == {"sample"}


def test_a_phrase_of_stop_words_is_an_error_for_a_site_and_none_for_a_folder(tmp_path: Path) -> None:
    write(tmp_path / "pictures" / "a.png", picture(1))
    assert len(find_images("the of and", source=tmp_path / "pictures", model=ColourEncoder())) == 1
    with pytest.raises(WrongParameterError, match='tag="tiger"'):
        find_images("the of and", source="sample", model=ColourEncoder())


@pytest.mark.slow
def test_the_command_says_on_stderr_what_was_asked_and_what_it_brought() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "phrasepix", "a red boat in the rain", "--source", "sample", "--limit", "20", "--json"],
        capture_output=True, text=True, timeout=120, env=os.environ | {"COLUMNS": "200", "PYTHONIOENCODING": "utf-8"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    first, *others = json.loads(done.stdout)["asked"]
    assert first["tag"] == "boat"
    assert first["brought"] + sum(one["brought"] for one in others) == 20
    new = "".join(f", {one['tag']} ({one['brought']}{' new' if one['brought'] else ''})" for one in others)
    line = f"Asked the built-in sample: boat ({first['brought']}){new}"
    assert line in done.stderr.splitlines()


def test_offline_the_tags_that_are_not_kept_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with StockSite() as site:
        monkeypatch.setenv("PIXABAY_API_URL", site.api_url)
        monkeypatch.setenv("PIXABAY_API_KEY", site.key)
        find_images("a boat", tag="boat", source="pixabay", model=ColourEncoder())
        results = find_images("a boat in the rain", source="pixabay", model=ColourEncoder(), offline=True)
        assert [(one.tag, bool(one.problem)) for one in results.asked] == [
            ("boat", False), ("rain", True),
        ]  # fmt: skip
        assert len(results) > 0


@pytest.mark.slow
def test_the_right_picture_is_in_the_pool_with_four_requests() -> None:
    [line] = measure(sample_phrases(60, seed=11), [4])
    assert line.requests == 4
    assert line.sent <= 4
    assert line.all >= 0.97


@pytest.mark.parametrize(
    ("phrase", "language", "parts"),
    [
        ("a red fox in the snow at night", "en", ("a red fox", "in the snow", "at night")),
        ("a tiger playing in the snow", "en", ("a tiger playing", "in the snow")),
        ("in front of high mountains a tent", "en", ("in front of high mountains", "a tent")),
        ("on the left a red boat and on the right a cat", "en", ("on the left", "a red boat", "on the right", "a cat")),
        ("An old fisherman, mending nets", "en", ("An old fisherman", "mending nets")),
        ("a boat, a boat", "en", ("a boat",)),
        ("a lighthouse", "en", ("a lighthouse",)),
        ("the end of it", "en", ("the end of it",)),
        ("  of the ", "en", ("of the",)),
        ("Ein Leuchtturm im Schneesturm bei Nacht", "de", ("Ein Leuchtturm", "im Schneesturm", "bei Nacht")),
        ("虎在雪中玩耍", "zh", ("虎在雪中玩耍",)),
        ("a b, c d", "qq", ("a b", "c d")),
    ],
)
def test_a_phrase_falls_into_its_parts_in_its_own_words(phrase: str, language: str, parts: tuple[str, ...]) -> None:
    assert parts_of_phrase(phrase, language) == parts


def test_a_phrase_without_end_has_six_parts_at_most() -> None:
    assert len(parts_of_phrase(", ".join(f"thing number {n}" for n in range(50)))) == 6
