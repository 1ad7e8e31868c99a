"""The seam of stage 2: whatever turns texts and pictures into unit vectors of one space."""

from collections.abc import Sequence
from typing import Any, Protocol, TypeVar, runtime_checkable

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from reranker.errors import ModelError

Embeddings = NDArray[np.float32]
"""float32 [n, dimensions], each row of L2 norm 1."""

Prepared = TypeVar("Prepared")
"""What an image tower takes of one picture, such as float32 [3, height, width]."""


@runtime_checkable
class Encoder(Protocol):
    """Texts and pictures in, embeddings out. A reranker calls it from several threads, one at a time.

    Nothing in, an array [0, dimensions] out. An embedding is the same each time, whatever else is in the batch, and
    rows come in the order of what was given. `reranker.testing.check_encoder` checks every promise made here.
    """

    @property
    def name(self) -> str:
        """Identifies weights and preprocessing: an embedding may be reused only under the same name."""
        ...

    @property
    def dimensions(self) -> int:
        """The length of an embedding."""
        ...

    @property
    def input_side(self) -> int:
        """The side in pixels of what the model looks at: a picture whose short side has that many is large enough."""
        ...

    def encode_texts(self, texts: Sequence[str]) -> Embeddings:
        """One unit row a text: float32 [len(texts), dimensions]. Any text has one: empty, long, of any script."""
        ...

    def encode_pictures(self, pictures: Sequence[Image.Image]) -> Embeddings:
        """One unit row a picture: float32 [len(pictures), dimensions].

        A picture of any size has one, and is not changed. One of another mode than RGB counts as what `convert("RGB")`
        makes of it. A large JPEG comes at a fraction of its size, two and a half times the `input_side` at least: it is
        a `reranker.reduced_picture.ReducedPicture`, which says where in it the whole one lies; who heeds that resizes
        from there.
        """
        ...


@runtime_checkable
class SharesImageTower(Protocol):
    """An encoder whose pictures are embedded as by others: one of several text towers over the same image tower."""

    @property
    def image_tower_name(self) -> str:
        """Identifies the image tower's weights and preprocessing, as `Encoder.name` does the whole."""
        ...


def image_tower_name(encoder: Encoder) -> str:
    """The name under which an encoder's embeddings of pictures may be reused: its own, unless it says another."""
    name: str = getattr(encoder, "image_tower_name", encoder.name)  # far quicker than `isinstance`
    return name


@runtime_checkable
class MadeOfEmbeddings(Protocol):
    """An encoder whose embeddings of pictures are made of another's, as an adapter's are of its base's."""

    @property
    def base_tower_name(self) -> str:
        """The `image_tower_name` of that other, whose embeddings are as long as this one's."""
        ...

    def of_base(self, rows: Embeddings) -> Embeddings:
        """What is made of the other's rows: float32 [n, dimensions] each, as if the pictures had been encoded."""
        ...


@runtime_checkable
class DeclaresFamily(Protocol):
    """An `Encoder` that says which family of models it belongs to, so that its scores can be read in words."""

    @property
    def family(self) -> str | None:
        """“clip” (trained by softmax over a batch), “siglip”, “sample”, or another; None or empty: not known.

        The three are written like this: in another spelling they would be of another family.
        """
        ...


@runtime_checkable
class KnowsTexts(Protocol):
    """An `Encoder` that came with the embeddings of some texts, and so need not encode them."""

    def known_texts(self, texts: Sequence[str]) -> Embeddings | None:
        """One unit row a text, as of `Encoder.encode_texts`; None where it does not know them all."""
        ...


@runtime_checkable
class TellsWhatItReads(Protocol):
    """An `Encoder` that reads so much of a text and no more, and says what it leaves out."""

    def unread(self, text: str) -> str:
        """Return the words at the end of a text that it does not read; empty if it reads all."""
        ...


