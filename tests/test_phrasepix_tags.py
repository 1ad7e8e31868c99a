"""Searches without a tag: which tags a phrase gives, and how sources are asked for them."""

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.tag_finding import EVERYDAY, measure
from phrasepix import find_images
from phrasepix.asking import FoundTags, Record
from phrasepix.sample.site import StockSite
from phrasepix.tags import DerivedTag, derived_tags
from phrasepix.tags.phrase_parts import parts_of_phrase
from reranker.testing import ColourEncoder
from retriever.candidate import Candidate, Rendition
from retriever.errors import AnswerNotKeptError, SourceAnswerError, WrongParameterError
from retriever.filters import NO_FILTERS, Filters
from retriever.testing import ListRetriever
from tests.picture_tree import picture, write
from training.measure import sample_phrases


def tags(phrase: str, language: str = "en") -> list[str]:
    """Those that are asked in any case."""
    return [one.tag for one in derived_tags(phrase, language) if not one.instead_of]


def substitutes(phrase: str, language: str = "en") -> dict[str, str]:
    return {one.instead_of: one.tag for one in derived_tags(phrase, language) if one.instead_of}


def candidate(number: int, *tagged: str) -> Candidate:
    return Candidate(
        source="list",
        id=str(number),
        page_url=f"https://example.org/{number}",
        renditions=(Rendition(f"https://example.org/{number}.jpg", 8, 8),),
        width=8,
        height=8,
        media_type="photo",
        tags=tagged,
        creator="",
        creator_url="",
        licence="",
        licence_url="",
        credit="",
        found_by="",
    )


class Paged:
    """Answers `pages` of candidates for each tag, and counts how many were asked for."""

    name = "list"

    def __init__(self, answers: dict[str, list[list[Candidate] | Exception]]) -> None:
        self._answers = answers
        self.asked: list[str] = []

    def pages(self, tag: str, *, limit: int, filters: Filters) -> Iterator[Iterable[Candidate]]:
        for page in self._answers.get(tag, [[]]):
            self.asked.append(tag)
            if isinstance(page, Exception):
                raise page
            yield [replace(one, found_by=tag) for one in page]

    def retrieve(self, tag: str, *, limit: int, filters: Filters) -> Iterator[Candidate]:
        for page in self.pages(tag, limit=limit, filters=filters):
            yield from page


TIGER = derived_tags("a tiger playing in the snow")


def ask(source: Paged | ListRetriever, found: FoundTags, limit: int = 200) -> tuple[list[Candidate], Record]:
    record = Record()
    return list(found.candidates(source, limit, NO_FILTERS, record)), record


def few(first: int, count: int = 3) -> list[Candidate]:
    return [candidate(number) for number in range(first, first + count)]


# -- what a phrase gives -----------------------------------------------------------------------------------------------


def test_tags_come_narrow_to_broad() -> None:
    assert tags("a tiger playing in the snow") == ["tiger snow", "tiger", "snow"]


def test_the_main_thing_comes_first_wherever_it_stands() -> None:
    assert tags("in the snow a tiger")[:2] == ["tiger snow", "tiger"]
    assert tags("on a foggy evening three scarlet kites over the desert")[1] == "kites"
    assert tags("in the evening glow a lighthouse")[1] == "lighthouse"


def test_colours_counts_and_words_for_pictures_are_no_tags() -> None:
    assert tags("a photo of two red boats and 3 yellow cars") == ["boats cars", "boats", "cars"]


def test_times_of_day_are_asked_last() -> None:
    assert tags("two red boats at night in the rain") == ["boats rain", "boats", "rain", "night"]


def test_what_tells_which_thing_it_is_stays_with_it() -> None:
    assert tags("a polar bear on melting ice") == ["polar bear ice", "polar bear", "bear", "ice"]


def test_verbs_and_adverbs_behind_their_noun_are_no_tags() -> None:
    assert tags("a cat sits on a chair") == ["cat chair", "cat", "chair"]
    assert tags("a child slowly eating an apple") == ["child apple", "child", "apple"]
    assert substitutes("the dog runs through the grass")["dog runs"] == "dog"


