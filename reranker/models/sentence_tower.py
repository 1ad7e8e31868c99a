"""A model of sentence-transformers as a text tower, run by torch."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pickle import UnpicklingError
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError

from phrasepix_core.text import printable, shortened
from reranker.encoder import Embeddings, unit_rows
from reranker.engine.own_process import demand_own_process
from reranker.errors import ModelError
from reranker.models.data_only import demand_data_only_text_tower
from reranker.models.text_weights import TextWeights, find_text_tower
from reranker.models.truncation import unread_words
from reranker.optional_packages import demand_package

_LOADING_FAILURES = (
    RuntimeError, ValueError, OSError, LookupError, TypeError, AttributeError, ImportError, AssertionError, EOFError,
    MemoryError, UnpicklingError, SafetensorError,
)  # fmt: skip
"""What sentence-transformers and the readers of its files raise on what they cannot use."""


@contextmanager
def _no_progress_bar() -> Iterator[None]:
    from transformers.utils import logging

    was_enabled = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if was_enabled:
            logging.enable_progress_bar()


class SentenceTower:
    """The text tower `local-dir:PATH` or `hf-hub:OWNER/NAME`, as sentence-transformers runs it on `device`.

    With `download` False, only what is on this machine is loaded.

    Raises `UnknownModelError`, `WeightsUnavailableError` or `ModelError`.
    """

    def __init__(self, name: str, *, device: str = "cpu", download: bool = True) -> None:
        demand_package("sentence_transformers", f"the text tower {name}, run by torch,")  # before it is downloaded
        self._weights = find_text_tower(name, download=download)
        demand_data_only_text_tower(self._weights.directory, self._weights.files, self._weights.title)
        try:
            from sentence_transformers import SentenceTransformer

            with _no_progress_bar():
                self._model: Any = SentenceTransformer(
                    str(self._weights.directory),
                    device=device,
                    local_files_only=True,
                    trust_remote_code=False,
                    model_kwargs={"weights_only": True},
                )
        except _LOADING_FAILURES as error:
            why = shortened(printable(str(error)), 500) or type(error).__name__
            raise ModelError(f"the text tower {self._weights.title} cannot be loaded: {why}") from None
        self._model.eval()
        self.fingerprint = self._weights.fingerprint()
        self._dimensions = int(self._vectors([""]).shape[1])

    @property
    def name(self) -> str:
        """Its title and a digest of its files."""
        return f"{self._weights.title} {self.fingerprint}"

    @property
    def dimensions(self) -> int:
        """The length of an embedding."""
        return self._dimensions

    @property
    def weights(self) -> TextWeights:
        """Where it came from."""
        return self._weights

    @property
    def model(self) -> Any:
        """sentence-transformers' own model, in evaluation mode."""
        return self._model

    @property
    def context(self) -> int:
        """How many tokens of a text are read."""
        return int(self._model.max_seq_length)

    @property
    def padding(self) -> int:
        """The token id that fills a text up to the context."""
        return int(self._model.tokenizer.pad_token_id or 0)

    def tokenize(self, texts: Sequence[str]) -> NDArray[np.int64]:
        """Token ids, filled up with `padding`: int64 [len(texts), context]."""
        tokens = self._model.tokenizer(list(texts), padding="max_length", truncation=True, max_length=self.context)
        return np.array(tokens["input_ids"], dtype=np.int64)

    def encode_texts(self, texts: Sequence[str]) -> Embeddings:
        """One unit row a text: float32 [len(texts), dimensions].

        What of a text lies beyond the model's context is not read; `unread` says what.
        """
        if not texts:
            return np.empty((0, self.dimensions), dtype=np.float32)
        return unit_rows(self._vectors(texts))

    def unread(self, text: str) -> str:
        """Return the words of a text that lie beyond the model's context; empty if it reads all."""
        return unread_words(text, self.tokenize, self.padding)

    def release(self) -> None:
        """Nothing: loading it anew takes seconds."""

    def _vectors(self, texts: Sequence[str]) -> NDArray[np.float32]:
        demand_own_process("PyTorch")
        vectors: NDArray[np.float32] = self._model.encode(list(texts), show_progress_bar=False)
        return vectors

    def __repr__(self) -> str:
        return f"SentenceTower({self.name!r})"
