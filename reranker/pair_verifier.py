"""Verifier of the best of an order: each is compared closely with the pictures asked for."""

from collections import deque
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

from phrasepix_core.candidate import Candidate
from reranker.background_thread import BackgroundThread
from reranker.cached_loader import LoadsPictures
from reranker.encoder import Encoder, image_tower_name, preparing
from reranker.errors import PictureError
from reranker.memory import EncodedPicture, EncodedPictures, Memory
from reranker.pairs import Agreement, VerifiesPairs, agreements_of, features_of
from reranker.prefetch import Prefetcher
from reranker.ranked import RankedOrder
from reranker.threads import cores

Identity = tuple[str, str]

_AT_ONCE = 16
"""How many candidates are compared at once: enough for a matrix product to be quick, few enough for several threads."""


class PairVerifier:
    """Compares the best of an order, by the features that are `remembered` in the process, or on disk.

    A candidate without any is loaded and looked at once more. `encoder` is the same as `verifies`.
    """

    def __init__(
        self,
        verifies: VerifiesPairs[Any],
        encoder: Encoder,
        remembered: EncodedPictures,
        memory: Memory | None,
        loader: LoadsPictures,
        *,
        threads: int,
    ) -> None:
        self._verifies = verifies
        self._encoder = encoder
        self._remembered = remembered
        self._memory = memory
        self._loader = loader
        self._threads = threads

    def verified(self, order: RankedOrder, wanted: Sequence[EncodedPicture], *, at_least: int) -> RankedOrder:
        """Return the order with the best of it by their agreement with that one of the `wanted` that they agree with
        most; by their first order where they agree alike.

        So many are compared as the encoder says, and `at_least` so many. Their score becomes the agreement's, and what
        it was their `first_score`. Without features of what is wanted the order stays as it is.
        """
        asked = [one.features for one in wanted if one.features is not None]
        best = order[: max(self._verifies.verified, at_least)]
        if not asked or not best:
            return order
        agreements = self._agreements([one.candidate for one in best], asked)
        scored = [
            (place, replace(one, scored=replace(one.scored, score=agreed.score, first_score=before, agreement=agreed)))
            for place, (one, agreed, before) in enumerate(
                (one, agreements[one.candidate.identity], one.scored.score) for one in best
            )
        ]
        scored.sort(key=lambda one: -one[1].scored.total)
        return order.led_by([place for place, _ in scored], [ranked for _, ranked in scored])

    def _agreements(self, candidates: Sequence[Candidate], asked: Sequence[bytes]) -> dict[Identity, Agreement]:
        """The best agreement of each candidate with one of those asked for."""
        known = self._known(candidates)
        known |= self._made_anew([one for one in candidates if one.identity not in known])
        waiting = deque(candidates[at : at + _AT_ONCE] for at in range(0, len(candidates), _AT_ONCE))

        def compared() -> dict[Identity, Agreement]:
            found: dict[Identity, Agreement] = {}
            while waiting:
                try:
                    batch = waiting.popleft()
                except IndexError:  # another thread took the last one
                    break
                features = [known.get(one.identity, b"") for one in batch]
                by_question = [agreements_of(self._verifies, one, features) for one in asked]
                best = [max(of_one, key=lambda agreed: agreed.score) for of_one in zip(*by_question, strict=True)]
                found |= zip((one.identity for one in batch), best, strict=True)
            return found

        # Somebody waits for this: none of the threads does it that may be waiting for servers.
        with ExitStack() as stack:
            helpers = [BackgroundThread("compare-pairs") for _ in range(min(cores(), len(waiting)) - 1)]
            helping = [stack.enter_context(helper).begin(compared) for helper in helpers]
            stack.callback(waiting.clear)  # before it is waited for the helpers, if comparing fails
            found = compared()
            for future in helping:
                found |= future.result()
        return found

    def _known(self, candidates: Sequence[Candidate]) -> dict[Identity, bytes]:
        here = {one.identity: kept.features for one in candidates if (kept := self._remembered.get(one)) is not None}
        known = {identity: features for identity, features in here.items() if features is not None}
        unknown = [one.identity for one in candidates if one.identity not in known]
        if self._memory is not None and unknown:
            known |= self._memory.embeddings.features(image_tower_name(self._encoder), unknown)
        return known

    def _made_anew(self, candidates: Sequence[Candidate]) -> dict[Identity, bytes]:
        """The features of candidates of which the embedding alone is remembered, as far as their pictures load."""
        found: dict[Identity, bytes] = {}
        if candidates:
            with Prefetcher(self._made, [candidates], threads=self._threads, ahead=len(candidates)) as arriving:
                while arrived := arriving.take(len(candidates)):
                    found |= {one.identity: features for one, features in arrived if features is not None}
        return found

    def _made(self, candidate: Candidate) -> bytes | None:
        try:
            picture = self._loader.load(candidate, self._encoder.input_side).picture
        except PictureError:
            return None
        features = features_of(self._encoder, preparing(self._encoder).prepare_picture(picture))
        if features is not None and (before := self._remembered.get(candidate)) is not None:
            encoded = replace(before, features=features)
            if self._memory is None:
                self._remembered.put(candidate, encoded)
            else:
                self._memory.put(self._encoder, {candidate.identity: replace(encoded, data=None)})
        return features
