"""Pools that are asked again: what of them does not depend on the query is made ready once."""

import threading
from collections.abc import Sequence
from operator import is_

import numpy as np

from phrasepix_core.candidate import Candidate
from phrasepix_core.forking import reset_in_children, set_free
from reranker.calibration import Baseline
from reranker.dedup import Compared, DuplicateDetector
from reranker.encoder import Embeddings
from reranker.memory import EncodedPicture

_MOST_PICTURES = 2048
"""Of all pools that are ready: each takes its embedding once more, and its candidate and fingerprint stay with it."""


class PreparedPool:
    """Remembered pictures: their embeddings in one matrix, what tells which are one, and what texts reach in them."""

    def __init__(self, candidates: Sequence[Candidate], pictures: Sequence[EncodedPicture], compared: Compared) -> None:
        self.embeddings: Embeddings = np.stack([one.embedding for one in pictures])
        """Float32 [n, d], in the order of the candidates; not to be changed."""
        self._candidates = tuple(candidates)
        # Not the pictures themselves: their files are large, and come and go.
        self._embeddings = tuple(one.embedding for one in pictures)
        self._fingerprints = tuple(one.fingerprint for one in pictures)
        self._compared = compared
        self._detector: DuplicateDetector | None = None
        self._baseline: tuple[Embeddings, bool, Baseline] | None = None

    def __len__(self) -> int:
        return len(self._candidates)

    def is_of(self, candidates: Sequence[Candidate], pictures: Sequence[EncodedPicture]) -> bool:
        """Whether it was made of these very objects, in their order; what is equal may differ in what it holds."""
        return (
            len(candidates) == len(self)
            and all(map(is_, candidates, self._candidates))
            and all(map(is_, (one.embedding for one in pictures), self._embeddings))
            and all(map(is_, (one.fingerprint for one in pictures), self._fingerprints))
        )

    def add_to(self, detector: DuplicateDetector) -> None:
        """Add the pictures to an empty detector."""
        before = self._detector
        if before is None or not before.is_up_to_date(self._compared):
            before = DuplicateDetector(len(self), self._compared)
            for known in zip(self._candidates, self._fingerprints, self._embeddings, strict=True):
                before.add(*known)
            before.compare_sources()
            self._detector = before
        detector.begin_with(before)

    def baseline(self, neutral: Embeddings, *, smaller: bool) -> Baseline:
        """Return what the neutral phrases reach, as `Baseline` says."""
        before = self._baseline
        if before is None or before[0] is not neutral or before[1] is not smaller:
            before = self._baseline = neutral, smaller, Baseline(neutral, [self.embeddings], smaller=smaller)
        return before[2]


class PreparedPools:
    """The pools that were asked last, of `most_pictures` in all. Thread-safe.

    A pool is known by the very objects it is made of: candidates that a source tells anew, or pictures that are encoded
    anew, make another pool.
    """

    def __init__(self, most_pictures: int = _MOST_PICTURES) -> None:
        self._most_pictures = most_pictures
        self._pools: list[PreparedPool] = []
        self._lock = threading.Lock()
        reset_in_children(self)

    def reset_after_fork(self) -> None:
        """Wait for no thread of the parent."""
        set_free(self._lock)

    def of(
        self, candidates: Sequence[Candidate], pictures: Sequence[EncodedPicture], compared: Compared
    ) -> PreparedPool:
        """Return the pool of candidates, one at least, and what is remembered of each; a large one is not kept."""
        with self._lock:
            pools = list(self._pools)
        found = next((pool for pool in pools if pool.is_of(candidates, pictures)), None)
        if found is None:
            found = PreparedPool(candidates, pictures, compared)
        with self._lock:
            pools = [found, *(pool for pool in self._pools if pool is not found)]
            while sum(map(len, pools)) > self._most_pictures:
                pools.pop()
            self._pools = pools
        return found
