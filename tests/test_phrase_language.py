"""The language of a phrase, found out where nobody says it, and phrases in every script."""

import json
import logging
import os
import subprocess
import sys
from collections.abc import Iterator

import pytest
import stopwordsiso

from phrasepix import find_images
from phrasepix.cli.galleries import place_for_gallery
from phrasepix.tags import derived_tags, language_of
from phrasepix.tags.language import DETECTED
from phrasepix_core.candidate import Candidate
from reranker.testing import ColourEncoder
from retriever.errors import WrongParameterError
from retriever.filters import NO_FILTERS, Filters
from retriever.languages import LANGUAGES, check_language
from retriever.pexels.adapter import LOCALES
from retriever.pixabay.request import LANGUAGES as OF_PIXABAY
from tests.servers import KEY, ScriptedServer, as_json


class Recording:
    """A source without pictures that notes what it is asked for."""

    name = "list"

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []

    def retrieve(self, tag: str, *, limit: int, filters: Filters) -> Iterator[Candidate]:
        self.asked.append((tag, filters.tag_language))
        return iter(())


@pytest.mark.parametrize(
    "phrase",
    [
        "a tiger playing in the snow", "tiger", "tiger snow", "a dog", "red boat", "girl", "snow", "piano",
        "kimono girl", "zen garden", "Berlin wall", "espresso machine", "tulips in Amsterdam", "Oktoberfest beer tent",
        "gondola in Venice", "avocado toast", "a die on a table", "santa claus", "flamenco dancer", "a café in Paris",
        "xqzzv", "42", "🐯", "",
    ],
)  # fmt: skip
def test_short_english_phrases_and_what_is_not_clear_are_english(phrase: str) -> None:
    assert language_of(phrase) == "en"


@pytest.mark.parametrize(
    ("language", "phrase"),
    [
        ("de", "ein Tiger spielt im Schnee"), ("de", "zwei rote Boote bei Nacht im Regen"),
        ("fr", "un tigre jouant dans la neige"), ("es", "un tigre jugando en la nieve"),
        ("it", "una tigre che gioca nella neve"), ("pt", "um tigre brincando na neve"),
        ("nl", "een tijger speelt in de sneeuw"), ("pl", "tygrys bawi się w śniegu"), ("ru", "тигр играет в снегу"),
        ("ru", "закат над горами"), ("uk", "тигр грається у снігу"), ("tr", "karda oynayan bir kaplan"),
        ("hu", "egy tigris játszik a hóban"), ("el", "μια τίγρη παίζει στο χιόνι"), ("ko", "눈 속에서 노는 호랑이"),
        ("ja", "雪の中で遊ぶ虎"), ("zh", "老虎在雪地里玩耍"), ("th", "เสือเล่นในหิมะ"), ("ar", "نمر يلعب في الثلج"),
        ("he", "טיגריס משחק בשלג"), ("hi", "बर्फ में खेलता हुआ बाघ"),
    ],
)  # fmt: skip
def test_phrases_of_other_languages_are_told(language: str, phrase: str) -> None:
    assert language_of(phrase) == language


def test_of_every_language_that_is_told_stop_words_and_a_name_are_known() -> None:
    assert set(DETECTED) <= stopwordsiso.langs() & set(LANGUAGES)
    assert {*OF_PIXABAY, *LOCALES} <= set(DETECTED)


def test_without_a_tag_the_source_is_asked_in_the_phrases_language_and_that_is_said(
    caplog: pytest.LogCaptureFixture,
) -> None:
    source = Recording()
    with caplog.at_level(logging.WARNING, logger="phrasepix"):
        results = find_images("ein Tiger spielt im Schnee", source=source, model=ColourEncoder())
    assert [tag for tag, _ in source.asked] == ["Tiger", "Schnee"]
    assert {language for _, language in source.asked} == {"de"}
    assert [record.getMessage() for record in caplog.records] == [
        "the tags are taken for German (de); filters=Filters(language=…) says otherwise"
    ]
    assert json.loads(results.to_json())["language"] == results.language == "de"


