"""What was encoded before: looked up in the process first, then on disk."""

import threading
from collections import OrderedDict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from reranker.embedding_store import EmbeddingStore
from reranker.encoder import Embeddings, Encoder, image_tower_name
from reranker.fingerprint_store import FingerprintStore
from reranker.folding import Fingerprint
from reranker.picture_store import KeptPicture, PictureStore
from retriever.candidate import Candidate

EMBEDDINGS_FILE, FINGERPRINTS_FILE, PICTURES_FILE = "embeddings.sqlite", "fingerprints.sqlite", "pictures.sqlite"
TEXTS_FILE = "texts.sqlite"


@dataclass(frozen=True, slots=True)
class EncodedPicture:
    """A picture's embedding (float32 [dimensions], L2 norm 1), its fingerprint, and the file to show it from.

    `data` is None where only the embedding is at hand, `fingerprint` where it was not remembered and the picture cannot
    be had any more. `to_show` says that the file is the one for people already, however large it turned out to be.
    """

    embedding: Embeddings
    data: bytes | None = None
    to_show: bool = False
    fingerprint: Fingerprint | None = None

    @property
    def size(self) -> int:
        """How many bytes it takes."""
        return self.embedding.nbytes + len(self.data or b"") + (self.fingerprint.size if self.fingerprint else 0)


class Memory:
    """What is remembered on disk, in `directory`: embeddings and fingerprints for good, picture files for a day.

    `texts` are embeddings of phrases, such as those that others are read against.

    No file is kept of a candidate that its source wants shown by its own address (`Candidate.hotlink`), nor of the
    sources `no_files_of`, whose terms do not let files be kept for a day.

    Many threads and processes may use one directory at once. Nothing that is wrong with it ends a search.
    """

    def __init__(self, directory: Path, *, no_files_of: Collection[str] = ()) -> None:
        self._no_files_of = frozenset(no_files_of)
        self.embeddings = EmbeddingStore(directory / EMBEDDINGS_FILE)
        self.fingerprints = FingerprintStore(directory / FINGERPRINTS_FILE)
        self.pictures = PictureStore(directory / PICTURES_FILE)
        self.texts = store_of_texts(directory)

    def look_up(self, encoder: Encoder, candidates: Sequence[Candidate]) -> dict[tuple[str, str], EncodedPicture]:
        """Those of the candidates this encoder has encoded before, by identity; without their files.

        Encoders that share an image tower share what it encoded.
        """
        identities = [candidate.identity for candidate in candidates]
        found = self.embeddings.get_many(image_tower_name(encoder), encoder.dimensions, identities)
        fingerprints = self.fingerprints.get_many(found)
        return {
            identity: EncodedPicture(embedding, fingerprint=fingerprints.get(identity))
            for identity, embedding in found.items()
        }

    def keeps_file_of(self, candidate: Candidate) -> bool:
        """Whether the file of its picture may be kept."""
        return not candidate.hotlink and candidate.source not in self._no_files_of

    def put(self, encoder: Encoder, encoded: Mapping[tuple[str, str], EncodedPicture]) -> None:
        """Keep a batch, embeddings, fingerprints and files, by identity."""
        # Fingerprints first: whose embedding is remembered without one is fetched again, and a kill may come between.
        self.fingerprints.put_many(
            {identity: one.fingerprint for identity, one in encoded.items() if one.fingerprint is not None}
        )
        self.embeddings.put_many(
            image_tower_name(encoder), {identity: one.embedding for identity, one in encoded.items()}
        )
        self.pictures.put_many(
            {identity: KeptPicture(one.data, one.to_show) for identity, one in encoded.items() if one.data is not None}
        )

    def close(self) -> None:
        """Close the files; the next use opens them again."""
        self.embeddings.close()
        self.fingerprints.close()
        self.pictures.close()
        self.texts.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()


def store_of_texts(directory: Path) -> EmbeddingStore:
    """The `Memory.texts` of a directory."""
    return EmbeddingStore(directory / TEXTS_FILE, holds="neutral phrases")


class EncodedPictures:
    """Encoded pictures by their candidates' identity, at most `largest_bytes` of them; the longest unused go first.

    All are of one encoder, in this process. May be used from several threads.
    """

    def __init__(self, largest_bytes: int = 256 << 20) -> None:
        self._largest_bytes = largest_bytes
        self._kept: OrderedDict[tuple[str, str], EncodedPicture] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def get(self, candidate: Candidate) -> EncodedPicture | None:
        """What is kept of the candidate's picture; None where nothing is."""
        with self._lock:
            return self._kept.get(candidate.identity)

    def put(self, candidate: Candidate, encoded: EncodedPicture) -> None:
        """Keep it as the latest used, in place of what was kept before."""
        with self._lock:
            if (before := self._kept.pop(candidate.identity, None)) is not None:
                self._bytes -= before.size
            self._kept[candidate.identity] = encoded
            self._bytes += encoded.size
            while self._bytes > self._largest_bytes:
                _, oldest = self._kept.popitem(last=False)
                self._bytes -= oldest.size
