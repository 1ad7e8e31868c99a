"""An exported CLIP model as an `Encoder`, on the CPU, without torch."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from reranker.encoder import Embeddings, unit_rows
from reranker.engine.clip_tokenizer import ClipTokenizer
from reranker.engine.cpu_text_tower import CpuTextTower
from reranker.engine.exported_model import FROM_FILE, OF_CLIP, ExportedModel
from reranker.engine.own_process import demand_own_process
from reranker.engine.picture_tower import PictureTower, usual_precision
from reranker.engine.precomputed_texts import read_precomputed_texts
from reranker.engine.tower import Renew, undamaged
from reranker.errors import UnknownModelError
from reranker.families import family_of_model
from reranker.models.truncation import Tokenize, unread_words

PRECISIONS = ("auto", "f32", "bf16")


class OpenVinoEncoder:
    """The towers in `artefacts`, each loaded when it is used. `title` names the model to people.

    What is gone by then, as after `phrasepix cache clear`, is exported again by `renew`.

    One tower is in memory at a time, unless `keep_both_towers` says otherwise: each takes a quarter to half a gigabyte
    and is there again in 0.1 to 0.3 s, and a search needs the one for its phrase, then the other for the pictures that
    are new.

    `precision` is of both towers, f32 or bf16, but the first few texts are read in f32 (`CpuTextTower`); auto is bf16
    where the CPU computes in it and the model is large enough to gain by it. What that does to the order is measured
    by `benchmarks.engine_fidelity`.
    """

    def __init__(
        self, artefacts: ExportedModel, title: str, *, precision: str = "auto", renew: Renew | None = None
    ) -> None:
        if precision not in PRECISIONS:
            raise UnknownModelError.not_among("precision", precision, PRECISIONS)
        self._artefacts = artefacts
        if precision == "auto":
            precision = usual_precision(artefacts.image_parameters, artefacts.compiled)
        self._image_tower = PictureTower(
            artefacts, artefacts.image_tower, artefacts.preprocessing, artefacts.dimensions, precision, renew
        )
        self._text_tower = CpuTextTower(artefacts, artefacts.text_tower, precision, renew)
        self._renew = renew
        self._family = family_of_model(title)
        self._name = f"{title} openvino {precision} {artefacts.fingerprint}"
        self._lazy_tokenizer: Tokenize | None = None
        self._keeps_both = False

    @property
    def name(self) -> str:
        """Model, engine, precision and a digest of weights, preprocessing and architecture."""
        return self._name

    @property
    def dimensions(self) -> int:
        """The length of an embedding."""
        return self._artefacts.dimensions

    @property
    def input_side(self) -> int:
        """The side in pixels of what the image tower looks at."""
        return self._artefacts.input_side

    @property
    def family(self) -> str:
        """How the model was trained, as far as its title tells; empty where it does not."""
        return self._family

    @property
    def device(self) -> str:
        """Where the towers run: cpu."""
        return "cpu"

    def encode_texts(self, texts: Sequence[str]) -> Embeddings:
        """One unit row a text: float32 [len(texts), dimensions].

        What of a text lies beyond the model's context is not read; `unread` says what.
        """
        if not texts:
            return np.empty((0, self.dimensions), dtype=np.float32)
        demand_own_process("OpenVINO")
        self._release(self._image_tower)
        tokens = self._tokenizer()(texts)
        if self._artefacts.ends:
            tokens = tokens[:, : _columns(tokens, self._artefacts)]
        return unit_rows(self._text_tower(tokens))

    def unread(self, text: str) -> str:
        """Return the words of a text that lie beyond the model's context; empty if it reads all."""
        return unread_words(text, self._tokenizer(), self._artefacts.padding)

    def known_texts(self, texts: Sequence[str]) -> Embeddings | None:
        """One unit row a text, where all of them were encoded with the export, in f32; no tower is loaded."""
        return read_precomputed_texts(self._artefacts.directory, texts)

    def encode_pictures(self, pictures: Sequence[Image.Image]) -> Embeddings:
        """One unit row an RGB picture: float32 [len(pictures), dimensions]. They are prepared on all cores."""
        demand_own_process("OpenVINO")
        if pictures:
            self._release(self._text_tower)
        return self._image_tower.encode(pictures)

    def prepare_picture(self, picture: Image.Image) -> NDArray[np.float32]:
        """What the image tower takes of an RGB picture: float32 [3, input_side, input_side]."""
        return self._image_tower.prepare(picture)

    def encode_prepared(self, prepared: Sequence[NDArray[np.float32]]) -> Embeddings:
        """One unit row a prepared picture: float32 [len(prepared), dimensions]."""
        if prepared:
            self._release(self._text_tower)
        return self._image_tower.encode_prepared(prepared)

    def load_image_tower(self) -> None:
        """Load the image tower now, in place of the text tower."""
        self._release(self._text_tower)
        self._image_tower.load()

    def keep_both_towers(self, both: bool) -> None:
        """Whether to hold both towers from now on."""
        self._keeps_both = both

    @property
    def encodes_side_by_side(self) -> bool:
        """Whether both towers are held: each has a lock of its own."""
        return self._keeps_both

    def _release(self, tower: CpuTextTower | PictureTower) -> None:
        if not self._keeps_both:
            tower.release()

    def _tokenizer(self) -> Tokenize:
        if self._lazy_tokenizer is None:
            self._lazy_tokenizer = undamaged(self._artefacts, lambda: _tokenizer_of(self._artefacts), self._renew)
        return self._lazy_tokenizer

    def __repr__(self) -> str:
        return f"OpenVinoEncoder({self._name!r})"


def _tokenizer_of(artefacts: ExportedModel) -> Tokenize:
    if artefacts.tokenizer == FROM_FILE:
        from reranker.engine.file_tokenizer import FileTokenizer

        return FileTokenizer(artefacts.directory, clean=artefacts.clean)
    return ClipTokenizer(artefacts.directory, context=artefacts.context, clean=artefacts.clean)


def _columns(tokens: NDArray[np.int64], artefacts: ExportedModel) -> int:
    """How many columns to read: up to the end of the longest text."""
    if artefacts.tokenizer == OF_CLIP:  # the end is the largest id
        used = int(tokens.argmax(axis=1).max()) + 1
    else:
        used = int(np.flatnonzero((tokens != artefacts.padding).any(axis=0)).max(initial=0)) + 1
    return used