def test_adjectives_of_weather_give_the_noun() -> None:
    assert "rain" in tags("a bus on a rainy day")


def test_a_thing_that_stop_word_lists_have_is_a_thing() -> None:
    assert tags("a man in a room") == ["man room", "man", "room"]
    assert tags("Ein Mann auf dem Weg", "de") == ["Mann Weg", "Mann", "Weg"]


def test_a_broader_word_stands_in_for_a_narrow_one() -> None:
    assert substitutes("a kitten on a sofa")["kitten"] == "cat"
    assert substitutes("Ein Leuchtturm", "de")["Leuchtturm"] == "Turm"


def test_a_phrase_of_one_weak_word_is_that_tag() -> None:
    assert tags("night") == ["night"]
    assert tags("red") == ["red"]


@pytest.mark.parametrize(
    ("language", "phrase", "expected"),
    [
        ("de", "ein alter Fischer flickt im Morgengrauen seine Netze", ["Fischer Netz", "Fischer", "Netz"]),
        ("fr", "deux bateaux rouges la nuit sous la pluie", ["bateau pluie", "bateau", "pluie"]),
        ("es", "un niño comiendo una naranja en la playa", ["niño playa", "niño", "playa"]),
        ("it", "due barche rosse di notte sotto la pioggia", ["barca pioggia", "barca", "pioggia"]),
        ("ru", "тигр играет в снегу", ["тигр снег", "тигр", "снег"]),
        ("zh", "老虎", ["老虎"]),
    ],
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
    with pytest.raises(WrongParameterError, match="--tag"):
        derived_tags(phrase, language)


def test_every_tag_can_be_sent_and_comes_once() -> None:
    for language, phrase in (*EVERYDAY, ("en", "x" * 500 + " boats, boats & boats"), ("hi", "बर्फ में खेलता बाघ")):
        found = [one.tag for one in derived_tags(phrase, language)]
        assert len({one.lower() for one in found}) == len(found)
        assert all(one == " ".join(one.split()) and len(one) <= 100 for one in found)


# -- how sources are asked ---------------------------------------------------------------------------------------------


def test_each_candidate_comes_once_and_says_which_tag_found_it() -> None:
    source = Paged({"tiger snow": [few(0, 2)], "tiger": [few(0, 5)], "snow": [few(4, 3)]})
    found, record = ask(source, FoundTags(TIGER))
    assert [one.found_by for one in found] == ["tiger snow"] * 2 + ["tiger"] * 3 + ["snow"] * 2
    assert [(one.tag, one.brought) for one in record.so_far()] == [("tiger snow", 2), ("tiger", 3), ("snow", 2)]


def test_no_more_is_asked_when_there_are_enough() -> None:
    source = Paged({"tiger snow": [few(0)], "tiger": [few(3)], "snow": [few(6)]})
    found, _ = ask(source, FoundTags(TIGER), limit=4)
    assert source.asked == ["tiger snow", "tiger"]
    assert len(found) == 6, "what came with the last answer is kept"
    assert len(ask(source, FoundTags(TIGER, is_cap=True), limit=4)[0]) == 4


def test_a_source_that_lacks_the_main_thing_is_asked_all_requests() -> None:
    source = Paged({"snow": [few(0, 5), few(5, 5)]})
    found, _ = ask(source, FoundTags(TIGER), limit=4)
    assert source.asked == ["tiger snow", "tiger", "snow", "snow"]
    assert len(found) == 10


def test_the_budget_is_kept_and_the_rest_of_it_goes_to_second_pages() -> None:
    pages: list[list[Candidate] | Exception] = [few(0), few(10), few(20)]
    source = Paged({"tiger snow": pages, "tiger": [few(30)], "snow": [few(40)]})
    ask(source, FoundTags(TIGER, 2))
    assert source.asked == ["tiger snow", "tiger"]
    source.asked.clear()
    ask(source, FoundTags(TIGER, 4))
    assert source.asked == ["tiger snow", "tiger", "snow", "tiger snow"]


def test_a_broader_word_is_asked_only_where_the_narrower_brought_nothing() -> None:
    both = [DerivedTag("kitten", ""), DerivedTag("cat", "", instead_of="kitten")]
    source = Paged({"kitten": [few(0)], "cat": [few(3)]})
    ask(source, FoundTags(both))
    assert source.asked == ["kitten"]
    source = Paged({"cat": [few(3)]})
    ask(source, FoundTags(both))
    assert source.asked == ["kitten", "cat"]


def test_tags_whose_answers_are_not_kept_are_named_and_the_others_answer() -> None:
    source = Paged({"tiger snow": [AnswerNotKeptError("not kept")], "tiger": [few(0)]})
    found, record = ask(source, FoundTags(TIGER))
    assert len(found) == 3
    assert record.so_far()[0].problem == "not kept on this machine"
    with pytest.raises(AnswerNotKeptError):
        ask(Paged({one.tag: [AnswerNotKeptError("not kept")] for one in TIGER}), FoundTags(TIGER))


def test_a_source_that_fails_later_keeps_what_came(caplog: pytest.LogCaptureFixture) -> None:
    broken = SourceAnswerError("broken", status=500, text="")
    found, _ = ask(Paged({"tiger snow": [few(0)], "tiger": [broken]}), FoundTags(TIGER))
    assert len(found) == 3
    assert "going on with the 3 pictures" in caplog.text
    with pytest.raises(SourceAnswerError):
        ask(Paged({"tiger snow": [broken]}), FoundTags(TIGER))


def test_a_retriever_without_pages_is_asked_tag_by_tag() -> None:
    source = ListRetriever([candidate(1, "tiger"), candidate(2, "snow"), candidate(3, "tiger", "snow")])
    found, record = ask(source, FoundTags(TIGER))
    assert [one.id for one in found] == ["1", "3", "2"]
    assert [one.brought for one in record.so_far()] == [0, 2, 1]


# -- the whole search --------------------------------------------------------------------------------------------------


def test_the_sample_is_searched_without_a_tag() -> None:
    results = find_images("two red boats at night in the rain", source="sample", top=3)
    assert {"boat", "night", "rain"} <= set(results[0].candidate.tags)
    assert results[0].candidate.found_by == "boats rain"
    assert results.tags == ("boats rain", "boats", "rain", "night")
    assert sum(one.brought for one in results.asked) == results.pool_size
    assert json.loads(results.to_json())["asked"][0] == {
        "source": "sample",
        "tag": "boats rain",
        "brought": results.asked[0].brought,
        "problem": "",
    }
    assert "tagged boats rain, boats, rain, night" in repr(results)


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
    with pytest.raises(WrongParameterError, match="--tag"):
        find_images("the of and", source="sample", model=ColourEncoder())


def test_the_command_says_on_stderr_what_was_asked_and_what_it_brought() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "phrasepix", "a red boat in the rain", "--source", "sample", "--limit", "20", "--json"],
        capture_output=True, text=True, timeout=120, env=os.environ | {"COLUMNS": "200", "PYTHONIOENCODING": "utf-8"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    first, second = json.loads(done.stdout)["asked"]
    assert first["brought"] + second["brought"] == 20
    line = f"Asked the built-in sample: boat rain ({first['brought']}), boat ({second['brought']} new)"
    assert line in done.stderr.splitlines()


def test_offline_the_tags_that_are_not_kept_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with StockSite() as site:
        monkeypatch.setenv("PIXABAY_API_URL", site.api_url)
        monkeypatch.setenv("PIXABAY_API_KEY", site.key)
        find_images("a boat", tag="boat", source="pixabay", model=ColourEncoder())
        results = find_images("a boat in the rain", source="pixabay", model=ColourEncoder(), offline=True)
        assert [(one.tag, bool(one.problem)) for one in results.asked] == [
            ("boat rain", True), ("boat", False), ("rain", True),
        ]  # fmt: skip
        assert len(results) > 0


def test_the_right_picture_is_in_the_pool_with_four_requests() -> None:
    line = measure(sample_phrases(60, seed=11), 4)[-1]
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