@runtime_checkable
class LoadsAhead(Protocol):
    """An `Encoder` whose image tower takes a moment to load, and can be loaded before there is a picture for it."""

    def load_image_tower(self) -> None:
        """Load it now, in place of the text tower: pictures are on their way, and all texts are encoded."""
        ...


@runtime_checkable
class KeepsOneTower(Protocol):
    """An `Encoder` that holds one of its towers in memory at a time, unless it is told to hold both."""

    def keep_both_towers(self, both: bool) -> None:
        """Whether to hold both from now on: several searches at once would have each loaded again in turns."""
        ...


@runtime_checkable
class EncodesSideBySide(Protocol):
    """An `Encoder` of which a thread may encode texts while another one encodes pictures."""

    @property
    def encodes_side_by_side(self) -> bool:
        """Whether that is so now; for one that `KeepsOneTower`, while it is told to hold both."""
        ...


@runtime_checkable
class PreparesPictures(Protocol[Prepared]):
    """An `Encoder` whose pictures are prepared by many threads at once, while its image tower is at earlier ones."""

    def prepare_picture(self, picture: Image.Image) -> Prepared:
        """What the image tower takes of a picture, as of `Encoder.encode_pictures`; called by many threads at once."""
        ...

    def encode_prepared(self, prepared: Sequence[Prepared]) -> Embeddings:
        """One unit row a prepared picture, as of `Encoder.encode_pictures`: float32 [len(prepared), dimensions]."""
        ...


class _AsTheyAre:
    """Nothing is prepared: the encoder takes pictures."""

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder

    def prepare_picture(self, picture: Image.Image) -> Image.Image:
        """The picture."""
        return picture

    def encode_prepared(self, prepared: Sequence[Image.Image]) -> Embeddings:
        """One unit row a picture: float32 [len(prepared), dimensions]."""
        return self._encoder.encode_pictures(prepared)


def preparing(encoder: Encoder) -> PreparesPictures[Any]:
    """The encoder in two steps, of which the first does nothing where the encoder does both at once."""
    return encoder if isinstance(encoder, PreparesPictures) else _AsTheyAre(encoder)


_UNIT_TO_WITHIN = 0.02
"""How far from 1 the norm of a row may be: half precision and quantised models are not exact."""


def checked_rows(encoder: Encoder, rows: object, count: int, of: str) -> Embeddings:
    """What an `encoder` gave for `count` texts or pictures (`of` says which): float32 [count, dimensions].

    Rows that are not finite pass: the text or picture is to blame, and whoever asked knows which it is. Raises
    `ModelError`, which names what was given, if the shape is wrong or a row has not L2 norm 1.
    """
    wanted = f"one row of {encoder.dimensions} numbers each, of L2 norm 1 (reranker.encoder.unit_rows makes such rows)"
    try:
        given = np.asarray(rows, dtype=np.float32)
    except (TypeError, ValueError):
        raise ModelError(
            f"the encoder {encoder.name} gives {type(rows).__name__} for {count} {of}, not {wanted}"
        ) from None
    if given.shape != (count, encoder.dimensions):
        raise ModelError(
            f"the encoder {encoder.name} gives an array {list(given.shape)} for {count} {of}, not {wanted}"
        )
    norms = np.linalg.norm(given.astype(np.float64), axis=1)
    with np.errstate(invalid="ignore"):
        wrong = norms[np.isfinite(norms) & (np.abs(norms - 1) > _UNIT_TO_WITHIN)]
    if wrong.size:
        raise ModelError(
            f"the encoder {encoder.name} gives a row of L2 norm {wrong[0]:.3g} for {count} {of}, not {wanted}"
        )
    return given


def unit_rows(vectors: NDArray[np.floating]) -> Embeddings:
    """The vectors [n, d] as float32 rows of L2 norm 1. A row that is zero or not finite becomes NaN."""
    rows = vectors.astype(np.float64)  # the square of a small or large float32 is none
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    usable = np.isfinite(norms) & (norms > 0)
    return np.where(usable, rows / np.where(usable, norms, 1), np.nan).astype(np.float32)
