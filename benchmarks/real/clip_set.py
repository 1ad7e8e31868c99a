"""The clip directory as a pool of candidates, and an `Encoder` that gives its stored vectors."""

import random
import re
from collections import Counter
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.real.figures import json_lines
from phrasepix_core.candidate import Candidate
from phrasepix_core.text import same_text
from reranker.encoder import Embeddings, unit_rows
from retriever.testing import made_candidate

POOL = 120
FOLDS = 5
_WORD = re.compile(r"[a-z]+")
_FUNCTION_WORDS = (
    "a an the this that these those some any each both all his her its their them it he she they i we you who which "
    "of on in at to by with from into onto off out up down over under near above below behind beside between around "
    "across along through against toward towards for as next while and or but not no there here "
    "is are was were be being been am has have had having one two three four five six seven eight nine ten"
)
_NO_TAGS = frozenset(_FUNCTION_WORDS.split())
"""Articles, prepositions, pronouns, numbers, forms of be and have."""


def words(text: str) -> list[str]:
    """Words in lower case, a final s dropped."""
    return [word.removesuffix("s") for word in _WORD.findall(text.lower())]


class ClipSet:
    """Photographs, captions and class names by their vectors, rows of L2 norm 1, and what is known of them."""

    def __init__(self, directory: Path) -> None:
        with np.load(directory / "vectors.npz") as kept:
            self.images, self.captions, self.class_texts = (
                unit_rows(kept[name].astype(np.float64)) for name in ("image", "caption", "class_text")
            )
            self.class_names = [str(name) for name in kept["class_name"]]
        rows = json_lines(directory / "captions.jsonl")
        if len(rows) != len(self.images):
            raise ValueError(f"{directory}: captions.jsonl has {len(rows)} lines for {len(self.images)} pictures")
        rows = sorted(rows, key=lambda row: row.get("row", 0))
        self.phrases: list[str] = [same_text(row["embedded_caption"]) for row in rows]
        self.all_captions: list[list[str]] = [row["captions"] for row in rows]
        self._thing_names = frozenset(words((directory / "things.txt").read_text(encoding="utf-8")))

    def __len__(self) -> int:
        return len(self.phrases)

    @cached_property
    def said(self) -> list[frozenset[str]]:
        """The things that each phrase names."""
        return [self._things(text) for text in self.phrases]

    @cached_property
    def seen(self) -> list[frozenset[str]]:
        """The things that any caption of each picture names."""
        return [self._things(" ".join(texts)) for texts in self.all_captions]

    @cached_property
    def named(self) -> list[frozenset[str]]:
        """All words of each picture's captions."""
        return [frozenset(words(" ".join(texts))) for texts in self.all_captions]

    def _things(self, text: str) -> frozenset[str]:
        return self._thing_names.intersection(words(text))

    def others(self, row: int) -> list[str]:
        """A picture's captions but the one that is asked."""
        left = list(self.all_captions[row])
        same = [place for place, text in enumerate(left) if same_text(text) == self.phrases[row]]
        if same:
            del left[same[0]]
        return left

    def tags(self, row: int) -> tuple[str, ...]:
        """Words that two of the other captions use."""
        used = Counter(word for text in self.others(row) for word in set(_WORD.findall(text.lower())) - _NO_TAGS)
        return tuple(sorted(word for word, count in used.items() if count > 1))

    def description(self, row: int) -> str:
        """All words of the other captions."""
        return " ".join(self.others(row))

    def pools(self, seed: int = 0) -> list[tuple[int, list[int], list[int]]]:
        """For each phrase that can be asked so: its row, a pool without its things, the same with its own picture."""
        rng = random.Random(seed)
        found = []
        for row, things in enumerate(self.said):
            absent = [other for other in range(len(self)) if other != row and not things & self.seen[other]]
            if things and len(absent) >= POOL:
                pool = rng.sample(absent, POOL)
                found.append((row, pool, [*pool[:-1], row]))
        return found

    def mixed_pools(self, seed: int = 0) -> list[tuple[int, list[int]]]:
        """For each phrase that names a thing: its row, and a pool of its own picture and any others, as many as are."""
        rng = random.Random(seed)
        every = range(len(self))
        return [
            (row, [*rng.sample(others, min(POOL - 1, len(others))), row])
            for row in every
            if self.said[row]
            for others in [[one for one in every if one != row]]
        ]


def folds(rows: Sequence[int], seed: int = 0) -> dict[int, int]:
    """The fold of each row."""
    shuffled = sorted(set(rows))
    random.Random(seed).shuffle(shuffled)
    return {row: place % FOLDS for place, row in enumerate(shuffled)}


class StoredVectors:
    """An encoder of the family “clip” that knows the set's texts; `neutral` stand for the product's own texts."""

    name, input_side, family = "stored", 224, "clip"

    def __init__(self, clip: ClipSet, neutral: Embeddings) -> None:
        self.dimensions = clip.images.shape[1]
        self._texts = dict(zip(clip.class_names, clip.class_texts, strict=True))
        self._texts.update(zip(clip.phrases, clip.captions, strict=True))
        self._neutral = neutral

    def encode_texts(self, texts: Sequence[str]) -> Embeddings:
        """The stored vectors: float32 [len(texts), d]."""
        return np.stack([self._texts[text] for text in texts])

    def encode_pictures(self, pictures: Sequence[Image.Image]) -> Embeddings:
        """There are no pixels, and nobody asks."""
        raise NotImplementedError

    def known_texts(self, texts: Sequence[str]) -> Embeddings:
        """The neutral texts, whichever of the product's lists is asked for."""
        return self._neutral


def candidate(row: int, tags: tuple[str, ...] = (), title: str = "") -> Candidate:
    """A picture of the set, with what its source says of it."""
    return made_candidate(row, source="real", tags=tags, title=title)
