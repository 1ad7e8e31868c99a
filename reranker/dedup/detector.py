"""Detector of near-duplicates among pictures."""

import re
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from phrasepix_core.candidate import Candidate
from reranker.dedup.compared import Compared, ComparedLooks, Numbers
from reranker.dedup.crop_hashes import CROPS, SIDE, nearest
from reranker.dedup.fingerprint import Fingerprint, Look
from reranker.dedup.gradients import rises
from reranker.encoder import Embeddings


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


@dataclass(frozen=True, slots=True)
class _Known:
    fingerprint: Fingerprint | None
    embedding: Embeddings


_UNKNOWN = _Known(None, np.empty(0, dtype=np.float32))


class DuplicateDetector:
    """Tells which of the pictures that were added are one: by where they come from, by their bytes, by their looks.

    It is meant for `most` pictures: whoever adds more should have it `keep_only` so many at times. Some 6 KB and the
    embedding are held of each. Of one that was added and is not kept any more, its source alone can say what it is one
    with. Looks that were `compared` by another search are not compared again.
    """

    def __init__(self, most: int = 1000, compared: Compared | None = None) -> None:
        self.most = most
        self._looks = (compared or Compared()).looks()
        self._numbers: dict[tuple[str, str], int] = {}
        self._candidates: list[Candidate] = []
        self._known: list[_Known] = []
        self._traits: _Traits | None = None
        self._is_shared = False

    def add(self, candidate: Candidate, fingerprint: Fingerprint | None, embedding: Embeddings) -> None:
        """Add a candidate's picture: its fingerprint, where there is one, and its embedding, float32 [d], L2 norm 1."""
        self._add(candidate, _Known(fingerprint, embedding))

    def begin_with(self, other: "DuplicateDetector") -> None:
        """Know what another one knows, and nothing else; what is added to either is not added to the other."""
        other._is_shared = self._is_shared = True
        self._looks, self._numbers, self._traits = other._looks, other._numbers, other._traits
        self._candidates, self._known = other._candidates, other._known

    def is_up_to_date(self, compared: Compared) -> bool:
        """Whether a new detector would begin with the same looks."""
        return self._looks is compared.looks()

    def compare_sources(self) -> None:
        """Number what pictures are known by, once for all that follows."""
        if self._traits is None:
            self._traits = _Traits.of(self._candidates, self._known, self._looks)

    def _add(self, candidate: Candidate, known: _Known) -> int:
        self._traits = None
        if self._is_shared:
            self._numbers, self._candidates, self._known = {**self._numbers}, [*self._candidates], [*self._known]
            self._is_shared = False
        if (number := self._numbers.get(candidate.identity)) is not None:
            self._candidates[number], self._known[number] = candidate, known
            return number
        number = self._numbers[candidate.identity] = len(self._known)
        self._candidates.append(candidate)
        self._known.append(known)
        return number

    def __len__(self) -> int:
        return len(self._known)

    def keep_only(self, candidates: Iterable[Candidate]) -> None:
        """Forget the fingerprints of all others."""
        kept = [self._numbers[one.identity] for one in candidates if one.identity in self._numbers]
        before = [(self._candidates[number], self._known[number]) for number in kept]
        self._numbers, self._candidates, self._known = {}, [], []
        for candidate, known in before:
            self._add(candidate, known)

    def numbers(self, candidates: Iterable[Candidate]) -> Numbers:
        """Return the numbers of candidates, int [n], good until `keep_only`: for `same`."""
        asked = list(candidates)
        known = [self._numbers.get(one.identity) for one in asked]
        if None in known:
            known = [
                self._add(one, _UNKNOWN) if number is None else number for one, number in zip(asked, known, strict=True)
            ]
        return np.array(known, dtype=np.intp)

    def same(self, ones: Numbers, others: Numbers) -> NDArray[np.bool_]:
        """Whether each of `ones`, int [m], and each of `others`, int [n], are one, by their `numbers`: bool [m, n]."""
        self.compare_sources()
        traits = self._traits
        assert traits is not None  # noqa: S101  # just numbered
        same = traits.have_one_origin(ones[:, None], others)
        here, there = traits.looks[ones], traits.looks[others]
        are_open = (here[:, None] != _NO_LOOK) & (there != _NO_LOOK) & ~same
        alike, are_compared = self._looks.compared(here, there)
        same |= are_open & alike
        are_open &= ~are_compared
        for row in np.flatnonzero(are_open.any(axis=1)).tolist():
            columns = np.flatnonzero(are_open[row])
            same[row, columns[self._alike(int(ones[row]), others[columns], traits.looks)]] = True
        return same

    def _alike(self, one: int, others: Numbers, looks: Numbers) -> Numbers:
        """The indices of those of `others` that look like the one; all have looks."""

        def compare(open_ones: Numbers) -> Numbers:
            alike = _look_alike(self._known[one], [self._known[number] for number in others[open_ones]])
            return open_ones[alike]

        return self._looks.alike(int(looks[one]), looks[others], compare)

    def with_each(self, one: Candidate, others: Sequence[Candidate]) -> list[bool]:
        """Whether `one` and each of `others` are one picture."""
        numbers = self.numbers([one, *others])
        found: list[bool] = self.same(numbers[:1], numbers[1:])[0].tolist()
        return found

    def with_picture(self, fingerprint: Fingerprint, embedding: Embeddings, others: Sequence[Candidate]) -> list[bool]:
        """Whether a picture that is no candidate's and each of `others` are one."""
        there = [self._known[number] for number in self.numbers(others)]
        same = self.with_file(fingerprint, others)
        for index in _look_alike(_Known(fingerprint, embedding), there):
            same[index] = True
        return same

    def with_file(self, fingerprint: Fingerprint, others: Sequence[Candidate]) -> list[bool]:
        """Whether a picture that is no candidate's and each of `others` came from the same bytes."""
        there = [self._known[number].fingerprint for number in self.numbers(others)]
        return [one is not None and one.digest == fingerprint.digest for one in there]


