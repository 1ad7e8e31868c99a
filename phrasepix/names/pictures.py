"""The pictures that names are taught by, read from their files, and drawings of many things to tell them from."""

import logging
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from phrasepix.query_inputs import parse_query
from phrasepix.sample.catalogue import PICTURES_DIRECTORY
from reranker.errors import WrongQueryError
from reranker.pictures.local_files import path_of
from reranker.query import Example

logger = logging.getLogger(__name__)

_DRAWINGS: Final = 48
"""How many drawings say what all pictures share, where few are remembered: two seconds on a laptop."""


def picture_in(path: Path) -> Example:
    """Return the picture in a file, with its candidate. Raises `WrongQueryError`."""
    (example,) = parse_query(None, path).wanted
    assert isinstance(example, Example)  # noqa: S101  # of a path
    return example


def examples_of(pictures: Iterable[tuple[str, str]]) -> Iterator[Example]:
    """Yield the pictures whose files are there with the content that they had, by the files' URLs and its digests."""
    for url, digest in pictures:
        try:
            example = picture_in(path_of(url))
        except WrongQueryError as error:
            logger.warning("a picture by which a name was taught is left out: %s", error)
            continue
        if example.candidate is not None and example.candidate.id == digest:
            yield example


def drawings() -> Iterator[Example]:
    """Yield drawings of the sample, of one subject after the other."""
    paths = sorted(PICTURES_DIRECTORY.glob("*.jpg"))
    for path in paths[:: max(1, len(paths) // _DRAWINGS)]:
        yield picture_in(path)
