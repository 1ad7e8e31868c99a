"""Teaching a name by pictures."""

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from phrasepix.errors import WrongValueError
from phrasepix.events import Listener, Notice
from phrasepix.names.pictures import drawings, picture_in
from phrasepix.names.store import Taught, TeachingPicture, TowerVectors, remember
from phrasepix_core.files import at_home, is_there, shown_path
from phrasepix_core.spelling import meant_by
from phrasepix_core.text import same_text
from reranker.clip_reranker import ClipReranker
from reranker.encoder import Embeddings
from reranker.errors import WrongQueryError
from reranker.memory import Memory
from reranker.pictures import PictureLoader
from reranker.pictures.offline import OfflineFetcher
from reranker.query import Example, Query, TaughtName

_LONGEST: Final = 60
"""Letters of a name."""


@dataclass(slots=True)
class _Lesson:
    """The pictures of a name that is being taught, and what becomes of them."""

    paths: Sequence[Path]
    on_event: Listener
    urls: dict[str, str] = field(default_factory=dict)
    taught: tuple[str, TowerVectors] | None = None

    def direction(self, tower: str, dimensions: int) -> Embeddings | None:
        """Nothing is known yet."""
        return None

    def examples(self) -> Iterator[Example]:
        """Yield the pictures that can be used, each content once."""
        for path in self.paths:
            try:
                example = picture_in(path)
            except WrongQueryError as error:
                self.on_event(Notice((f"left out: {error}",)))
                continue
            candidate = example.candidate
            if candidate is not None and candidate.id not in self.urls:
                self.urls[candidate.id] = candidate.page_url
                yield example

    def others(self) -> Iterator[Example]:
        """Yield drawings of many things."""
        return drawings()

    def keep(
        self, tower: str, pictures: Mapping[str, Embeddings], direction: Embeddings, *, left_out: tuple[str, ...]
    ) -> None:
        """Remember what was made of them, and tell what was left out."""
        for reason in left_out:
            self.on_event(Notice((f"left out: {reason}",)))
        self.taught = tower, TowerVectors(direction, dict(pictures))


def teach(
    name: str, pictures: Sequence[str | Path], *, reranker: ClipReranker, memory: Memory, on_event: Listener
) -> Taught:
    """Teach a name by picture files, in place of what it was taught by before, and return it.

    A file that is no picture is told to `on_event` and left out. Raises `WrongValueError` for what can be no name,
    `WrongQueryError` if no picture can be used, and `NotWrittenError`.
    """
    name = name_given(name)
    demand_files(name, pictures)
    lesson = _Lesson([Path(one) for one in pictures], on_event)
    try:
        with PictureLoader(OfflineFetcher()) as loader:
            reranker.encoded(Query((TaughtName(name, lesson),)), loader=loader, memory=memory)
    except WrongQueryError:
        if lesson.urls:
            raise
        raise WrongQueryError(f"none of the {len(pictures)} files can teach “{name}”; give pictures") from None
    assert lesson.taught is not None  # noqa: S101  # it was encoded
    tower, vectors = lesson.taught
    taught = Taught(
        name,
        tuple(TeachingPicture(lesson.urls[digest], digest) for digest in vectors.pictures),
        {tower: vectors},
    )
    remember(taught)
    return taught


def demand_files(name: str, pictures: Sequence[str | Path]) -> None:
    """Raise `WrongQueryError` if no file is there to teach a name by, which is known before a model is loaded."""
    if not pictures:
        raise WrongQueryError(f"no picture shows who or what “{name}” is; give some, best five")
    if not any(is_there(at_home(Path(one))) for one in pictures):
        named = shown_path(pictures[0]) + (f" and {len(pictures) - 1} more" if len(pictures) > 1 else "")
        raise WrongQueryError(f"no picture to teach “{name}” by is there: {named}; {meant_by(Path(pictures[0]))}")


def name_given(name: object) -> str:
    """Return a name as it is kept: in one line, composed letters. Raises `WrongValueError` for what can be none."""
    text = same_text(name) if isinstance(name, str) else ""
    if not text or len(text) > _LONGEST or not all(_is_letter(text[end]) for end in (0, -1)):
        raise WrongValueError(
            f"{name!r} can be no name; it takes up to {_LONGEST} characters, the first and the last a letter or a digit"
        )
    return text


def _is_letter(character: str) -> bool:
    return unicodedata.category(character)[0] in "LNM"
