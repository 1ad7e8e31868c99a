"""Which pictures are one and the same."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from PIL import Image, ImageOps

from phrasepix_core.candidate import Candidate
from reranker.encoder import Embeddings
from reranker.folding.compared import Compared
from reranker.folding.crop_hashes import CROPS, SIDE, nearest
from reranker.folding.fingerprint import Fingerprint, Look
from reranker.folding.gradients import rises


@dataclass(frozen=True, slots=True)
class Limits:
    """Up to which differences two pictures are one: bits of 128 in the hash of the crop, and of 288 once aligned."""

    crop_bits: int
    aligned_bits: int


ALIKE = Limits(crop_bits=36, aligned_bits=72)
"""Found by measurement (`benchmarks/FOLDING.md`)."""

ALIKE_TO_THE_MODEL = Limits(crop_bits=40, aligned_bits=86)
"""Wider ones, for two whose embeddings are as close as `CLOSE`, such as two of the same shoot.

Even a model that calls all pictures close folds no two different photographs within it.
"""

CLOSE = 0.98
"""A cosine, chosen to be on the safe side: it differs from model to model."""

_HASH_SIDE = 12
_OPEN, _SAME, _DIFFERENT = range(3)


@dataclass(frozen=True, slots=True)
class _Known:
    fingerprint: Fingerprint | None
    embedding: Embeddings

    @property
    def digest(self) -> bytes | None:
        """The digest of its file; None where it is not known."""
        return None if self.fingerprint is None else self.fingerprint.digest


_UNKNOWN = _Known(None, np.empty(0, dtype=np.float32))


class Likeness:
    """Tells which of the pictures that were added are one: by where they come from, by their bytes, by their looks.

    It is meant for `most` pictures: whoever adds more should have it `keep_only` so many at times. Some 6 KB and the
    embedding are held of each, and a byte for each pair that was compared. Of one that was added and
    is not kept any more, its source alone can say what it is one with. What was `compared` before is not compared again.
    """

    def __init__(self, most: int = 1000, compared: Compared | None = None) -> None:
        self.most = most
        self._compared = compared or Compared()
        self._known: dict[tuple[str, str], _Known] = {}
        self._numbers: dict[tuple[str, str], int] = {}
        # By the number of one, what was decided of it and each other: a byte a pair, for a pool has many.
        self._decided: dict[int, bytearray] = {}

    def add(self, candidate: Candidate, fingerprint: Fingerprint | None, embedding: Embeddings) -> None:
        """Add a candidate's picture: its fingerprint, where there is one, and its embedding, float32 [d], L2 norm 1."""
        self._known[candidate.identity] = _Known(fingerprint, embedding)
        self._numbers.setdefault(candidate.identity, len(self._numbers))

    def __len__(self) -> int:
        return len(self._known)

    def keep_only(self, candidates: Iterable[Candidate]) -> None:
        """Forget the fingerprints of all others."""
        self._known = {one.identity: self._known[one.identity] for one in candidates if one.identity in self._known}
        self._numbers = {identity: number for number, identity in enumerate(self._known)}
        self._decided.clear()

    def with_each(self, one: Candidate, others: Sequence[Candidate]) -> list[bool]:
        """Whether `one` and each of `others` are one picture."""
        here = self._numbers.get(one.identity)
        there = [number for other in others if (number := self._numbers.get(other.identity)) is not None]
        if here is None or len(there) < len(others):
            return self._decide(one, others)
        decided = self._decided.setdefault(here, bytearray())
        decided.extend(bytes(len(self._numbers) - len(decided)))
        for number in there:
            if decided[number] == _OPEN and here < len(known := self._decided.get(number, b"")):
                decided[number] = known[here]
        if open_ones := [index for index, number in enumerate(there) if decided[number] == _OPEN]:
            decisions = self._decide(one, [others[index] for index in open_ones])
            for index, is_same in zip(open_ones, decisions, strict=True):
                decided[there[index]] = _SAME if is_same else _DIFFERENT
        return [decided[number] == _SAME for number in there]

    def with_picture(self, fingerprint: Fingerprint, embedding: Embeddings, others: Sequence[Candidate]) -> list[bool]:
        """Whether a picture that is no candidate's and each of `others` are one."""
        there = [self._known.get(other.identity, _UNKNOWN) for other in others]
        same = [fingerprint.digest == known.digest for known in there]
        for index in _look_alike(_Known(fingerprint, embedding), there):
            same[index] = True
        return same

    def _decide(self, one: Candidate, others: Sequence[Candidate]) -> list[bool]:
        here = self._known.get(one.identity, _UNKNOWN)
        there = [self._known.get(other.identity, _UNKNOWN) for other in others]
        digest, is_of_its_origin = here.digest, _origin_of(one)
        same = [
            is_of_its_origin(other) or (digest is not None and digest == known.digest)
            for other, known in zip(others, there, strict=True)
        ]
        for index in self._look_alike(here, there):
            same[index] = True
        return same

    def _look_alike(self, here: _Known, there: Sequence[_Known]) -> list[int]:
        """The numbers of those of `there` that look like the one `here`."""
        if here.fingerprint is None or here.fingerprint.look is None:
            return []
        places, digests = [], []
        for place, known in enumerate(there):
            if known.fingerprint is not None and known.fingerprint.look is not None:
                places.append(place)
                digests.append(known.fingerprint.digest)

        def compare(open_ones: Sequence[int]) -> list[int]:
            return [open_ones[index] for index in _look_alike(here, [there[places[one]] for one in open_ones])]

        return [places[index] for index in self._compared.alike(here.fingerprint.digest, digests, compare)]


