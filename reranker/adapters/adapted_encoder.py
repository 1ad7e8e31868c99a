"""An encoder behind which a learnt layer changes what it says; the encoder itself stays as it is."""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from reranker.adapters.adapter import Adapter, read_layer
from reranker.encoder import (
    Embeddings,
    Encoder,
    EncodesSideBySide,
    KeepsOneTower,
    KnowsTexts,
    LoadsAhead,
    TellsWhatItReads,
    image_tower_name,
    preparing,
)
from reranker.encoder_profile import EncoderProfile, HasProfile, adapted_profile
from reranker.errors import ModelError

logger = logging.getLogger(__name__)


class AdaptedEncoder:
    """The `encoder` with the layer of the adapter in `directory`.

    It reads texts if the encoder does, and has a profile if that has one. Raises `ModelError` where the layer is
    damaged or not of such an encoder.
    """

    profile: EncoderProfile

    def __init__(self, encoder: Encoder, directory: Path) -> None:
        adapter = Adapter.read(directory)
        tower = image_tower_name(encoder)
        if adapter.dimensions != encoder.dimensions:
            raise ModelError(
                f"the adapter {adapter.name} is for embeddings of {adapter.dimensions} numbers; those of {tower} have "
                f"{encoder.dimensions}: adapt it again"
            )
        if adapter.base_tower != tower:
            logger.warning(
                "the adapter %s was learnt over %s, which is now %s; if its weights have changed, adapt it again",
                adapter.name,
                adapter.base_tower,
                tower,
            )
        self._encoder = encoder
        self._preparing = preparing(encoder)
        self._layer = read_layer(directory, adapter)
        if isinstance(encoder, HasProfile):
            self.profile = adapted_profile(adapter.name, encoder.profile, adapter.dimensions)
        self._adapted = f"adapter {adapter.name} {adapter.digest} over"

    @property
    def name(self) -> str:
        """The adapter's name and digest, and the encoder's name."""
        return f"{self._adapted} {self._encoder.name}"

    @property
    def image_tower_name(self) -> str:
        """Likewise, of the encoder's image tower."""
        return f"{self._adapted} {image_tower_name(self._encoder)}"

    @property
    def base_tower_name(self) -> str:
        """The encoder's image tower, whose embeddings the layer changes."""
        return image_tower_name(self._encoder)

    def of_base(self, rows: Embeddings) -> Embeddings:
        """What the layer makes of the encoder's rows of pictures: float32 [n, dimensions]."""
        return self._layer.of_pictures(rows)

    @property
    def dimensions(self) -> int:
        """The length of an embedding."""
        return self._encoder.dimensions

    @property
    def input_side(self) -> int:
        """The side in pixels of what the encoder looks at."""
        return self._encoder.input_side

    def encode_texts(self, texts: Sequence[str]) -> Embeddings:
        """One unit row a text: float32 [len(texts), dimensions]. Raises as the encoder where that reads none."""
        return self._layer.of_texts(self._encoder.encode_texts(texts))

    def unread(self, text: str) -> str:
        """Return the words of a text that the encoder does not read."""
        return self._encoder.unread(text) if isinstance(self._encoder, TellsWhatItReads) else ""

    def known_texts(self, texts: Sequence[str]) -> Embeddings | None:
        """One unit row a text, where the encoder came with those of all."""
        known = self._encoder.known_texts(texts) if isinstance(self._encoder, KnowsTexts) else None
        return None if known is None else self._layer.of_texts(known)

    def encode_pictures(self, pictures: Sequence[Image.Image]) -> Embeddings:
        """One unit row a picture: float32 [len(pictures), dimensions]."""
        return self._layer.of_pictures(self._encoder.encode_pictures(pictures))

    def prepare_picture(self, picture: Image.Image) -> Any:
        """What the encoder takes of a picture."""
        return self._preparing.prepare_picture(picture)

    def encode_prepared(self, prepared: Sequence[Any]) -> Embeddings:
        """One unit row a prepared picture: float32 [len(prepared), dimensions]."""
        return self._layer.of_pictures(self._preparing.encode_prepared(prepared))

    def load_image_tower(self) -> None:
        """Load the encoder's image tower, if that loads ahead."""
        if isinstance(self._encoder, LoadsAhead):
            self._encoder.load_image_tower()

    def keep_both_towers(self, both: bool) -> None:
        """Whether the encoder holds both towers from now on, if it has a choice."""
        if isinstance(self._encoder, KeepsOneTower):
            self._encoder.keep_both_towers(both)

    @property
    def encodes_side_by_side(self) -> bool:
        """Whether the encoder does so."""
        return isinstance(self._encoder, EncodesSideBySide) and self._encoder.encodes_side_by_side

    def __repr__(self) -> str:
        return f"AdaptedEncoder({self.name!r})"
