"""An encoder of two parts: a text tower, and the image tower in whose space it is."""

from collections.abc import Sequence
from typing import Any, Protocol

from PIL import Image

from reranker.encoder import Embeddings, Encoder, KnowsTexts, LoadsAhead, TellsWhatItReads, image_tower_name, preparing
from reranker.errors import ModelError


class TextTower(Protocol):
    """Texts in, embeddings out."""

    @property
    def name(self) -> str:
        """Identifies its weights."""
        ...

    @property
    def dimensions(self) -> int:
        """The length of an embedding."""
        ...

    def encode_texts(self, texts: Sequence[str]) -> Embeddings:
        """One unit row a text: float32 [len(texts), dimensions]."""
        ...

    def release(self) -> None:
        """Give back memory that is had again when it is needed."""
        ...


class PairedEncoder:
    """Texts by `texts`, pictures by `pictures`: what that one has encoded need not be encoded again.

    Raises `ModelError` where their embeddings differ in length.
    """

    def __init__(self, texts: TextTower, pictures: Encoder) -> None:
        if texts.dimensions != pictures.dimensions:
            raise ModelError(
                f"the text tower {texts.name} is of another space than the model {pictures.name}: "
                f"{texts.dimensions} and {pictures.dimensions} dimensions"
            )
        self._texts = texts
        self._pictures = pictures
        self._preparing = preparing(pictures)
        self._keeps_both = False

    @property
    def name(self) -> str:
        """Both parts."""
        return f"{self._texts.name} + {self._pictures.name}"

    @property
    def image_tower_name(self) -> str:
        """The name under which the other encoder's embeddings of pictures are remembered."""
        return image_tower_name(self._pictures)

    @property
    def dimensions(self) -> int:
        """The length of an embedding."""
        return self._pictures.dimensions

    @property
    def input_side(self) -> int:
        """The side in pixels of what the image tower looks at."""
        return self._pictures.input_side

    def encode_texts(self, texts: Sequence[str]) -> Embeddings:
        """One unit row a text: float32 [len(texts), dimensions]."""
        return self._texts.encode_texts(texts)

    def unread(self, text: str) -> str:
        """Return the words of a text that the text tower does not read; empty if it reads all, or does not tell."""
        return self._texts.unread(text) if isinstance(self._texts, TellsWhatItReads) else ""

    def known_texts(self, texts: Sequence[str]) -> Embeddings | None:
        """One unit row a text, where the text tower came with them all."""
        return self._texts.known_texts(texts) if isinstance(self._texts, KnowsTexts) else None

    def load_image_tower(self) -> None:
        """Load it now, in place of the text tower, where that takes a moment."""
        self._release_texts()
        if isinstance(self._pictures, LoadsAhead):
            self._pictures.load_image_tower()

    def encode_pictures(self, pictures: Sequence[Image.Image]) -> Embeddings:
        """One unit row an RGB picture: float32 [len(pictures), dimensions]."""
        if pictures:
            self._release_texts()
        return self._pictures.encode_pictures(pictures)

    def prepare_picture(self, picture: Image.Image) -> Any:
        """What the image tower takes of an RGB picture."""
        return self._preparing.prepare_picture(picture)

    def encode_prepared(self, prepared: Sequence[Any]) -> Embeddings:
        """One unit row a prepared picture: float32 [len(prepared), dimensions]."""
        if prepared:
            self._release_texts()
        return self._preparing.encode_prepared(prepared)

    def keep_both_towers(self, both: bool) -> None:
        """Whether to hold the text tower too while pictures are encoded, from now on."""
        self._keeps_both = both

    @property
    def encodes_side_by_side(self) -> bool:
        """Whether both towers are held: they are of two encoders."""
        return self._keeps_both

    def _release_texts(self) -> None:
        if not self._keeps_both:
            self._texts.release()

    def __repr__(self) -> str:
        return f"PairedEncoder({self._texts!r}, {self._pictures!r})"
