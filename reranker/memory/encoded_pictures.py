"""What was encoded, in the process."""

import threading
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from PIL import Image

from phrasepix_core.candidate import Candidate
from phrasepix_core.forking import reset_in_children, set_free
from reranker.dedup import Fingerprint
from reranker.encoder import Embeddings
from reranker.errors import PictureError
from reranker.shared_work import SharedWork


@dataclass(frozen=True, slots=True)
class EncodedPicture:
    """A picture's embedding (float32 [dimensions], L2 norm 1), its fingerprint, and the file to show it from.

    `data` is None where only the embedding is at hand, `fingerprint` where it was not remembered and the picture cannot
    be had any more. `to_show` says that the file is the one for people already, however large it turned out to be;
    `shown_size`, width and height in pixels, is that of the picture it was decoded to, once it was. `features` are
    those of an encoder that `VerifiesPairs`; None where they are on disk alone, or nowhere.
    """

    embedding: Embeddings
    data: bytes | None = None
    to_show: bool = False
    fingerprint: Fingerprint | None = None
    shown_size: tuple[int, int] | None = None
    features: bytes | None = None

    @property
    def size(self) -> int:
        """How many bytes it takes."""
        beside = len(self.data or b"") + len(self.features or b"")
        return self.embedding.nbytes + beside + (self.fingerprint.size if self.fingerprint else 0)


class EncodedPictures:
    """Encoded pictures by their candidates' identity, at most `largest_bytes` of them; the longest unused go first.

    All are of one encoder, in this process. May be used from several threads.
    """

    def __init__(self, largest_bytes: int = 128 << 20) -> None:
        self._largest_bytes = largest_bytes
        self._kept: OrderedDict[tuple[str, str], EncodedPicture] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()
        self.showing: SharedWork[Image.Image | PictureError] = SharedWork()
        """Pictures that are being fetched to be shown, by identity: what several searches show is fetched once."""
        reset_in_children(self)

    def reset_after_fork(self) -> None:
        """Wait for no thread of the parent; what it has encoded stays at hand."""
        set_free(self._lock)

    def get(self, candidate: Candidate) -> EncodedPicture | None:
        """What is kept of the candidate's picture; None where nothing is."""
        with self._lock:
            return self._kept.get(candidate.identity)

    def get_all(self, candidates: Iterable[Candidate]) -> dict[tuple[str, str], EncodedPicture]:
        """What is kept of the candidates' pictures, by identity."""
        identities = [candidate.identity for candidate in candidates]
        with self._lock:
            kept = self._kept
            return {identity: kept[identity] for identity in identities if identity in kept}

    def use_all(self, candidates: Sequence[Candidate]) -> list[EncodedPicture] | None:
        """Return what is kept of each candidate's picture, with its fingerprint, now the latest used.

        None if anything of it is not kept.
        """
        identities = [candidate.identity for candidate in candidates]
        with self._lock:
            found = [one for one in map(self._kept.get, identities) if one is not None and one.fingerprint is not None]
            if len(found) < len(identities):
                return None
            for identity in identities:
                self._kept.move_to_end(identity)
        return found

    def put(self, candidate: Candidate, encoded: EncodedPicture) -> None:
        """Keep it as the latest used, in place of what was kept before."""
        self.put_all([(candidate, encoded)])

    def put_all(self, pictures: Iterable[tuple[Candidate, EncodedPicture]]) -> None:
        """Keep each as `put` does."""
        with self._lock:
            for candidate, encoded in pictures:
                identity = candidate.identity
                before = self._kept.get(identity)
                if before is encoded:
                    self._kept.move_to_end(identity)
                    continue
                if before is not None:
                    self._bytes -= before.size
                    del self._kept[identity]
                self._keep(identity, encoded)

    def shown(self, candidate: Candidate, data: bytes, size: tuple[int, int]) -> None:
        """Keep the file that an encoded candidate is shown from, and the size it was decoded to, width and height."""
        with self._lock:
            if (before := self._kept.get(candidate.identity)) is not None:
                self._bytes -= before.size
                self._keep(candidate.identity, replace(before, data=data, to_show=True, shown_size=size))

    def _keep(self, identity: tuple[str, str], encoded: EncodedPicture) -> None:
        self._kept[identity] = encoded
        self._bytes += encoded.size
        while self._bytes > self._largest_bytes:
            _, oldest = self._kept.popitem(last=False)
            self._bytes -= oldest.size
