"""An exported text tower of a pairing, on the CPU, without torch."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from reranker.encoder import Embeddings, unit_rows
from reranker.engine.cpu_text_tower import CpuTextTower
from reranker.engine.exported_text_tower import ExportedTextTower
from reranker.engine.file_tokenizer import FileTokenizer
from reranker.engine.precomputed_texts import read_precomputed_texts
from reranker.engine.tower import Renew, undamaged
from reranker.models.truncation import Tokenize, unread_words


class OpenVinoTextTower:
    """The text tower in `artefacts`, loaded when it is used, in f32. `title` names it to people.

    `renew` exports it again where it is gone.
    """

    def __init__(self, artefacts: ExportedTextTower, title: str, *, renew: Renew | None = None) -> None:
        self._artefacts = artefacts
        self._tower = CpuTextTower(artefacts, artefacts.tower, "f32", renew)
        self._renew = renew
        self._name = f"{title} openvino f32 {artefacts.fingerprint}"
        self._lazy_tokenizer: Tokenize | None = None

    @property
    def name(self) -> str:
        """Title, engine, precision and a digest of its files."""
        return self._name

    @property
    def dimensions(self) -> int:
        """The length of an embedding."""
        return self._artefacts.dimensions

    def encode_texts(self, texts: Sequence[str]) -> Embeddings:
        """One unit row a text: float32 [len(texts), dimensions].

        What of a text lies beyond the model's context is not read; `unread` says what.
        """
        if not texts:
            return np.empty((0, self.dimensions), dtype=np.float32)
        return unit_rows(self._tower(_used(self._tokenizer(texts), self._artefacts.padding)))

    def unread(self, text: str) -> str:
        """Return the words of a text that lie beyond the model's context; empty if it reads all."""
        return unread_words(text, self._tokenizer, self._artefacts.padding)

    @property
    def _tokenizer(self) -> Tokenize:
        if self._lazy_tokenizer is None:
            self._lazy_tokenizer = undamaged(
                self._artefacts, lambda: FileTokenizer(self._artefacts.directory), self._renew
            )
        return self._lazy_tokenizer

    def known_texts(self, texts: Sequence[str]) -> Embeddings | None:
        """One unit row a text, where all of them were encoded with the export; the tower is not loaded."""
        return read_precomputed_texts(self._artefacts.directory, texts)

    def release(self) -> None:
        """Give its memory back, until it is used again."""
        self._tower.release()

    def __repr__(self) -> str:
        return f"OpenVinoTextTower({self._name!r})"


def _used(tokens: NDArray[np.int64], padding: int) -> NDArray[np.int64]:
    """The columns up to the last that is not padding in all texts."""
    in_use = np.flatnonzero((tokens != padding).any(axis=0))
    used = int(in_use[-1]) + 1 if len(in_use) else 1
    return tokens[:, :used]
