"""Arguments of a search as they were given, checked for their kind before anything is asked or loaded."""

import operator
import re
import reprlib
from collections.abc import Sequence
from pathlib import Path

from phrasepix.library.location import is_library_name
from phrasepix_core.numbers import is_whole_number
from phrasepix_core.text import same_text
from retriever.errors import WrongParameterError
from retriever.filters import Filters
from retriever.protocol import Retriever

_BETWEEN_TAGS = re.compile("[,;，；、،؛﹐﹔､]")


def whole_number(name: str, given: object, error: type[Exception] = WrongParameterError) -> int:
    """`given` as a whole number from 1. Raises `error`, which names the parameter and what was given."""
    wish = f"{name} {reprlib.repr(given)} is out of range; allowed: whole numbers from 1"
    if not is_whole_number(given):
        raise error(wish)
    if (number := operator.index(given)) < 1:
        raise error(wish)
    return number


def tags_given(tag: object) -> tuple[str, ...]:
    """The tags, each once: of one text, with commas or semicolons of any script between several, or of several texts.

    Raises `WrongParameterError`.
    """
    several = (tag,) if isinstance(tag, str) else () if tag is None else tag
    if not isinstance(several, Sequence) or not all(isinstance(one, str) for one in several):
        raise WrongParameterError(
            f'tag {reprlib.repr(tag)} is no text; give the main noun of what you look for, such as tag="tiger", or '
            'several, such as tag=["tiger", "snow"]'
        )
    named = [[same_text(part) for part in _BETWEEN_TAGS.split(one)] for one in several]
    # If nothing is left of one, an empty tag says so.
    return tuple(dict.fromkeys(tag for tags in named for tag in (list(filter(None, tags)) or [""])))


def sources_given(source: object) -> tuple[str | Retriever, ...]:
    """The sources, each once: of one, or of several. Raises `WrongParameterError`, also if there are none."""
    several = source if isinstance(source, Sequence) and not isinstance(source, str) else [source]
    if not several:
        raise WrongParameterError(
            f"source {source!r} names none; leave it out for the usual ones, or give {_SOURCES_ALLOWED}"
        )
    chosen: dict[object, str | Retriever] = {}
    for given in several:
        one = f"folder:{given}" if isinstance(given, Path) else given
        if not isinstance(one, str | Retriever):
            raise WrongParameterError(f"source {reprlib.repr(given)} is none; give {_SOURCES_ALLOWED}")
        chosen[one if isinstance(one, str) else id(one)] = one  # a retriever need not be hashable
    return tuple(chosen.values())


_SOURCES_ALLOWED = (
    "a name, the path of a folder, or a Retriever, or a list of these; `phrasepix sources` lists the names"
)


def demand_texts(**given: object) -> None:
    """Raise `WrongParameterError` for the first that is neither a text nor None."""
    for name, value in given.items():
        if value is not None:
            demand_text(name, value)


def demand_text(name: str, value: object) -> None:
    """Raise `WrongParameterError` for what is no text."""
    if not isinstance(value, str):
        raise WrongParameterError(f"{name} {reprlib.repr(value)} is no text; give a str, or leave it out")


def demand_model(name: str, model: object) -> None:
    """Raise `WrongParameterError` for what is neither a model's name nor an `Encoder`; None is no model named."""
    if model is None or isinstance(model, str):
        return
    from reranker.encoder import Encoder  # brings NumPy: whoever names a model does without

    if not isinstance(model, Encoder):
        raise WrongParameterError(
            f'{name} {reprlib.repr(model)} is no model; give a name such as "multilingual", or an Encoder: an object '
            "with name, dimensions, input_side, encode_texts and encode_pictures (reranker.Encoder)"
        )


def demand_filters(filters: object) -> None:
    """Raise `WrongParameterError` for what are no `Filters`."""
    if not isinstance(filters, Filters):
        raise WrongParameterError(
            f'filters {reprlib.repr(filters)} are none; give Filters(…), such as Filters(orientation="vertical"), or a '
            'dictionary such as {"year": {"$in": [2019, 2020]}}'
        )


def demand_directory(name: str, directory: object) -> None:
    """Raise `WrongParameterError` for what is neither a path nor None."""
    if directory is not None and not isinstance(directory, str | Path):
        raise WrongParameterError(f"{name} {reprlib.repr(directory)} is no path; give a str or a Path")


def demand_library(name: str, library: object) -> None:
    """Raise `WrongParameterError` for what is no name of a library of this machine; an address is none."""
    if not isinstance(library, str) or not is_library_name(library):
        raise WrongParameterError(
            f"{name} {reprlib.repr(library)} is no name of a library; it takes letters, digits, “.”, “-” and “_”, "
            "such as seen"
        )


def demand_flag(name: str, value: object) -> None:
    """Raise `WrongParameterError` for what is neither True nor False."""
    if not isinstance(value, bool):
        raise WrongParameterError(f"{name} {reprlib.repr(value)} is not known; allowed: True, False")


def demand_key(key: object) -> None:
    """Raise `WrongParameterError` for a key that is neither a text nor None; it is shown nowhere."""
    if not isinstance(key, str | None):
        raise WrongParameterError("the key is no text; give a str, or leave it out")
