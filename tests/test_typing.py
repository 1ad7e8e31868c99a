"""What mypy says to those who write with phrasepix: right calls pass, wrong ones are found before they run."""

import re

import mypy.api
import pytest

SETTINGS = """
[mypy]
strict = true
follow_imports = skip
[mypy-phrasepix.*,phrasepix_core.*,reranker.*,retriever.*]
follow_imports = normal
"""
"""What phrasepix is made with has no part in its own types; of torch alone mypy would read thousands of files."""

SAMPLE = """
from collections.abc import Iterator
from pathlib import Path
from phrasepix import Config, Example, Filters, Finder, LiveResults, Match, Phrase, Query, SearchRequest
from phrasepix import find_images, stream_images
from phrasepix.events import Event, Notice, SearchProgress
from phrasepix.results import Results

def listen(event: Event) -> None:
    if isinstance(event, Notice):
        reveal_type(event.source)  # says: str
    else:
        reveal_type(event.best)  # says: tuple[ScoredCandidate, ...]

def told(progress: SearchProgress) -> None: ...

reveal_type(find_images("a boat", tag="boat", top=3))  # says: LiveResults
reveal_type(find_images(Query((Phrase("a boat"),)), tag=["a", "b"], source=[Path("x"), "sample"]))  # says: LiveResults
reveal_type(stream_images("a boat"))  # says: Iterator[LiveResults]
find_images(like=[Path("a.png"), ("b.png", 0.5)], minus=["people", (Phrase("cars"), 2.0)], on_progress=told)
find_images("a boat", filters=Filters(orientation="vertical"), key="k", base_url=None, limit=None)

find_images("a boat", tops=3)  # wrong: call-arg
find_images("a boat", top="3")  # wrong: arg-type
find_images("a boat", "boat")  # wrong: call-arg
find_images("a boat", tag=3)  # wrong: arg-type
find_images("a boat", source=3)  # wrong: arg-type
find_images("a boat", words="much")  # wrong: arg-type
find_images("a boat", offline="yes")  # wrong: arg-type
find_images("a boat", filters="vertical")  # wrong: arg-type
find_images("a boat", model=3)  # wrong: arg-type
find_images("a boat", on_progress=3)  # wrong: arg-type
stream_images("a boat", tops=3)  # wrong: call-arg
stream_images("a boat", top="3")  # wrong: arg-type
SearchRequest("a boat", key="k")  # wrong: call-arg
SearchRequest("a boat", top="3")  # wrong: arg-type
Config(keys="k")  # wrong: call-arg
Filters(orientations="vertical")  # wrong: call-arg

with Finder(Config(key="k", unload_after_s=3)) as finder:
    request = SearchRequest("a boat", tag="boat")
    request.top = 3  # wrong: misc
    results = finder.search(request, on_event=listen)
    reveal_type(results)  # says: LiveResults
    reveal_type(finder.stream(request))  # says: Iterator[LiveResults]
    reveal_type(finder.refine(results, "1", [2, 3]))  # says: LiveResults
    reveal_type(finder.more_like(results[0], request))  # says: LiveResults
    reveal_type(finder.configured(key=None))  # says: Finder
    reveal_type(results[0])  # says: LiveMatch
    reveal_type(results[1:])  # says: tuple[LiveMatch, ...]
    reveal_type([one for one in results])  # says: list[LiveMatch]
    reveal_type(results[0].score)  # says: float
    reveal_type(results.notices)  # says: tuple[Notice, ...]
    reveal_type(results.save("x").pictures)  # says: tuple[SavedPicture, ...]
    finder.search("a boat")  # wrong: arg-type
    finder.search(request, on_event=told)  # wrong: arg-type
    results["1"]  # wrong: call-overload
    plain: Results = results
    match: Match = results[0]
    reveal_type(plain[0])  # says: FoundMatch
    reveal_type(request.tags)  # says: tuple[str, ...]
    reveal_type(SearchRequest.from_json(request.to_json()))  # says: SearchRequest
"""

_FOUND = re.compile(r"sample\.py:(\d+): (error|note): (.*)")


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> dict[int, list[str]]:
    """By line: the code of each error, and the types that are revealed, without their modules."""
    place = tmp_path_factory.mktemp("typing")
    (place / "sample.py").write_text(SAMPLE, encoding="utf-8")
    (place / "mypy.ini").write_text(SETTINGS, encoding="utf-8")
    settings = ["--config-file", str(place / "mypy.ini"), "--no-incremental", "--no-error-summary"]
    out, problem, _ = mypy.api.run([*settings, str(place / "sample.py")])
    assert problem == ""
    found: dict[int, list[str]] = {}
    for line in out.splitlines():
        if (one := _FOUND.search(line)) is not None:
            number, kind, message = int(one[1]), one[2], one[3]
            if kind == "error":
                found.setdefault(number, []).append(f"wrong: {message.rpartition('[')[2].rstrip(']')}")
            elif message.startswith("Revealed type is "):
                revealed = re.sub(r"(?:\w+\.)+(\w+)", r"\1", message.partition('"')[2].rstrip('"'))
                found.setdefault(number, []).append(f"says: {revealed.replace('builtins.', '')}")
    return found


LINES = {number: line for number, line in enumerate(SAMPLE.splitlines(), 1) if line.strip()}


@pytest.mark.parametrize(
    "number", [number for number, line in LINES.items() if "  # " in line], ids=lambda one: LINES[one]
)
def test_mypy_says_of_a_line_what_stands_beside_it(said: dict[int, list[str]], number: int) -> None:
    assert said.get(number, []) == [LINES[number].partition("  # ")[2]]


def test_mypy_has_nothing_against_the_other_lines(said: dict[int, list[str]]) -> None:
    assert {LINES[number]: words for number, words in said.items() if "  # " not in LINES[number]} == {}
