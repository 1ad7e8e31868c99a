"""Unit vectors of texts and pictures, by a model that the finder has loaded."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from phrasepix.errors import WrongQueryError
from phrasepix.finder import Finder
from phrasepix.public_pictures import decoded_picture
from phrasepix.query_inputs import is_address
from phrasepix.server.uploaded_pictures import UploadedPictures, file_in_data_url, is_data_url
from phrasepix_core.text import same_text
from reranker.encoder import Embeddings, checked_rows

if TYPE_CHECKING:
    from reranker.text_cache import TextEmbeddingCache

_FETCHED_AT_ONCE = 8
_BATCH = 32


@dataclass(frozen=True, slots=True)
class TextInput:
    """A text to embed."""

    text: str


@dataclass(frozen=True, slots=True)
class PictureInput:
    """A picture to embed, by its data URL or its http or https address."""

    url: str


Input = TextInput | PictureInput


def input_of(text: str) -> Input:
    """Return what a text is: a picture, if it is a data URL of one or an address, or words."""
    return PictureInput(text) if is_data_url(text) or is_address(text) else TextInput(text)


@dataclass(frozen=True, slots=True)
class Embedder:
    """Embeds with one model."""

    texts: "TextEmbeddingCache"
    pictures: UploadedPictures

    @classmethod
    def of_model(
        cls, finder: Finder, pictures: UploadedPictures, model: str | None, pretrained: str | None
    ) -> "Embedder":
        """Return the embedder of a model, which is loaded if it is not. Raises as a search does."""
        return cls(finder.loaded_model(model, pretrained), pictures)

    @property
    def dimensions(self) -> int:
        """The length of a vector."""
        return self.texts.encoder.dimensions

    def embed(self, inputs: Sequence[Input]) -> Embeddings:
        """Return one unit row an input, in their order: float32 [len(inputs), dimensions].

        Raises `WrongQueryError` for what gives none, and what fetching a picture raises.
        """
        rows = np.empty((len(inputs), self.dimensions), dtype=np.float32)
        # Texts as phrases are: what looks the same has the same vector.
        texts = {place: same_text(one.text) for place, one in enumerate(inputs) if isinstance(one, TextInput)}
        urls = {place: one.url for place, one in enumerate(inputs) if isinstance(one, PictureInput)}
        rows[list(texts)] = self._encoded_texts(list(texts.values()))
        rows[list(urls)] = self._encoded_pictures(list(urls.values()))
        if not np.isfinite(rows).all():
            place = int(np.flatnonzero(~np.isfinite(rows).all(axis=1))[0])
            raise WrongQueryError(f"the model {self.texts.encoder.name} gives no finite embedding for input {place}")
        return rows

    def _encoded_texts(self, texts: list[str]) -> Embeddings:
        rows = self._no_rows()
        for batch in _batches(texts):
            with self.texts.texts_in_use:
                encoded = self.texts.encoder.encode_texts(batch)
            rows.append(checked_rows(self.texts.encoder, encoded, len(batch), "texts"))
        return np.concatenate(rows)

    def _encoded_pictures(self, urls: list[str]) -> Embeddings:
        rows = self._no_rows()
        with ThreadPoolExecutor(_FETCHED_AT_ONCE) as threads:
            for batch in _batches(urls):
                pictures = list(threads.map(self._picture, batch))
                with self.texts.in_use:
                    encoded = self.texts.encoder.encode_pictures(pictures)
                rows.append(checked_rows(self.texts.encoder, encoded, len(batch), "pictures"))
        return np.concatenate(rows)

    def _no_rows(self) -> list[Embeddings]:
        return [np.empty((0, self.dimensions), dtype=np.float32)]

    def _picture(self, url: str) -> Image.Image:
        return decoded_picture(file_in_data_url(url) if is_data_url(url) else self.pictures.file_at(url))


def _batches(several: list[str]) -> Iterator[list[str]]:
    return (several[start : start + _BATCH] for start in range(0, len(several), _BATCH))
