"""Taught names on disk, a file for each: which pictures taught it, and what image towers made of them."""

import hashlib
import json
import logging
import os
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final, Self

import numpy as np

from phrasepix.errors import NoSuchNameError, NotWrittenError
from phrasepix_core.files import reason_of, write_atomically
from phrasepix_core.text import printable
from phrasepix_core.unwritable import say_unwritable, why_unwritable
from reranker.encoder import Embeddings
from reranker.query import Example
from retriever import directories

logger = logging.getLogger(__name__)

_FORMAT: Final = 1
_UNIT_WITHIN: Final = 1e-3


@dataclass(frozen=True, slots=True)
class TeachingPicture:
    """A picture by which a name was taught: the URL of its file, and the digest of the file's content."""

    url: str
    digest: str


@dataclass(frozen=True, slots=True)
class Taught:
    """A name, the pictures by which it was taught, and by the names of image towers what they made of these."""

    name: str
    pictures: tuple[TeachingPicture, ...]
    towers: Mapping[str, "TowerVectors"] = field(default_factory=dict)

    def direction(self, tower: str, dimensions: int) -> Embeddings | None:
        """Return what stands for the name, as `reranker.query.TeachingPictures` says."""
        known = self.towers.get(tower)
        return known.direction if known is not None and known.direction.shape == (dimensions,) else None

    def examples(self) -> Iterator[Example]:
        """Yield the pictures whose files are there and as they were."""
        from phrasepix.names.pictures import examples_of  # brings the decoder: what is known needs no picture

        return examples_of((one.url, one.digest) for one in self.pictures)

    def others(self) -> Iterator[Example]:
        """Yield drawings of many things."""
        from phrasepix.names.pictures import drawings

        return drawings()

    def keep(
        self, tower: str, pictures: Mapping[str, Embeddings], direction: Embeddings, *, left_out: tuple[str, ...] = ()
    ) -> None:
        """Keep what an image tower made of the pictures, unless the name was taught anew or forgotten meanwhile."""
        try:
            with _writing():
                there = _read(_file_of(self.name))
                if there is not None and there.pictures == self.pictures:
                    _write(there.with_tower(tower, TowerVectors(direction, pictures)))
        except NotWrittenError as error:  # the search goes on: it is encoded again the next time
            if why := why_unwritable(_directory()):
                say_unwritable(directories.data_directory(), why, variable=directories.DATA_VARIABLE)
            else:
                logger.warning("%s", error)

    def with_tower(self, tower: str, vectors: "TowerVectors") -> Self:
        """Return the same with what an image tower made of the pictures."""
        return replace(self, towers={**self.towers, tower: vectors})


@dataclass(frozen=True, slots=True)
class TowerVectors:
    """What an image tower made of a name's pictures, float32 [d] each, L2 norm 1: by digest, and what they share."""

    direction: Embeddings
    pictures: Mapping[str, Embeddings]


def taught_names(on_problem: Callable[[str], None] = logger.warning) -> tuple[Taught, ...]:
    """Return all names in their order; a file that is damaged is told to `on_problem`, and left out."""
    try:
        with os.scandir(_directory()) as entries:
            paths = [Path(entry.path) for entry in entries if entry.name.endswith(".json")]
    except OSError:
        return ()
    found: list[Taught] = []
    for path in paths:
        try:
            if (one := _read(path)) is not None:
                found.append(one)
        except NotWrittenError as error:
            on_problem(str(error))
    return tuple(sorted(found, key=lambda one: (one.name.casefold(), one.name)))


def remember(taught: Taught) -> None:
    """Keep a name, in place of what was taught by it before. Raises `NotWrittenError`."""
    with _writing():
        _write(taught)


def forget(name: str) -> None:
    """Forget a name. Raises `NoSuchNameError`, and `NotWrittenError`."""
    with _writing():
        try:
            _file_of(name).unlink()
        except FileNotFoundError:
            known = ", ".join(one.name for one in taught_names()) or "none yet"
            raise NoSuchNameError(f"no name {printable(name)!r} was taught; those there are: {known}") from None
        except OSError as error:
            raise NotWrittenError(f"the name “{name}” cannot be forgotten: {reason_of(error)}") from None


def _directory() -> Path:
    return directories.data_directory() / "names"


def _file_of(name: str) -> Path:
    return _directory() / f"{hashlib.blake2b(name.encode(), digest_size=16).hexdigest()}.json"


def _read(path: Path) -> Taught | None:
    """The name in a file; None if there is none."""
    try:
        said: dict[str, Any] = json.loads(path.read_bytes())
        if said["format"] != _FORMAT:
            raise NotWrittenError(f"the taught name in {path} has format {said['format']!r}; teach it again")
        towers = {
            tower: TowerVectors(_vector(one["direction"]), {key: _vector(row) for key, row in one["pictures"].items()})
            for tower, one in said["towers"].items()
        }
        pictures = tuple(TeachingPicture(str(url), str(digest)) for url, digest in said["pictures"])
        if not isinstance(said["name"], str) or not said["name"]:
            raise ValueError("no name")
        return Taught(said["name"], pictures, towers)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        reason = reason_of(error) if isinstance(error, OSError) else "it is damaged"
        raise NotWrittenError(f"the taught name in {path} cannot be read: {reason}; teach it again") from None


def _write(taught: Taught) -> None:
    towers = {
        tower: {
            "direction": _text(one.direction),
            "pictures": {digest: _text(vector) for digest, vector in one.pictures.items()},
        }
        for tower, one in taught.towers.items()
    }
    pictures = [[one.url, one.digest] for one in taught.pictures]
    said = {"format": _FORMAT, "name": taught.name, "pictures": pictures, "towers": towers}
    try:
        write_atomically(_file_of(taught.name), json.dumps(said).encode())
    except OSError as error:
        raise NotWrittenError(f"the name “{taught.name}” cannot be kept: {reason_of(error)}") from None


def _text(vector: Embeddings) -> str:
    return b64encode(vector.astype("<f4").tobytes()).decode("ascii")


def _vector(text: str) -> Embeddings:
    """Raises `ValueError` for what is none of L2 norm 1."""
    vector = np.frombuffer(b64decode(text, validate=True), dtype="<f4").astype(np.float32)
    if not abs(float(np.linalg.norm(vector.astype(np.float64))) - 1) <= _UNIT_WITHIN:
        raise ValueError("no unit vector")
    return vector


@contextmanager
def _writing() -> Iterator[None]:
    """Hold the lock of all names; two processes may teach one at once."""
    from filelock import FileLock  # a search that only reads does without

    directory = _directory()
    try:
        directory.mkdir(parents=True, exist_ok=True)
        lock = FileLock(directory / "names.lock", is_singleton=True)
        lock.acquire(timeout=30)
    except (OSError, TimeoutError) as error:
        raise NotWrittenError(
            f"the names in {directory} cannot be written ({reason_of(error)}); {directories.data_remedy()}"
        ) from None
    try:
        yield
    finally:
        lock.release()