def _origin_of(one: Candidate) -> Callable[[Candidate], bool]:
    """What tells whether sources say that another is the same: the same id or file, or the same page in two answers."""
    identity, image_url = one.identity, one.image_url
    address = _address(one.page_url)

    def is_of_it(other: Candidate) -> bool:
        its = other.identity
        if its == identity or other.image_url == image_url:
            return True
        # Within a source a page may show several pictures; its ids tell them apart.
        return address != "" and its[0] != identity[0] and _address(other.page_url) == address

    return is_of_it


@lru_cache(maxsize=4096)
def _address(page_url: str) -> str:
    """What two spellings of a page's URL share; empty for a site's front page, and what is no web address."""
    found = re.fullmatch(r"https?://(?:www\.|m\.)?([^/?#]+/[^#]*[^#/])/?(?:#.*)?", page_url.strip(), re.IGNORECASE)
    return found[1] if found else ""


def _look_alike(one: _Known, others: Sequence[_Known]) -> list[int]:
    """The numbers of those of `others` that look like the one."""
    if one.fingerprint is None or (look := one.fingerprint.look) is None:
        return []
    comparable = [
        (index, known.fingerprint.look, known.embedding)
        for index, known in enumerate(others)
        if known.fingerprint is not None and known.fingerprint.look is not None
    ]
    if not comparable:
        return []
    alike = []
    differ, crop, mirrored = nearest(look.crops, np.stack([other.crops for _, other, _ in comparable]))
    for near in np.flatnonzero(differ <= ALIKE_TO_THE_MODEL.crop_bits):
        index, other, embedding = comparable[near]
        close = float(one.embedding.astype(np.float64) @ embedding.astype(np.float64)) >= CLOSE
        limits = ALIKE_TO_THE_MODEL if close else ALIKE
        if differ[near] > limits.crop_bits:
            continue
        if aligned_difference(look, other, int(crop[near]), bool(mirrored[near])) <= limits.aligned_bits:
            alike.append(index)
    return alike


def aligned_difference(one: Look, other: Look, crop: int, mirrored: bool) -> int:
    """In how many of 288 bits two pictures differ once one is cut to the other, as `nearest` says how.

    A second opinion of another kind. A bright moon alone gives all coefficients of a cosine transform their signs, but
    few of the gradients (`rises`).
    """
    one_cut = _cut(one, crop + len(CROPS) if crop < 0 else 0)
    other_cut = _cut(other, max(crop, 0))
    if mirrored:
        other_cut = ImageOps.mirror(other_cut)
    one_rises, other_rises = (rises(cut, _HASH_SIDE, Image.Resampling.LANCZOS) for cut in (one_cut, other_cut))
    return int(np.count_nonzero(one_rises != other_rises))


def _cut(look: Look, crop: int) -> Image.Image:
    left, upper, right, lower = (SIDE * share for share in CROPS[crop])
    side = 3 * _HASH_SIDE
    thumbnail = Image.fromarray(look.thumbnail)
    return thumbnail.resize((side, side), Image.Resampling.LANCZOS, box=(left, upper, right, lower))