def test_that_the_usual_model_reads_english_is_said_to_whoever_writes_otherwise(
    caplog: pytest.LogCaptureFixture,
) -> None:
    find_images("una tigre che gioca nella neve", source=Recording())
    assert [record.getMessage() for record in caplog.records] == [
        "the tags are taken for Italian (it); filters=Filters(language=…) says otherwise",
        'ViT-B-32/laion2b_s34b_b79k reads English; model="multilingual" reads Italian too',
    ]


@pytest.mark.parametrize(
    ("phrase", "tag", "filters", "expected"),
    [
        ("a tiger in the snow", None, NO_FILTERS, "en"),
        ("ein Tiger im Schnee", "tiger", NO_FILTERS, "en"),
        ("ein Löwe im Gras", "Löwe", NO_FILTERS, "de"),
        ("a lion in the grass", "лев", NO_FILTERS, "ru"),
        ("ein Tiger im Schnee", None, Filters(language="fr"), "fr"),
        ("雪の中で遊ぶ虎", "虎", NO_FILTERS, "ja"),
    ],
)
def test_a_given_tag_is_english_unless_its_letters_or_lang_say_otherwise(
    phrase: str, tag: str | None, filters: Filters, expected: str, caplog: pytest.LogCaptureFixture
) -> None:
    source = Recording()
    results = find_images(phrase, tag=tag, source=source, filters=filters, model=ColourEncoder())
    assert {language for _, language in source.asked} == {expected}
    assert results.language == expected
    assert bool(caplog.records) is (filters.language is None and expected != "en")


def test_a_language_that_a_source_does_not_know_is_an_error_that_names_those_it_knows() -> None:
    with pytest.raises(WrongParameterError, match="language 'uk' is not known; allowed: cs, da"):
        find_images("тигр грається у снігу", source="sample", filters=Filters(language="uk"), model=ColourEncoder())
    with pytest.raises(WrongParameterError, match="language 'xx' is not known; allowed: af, ar"):
        check_language("xx")
    with pytest.raises(WrongParameterError, match="stop words are not known, but those of af, ar"):
        derived_tags("ein Tiger", "xx")


@pytest.mark.parametrize(
    ("phrase", "tag"), [("قارب أحمر في الليل", None), ("a red boat", "قارب"), ("रात में लाल नाव", None)]
)
@pytest.mark.parametrize(("source", "asked_in"), [("pixabay", {"lang": "en"}), ("pexels", {"locale": "en-US"})])
def test_a_found_language_that_a_source_does_not_know_is_no_error(
    api: ScriptedServer, source: str, asked_in: dict[str, str], phrase: str, tag: str | None
) -> None:
    api.otherwise = lambda asked: as_json({"total": 0, "totalHits": 0, "hits": [], "total_results": 0, "photos": []})
    results = find_images(phrase, tag=tag, source=source, key=KEY, base_url=api.url, model=ColourEncoder())
    assert results.language in {"ar", "hi"}
    assert api.asked
    assert all(asked_in.items() <= asked.query.items() for asked in api.asked)


def test_an_english_phrase_loads_no_detector_and_no_dictionary() -> None:
    code = "import sys; from phrasepix.tags import language_of; language_of('a tiger in the snow'); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert "simplemma" not in done.stdout.split()
    assert "py3langid" not in done.stdout.split()


# -- every script, to the end ------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_json_in_a_pipe_that_takes_ascii_only_is_json_all_the_same() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "phrasepix", "नाव 🚣", "--tag", "boat", "--source", "sample", "--limit", "9", "--json"],
        capture_output=True, text=True, timeout=120, env=os.environ | {"PYTHONIOENCODING": "ascii"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "\\u0928\\u093e\\u0935" in done.stdout


def test_a_gallery_without_a_name_is_named_after_the_phrase_in_any_script() -> None:
    assert place_for_gallery("बर्फ में खेलता हुआ बाघ!").name == "बर्फ-में-खेलता-हुआ-बाघ.html"
    assert place_for_gallery("نمر في الثلج").name == "نمر-في-الثلج.html"
    assert place_for_gallery("🐯 …").name == "gallery.html"
    assert len(place_for_gallery("老虎" * 100).name.encode()) <= 143