_NO_LOOK = -2


@dataclass(frozen=True, slots=True)
class _Traits:
    """What pictures are known by, int [n] each: what is equal has the same number, and what is not known −1.

    `looks` are their numbers among looks that were compared; −2 has none.
    """

    files: Numbers
    digests: Numbers
    pages: Numbers
    catalogues: Numbers
    looks: Numbers

    @classmethod
    def of(cls, candidates: Sequence[Candidate], known: Sequence[_Known], looks: ComparedLooks) -> "_Traits":
        fingerprints = [one.fingerprint for one in known]
        return cls(
            _numbered([one.image_url for one in candidates]),
            _numbered([None if one is None else one.digest for one in fingerprints]),
            _numbered([_address(one.page_url) or None for one in candidates]),
            _numbered([one.identity[0] for one in candidates]),
            np.array(
                [_NO_LOOK if one is None or one.look is None else looks.number(one.digest) for one in fingerprints],
                dtype=np.intp,
            ),
        )

    def have_one_origin(self, ones: Numbers, others: Numbers) -> NDArray[np.bool_]:
        """Whether sources or bytes say so of `ones`, int [m, 1], and `others`, int [n]: bool [m, n].

        They do by the same id, the same file, or the same page in two sources' answers.
        """
        digests, pages = self.digests[ones], self.pages[ones]
        same: NDArray[np.bool_] = (ones == others) | (self.files[ones] == self.files[others])
        same |= (digests >= 0) & (digests == self.digests[others])
        # Within a source a page may show several pictures; its ids tell them apart.
        is_of_another = self.catalogues[ones] != self.catalogues[others]
        same |= is_of_another & (pages >= 0) & (pages == self.pages[others])
        return same


def _numbered(traits: Sequence[Hashable]) -> Numbers:
    numbers: dict[Hashable, int] = {}
    return np.array([-1 if one is None else numbers.setdefault(one, len(numbers)) for one in traits], dtype=np.intp)


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
