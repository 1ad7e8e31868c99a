"""What was encoded, on disk."""

from collections.abc import Collection, Mapping, Sequence
from copy import copy
from pathlib import Path
from typing import Self

import numpy as np

from phrasepix_core.candidate import Candidate
from reranker.encoder import Embeddings, Encoder, MadeOfEmbeddings, image_tower_name
from reranker.memory.embedding_store import EmbeddingStore
from reranker.memory.encoded_pictures import EncodedPicture
from reranker.memory.fingerprint_store import FingerprintStore
from reranker.memory.picture_store import KeptPicture, PictureStore

EMBEDDINGS_FILE, FINGERPRINTS_FILE, PICTURES_FILE = "embeddings.sqlite", "fingerprints.sqlite", "pictures.sqlite"
TEXTS_FILE = "texts.sqlite"


class Memory:
    """What is remembered on disk, in `directory`: embeddings and fingerprints for good, picture files for a day.

    `texts` are embeddings of phrases, such as those that others are read against.

    No file is kept of a candidate that its source wants shown by its own address (`Candidate.hotlink`), nor of the
    sources `no_files_of`, whose terms do not let files be kept for a day.

    Many threads and processes may use one directory at once. Nothing that is wrong with it ends a search.
    """

    def __init__(self, directory: Path, *, no_files_of: Collection[str] = ()) -> None:
        self._no_files_of = frozenset(no_files_of)
        self._brought: Mapping[tuple[str, str], Embeddings] = {}
        self._brought_of = ""
        self.embeddings = EmbeddingStore(directory / EMBEDDINGS_FILE)
        self.fingerprints = FingerprintStore(directory / FINGERPRINTS_FILE)
        self.pictures = PictureStore(directory / PICTURES_FILE)
        self.texts = store_of_texts(directory)

    def look_up(self, encoder: Encoder, candidates: Sequence[Candidate]) -> dict[tuple[str, str], EncodedPicture]:
        """Those of the candidates this encoder has encoded before, by identity; without their files.

        Encoders that share an image tower share what it encoded, and one that is `MadeOfEmbeddings` what its base did.
        """
        found = self.embeddings_of(encoder, [candidate.identity for candidate in candidates])
        fingerprints = self.fingerprints.get_many(found)
        return {
            identity: EncodedPicture(embedding, fingerprint=fingerprints.get(identity))
            for identity, embedding in found.items()
        }

    def embeddings_of(
        self, encoder: Encoder, identities: Sequence[tuple[str, str]]
    ) -> dict[tuple[str, str], Embeddings]:
        """The embeddings by this encoder of those that it, or what it is `MadeOfEmbeddings` of, has encoded before."""
        found = self._by_tower(image_tower_name(encoder), encoder.dimensions, identities)
        unknown = [identity for identity in identities if identity not in found]
        if unknown and isinstance(encoder, MadeOfEmbeddings):
            by_base = self._by_tower(encoder.base_tower_name, encoder.dimensions, unknown)
            if by_base:
                found |= zip(by_base, encoder.of_base(np.stack([*by_base.values()])), strict=True)
        return found

    def _by_tower(
        self, tower: str, dimensions: int, identities: Sequence[tuple[str, str]]
    ) -> dict[tuple[str, str], Embeddings]:
        brought = self._brought if tower == self._brought_of else {}
        found = {identity: brought[identity] for identity in identities if identity in brought}
        unknown = [identity for identity in identities if identity not in found]
        return found | self.embeddings.get_many(tower, dimensions, unknown)

    def without_files_of(self, sources: Collection[str]) -> Self:
        """Return the same memory, its files shared, that keeps no picture files of `sources`."""
        other = copy(self)
        other._no_files_of = frozenset(sources)
        return other

    def with_embeddings(self, tower: str, brought: Mapping[tuple[str, str], Embeddings]) -> Self:
        """Return the same memory, its files shared, that has those `brought` along too, by identity.

        They are of the image `tower` (`image_tower_name`); more may come while it is used.
        """
        other = copy(self)
        other._brought_of, other._brought = tower, brought
        return other

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
            image_tower_name(encoder),
            {identity: one.embedding for identity, one in encoded.items()},
            {identity: one.features for identity, one in encoded.items() if one.features is not None},
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
