"""The pictures that were compared with, as a page shows them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PIL import Image

from phrasepix.views.gallery.hotlinks import hotlinked
from phrasepix_core.candidate import Candidate
from reranker.query import Example

if TYPE_CHECKING:
    from phrasepix.results import Results


@dataclass(frozen=True, slots=True)
class ShownExample:
    """A picture by its title, and where a browser has it from: a data URL or its source; empty if it is not at hand."""

    title: str
    src: str
    is_unwanted: bool


def shown_examples(results: "Results", embedded: Callable[[Image.Image], str]) -> list[ShownExample]:
    """The pictures that were asked with, wanted or not, but for matches that were preferred or avoided."""
    return [
        ShownExample(example.title, _src(example, embedded), is_unwanted) for example, is_unwanted in _asked(results)
    ]


def example_candidates(results: "Results") -> list[Candidate]:
    """The candidates that these pictures are of."""
    return [example.candidate for example, _ in _asked(results) if example.candidate is not None]


def _asked(results: "Results") -> Iterator[tuple[Example, bool]]:
    query = results.query
    for parts, is_unwanted in ((query.wanted, False), (query.unwanted, True)) if query is not None else ():
        for part in parts:
            if isinstance(part, Example) and not part.stays:
                yield part, is_unwanted


def _src(example: Example, embedded: Callable[[Image.Image], str]) -> str:
    if example.candidate is not None and (there := hotlinked(example.candidate)) is not None:
        return there.url
    picture = _kept(example.picture) if isinstance(example.picture, str) else example.picture
    return embedded(picture) if isinstance(picture, Image.Image) else ""


def _kept(url: str) -> Image.Image | None:
    """The picture at an address, as it was fetched to be compared with."""
    from reranker.examples import kept_example
    from reranker.memory import Memory
    from retriever.directories import cache_directory

    with Memory(cache_directory()) as memory:
        return kept_example(url, memory)
