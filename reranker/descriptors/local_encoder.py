"""Encoder by local features: their VLAD for a first order, their geometry for the best of it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from reranker.descriptors.local_features import LocalFeatures, bytes_of
from reranker.descriptors.picture_encoder import PictureEncoder
from reranker.descriptors.vlad import Codebook
from reranker.encoder import Embeddings, unit_rows
from reranker.encoder_profile import EncoderProfile
from reranker.loading import Loading
from reranker.optional_packages import demand_package
from reranker.pairs import NO_AGREEMENT, Agreement

if TYPE_CHECKING:
    import cv2

PIXELS = 640 * 480
"""What a larger picture is scaled down to before key points are looked for."""
LONGEST_SIDE = 8000
"""In pixels, of what key points are looked for in; a longer picture is scaled down to it."""
_LEAST_SIDE = 16
"""A smaller picture has no key points."""
_INPUT_SIDE = 480
_LAYOUT_SIDE = 4
_LAYOUT = 3 * _LAYOUT_SIDE**2 + 1
_FEW = 8.0
"""How many key points make the coarse layout count for a half (in length); with none it is all there is."""

Grey = NDArray[np.uint8]
"""A picture's brightness, uint8 [height, width]."""
Found = tuple["Sequence[cv2.KeyPoint]", NDArray[np.uint8] | None]
"""Key points, as OpenCV has them, and a descriptor of each, uint8 [n, w]; None where there is none."""

DIMENSIONS = 32 * 32
"""Of the shipped codebooks' vectors: 32 centres of 32 numbers."""


@dataclass(frozen=True, slots=True)
class Described:
    """What is made of one picture: its local features, and its coarse `layout`, float32 [49]."""

    features: LocalFeatures
    layout: NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureKind:
    """A kind of local features: its name, how they are found, how wide a descriptor is, and how they are compared.

    `find` gives at most `most` of them; `version` counts its changes. `binary` ones are bits. `verified` says how many
    of the best pictures are compared by them.
    """

    name: str
    version: int
    find: Callable[[Grey], Found]
    most: int
    width: int
    binary: bool
    verified: int = 100

    @property
    def bytes_per_picture(self) -> int:
        """What is remembered of a picture, at most: its embedding and its features."""
        return 4 * (DIMENSIONS + _LAYOUT) + bytes_of(self.most, self.width)


class LocalEncoder(PictureEncoder[Described]):
    """Pictures by the VLAD of their local features, and by a coarse layout where there are few of these.

    A picture without a single key point, such as a plain one, is known by its layout alone: 4 × 4 colours.
    """

    def __init__(self, kind: FeatureKind, profile: EncoderProfile) -> None:
        self._kind = kind
        self._codebook = Codebook.named(kind.name)
        name = f"{kind.name} {kind.version} (codebook {self._codebook.digest})"
        super().__init__(name, profile, dimensions=self._codebook.dimensions + _LAYOUT, input_side=_INPUT_SIDE)

    @property
    def verified(self) -> int:
        """How many of the best pictures are compared by their features."""
        return self._kind.verified

    def prepare_picture(self, picture: Image.Image) -> Described:
        """Find the features of a picture."""
        rgb = _scaled(picture.convert("RGB"))
        if min(rgb.size) < _LEAST_SIDE:
            return Described(self._features(rgb, [], None), _layout(rgb))
        return Described(self._features(rgb, *self._kind.find(np.asarray(rgb.convert("L")))), _layout(rgb))

    def _features(
        self, rgb: Image.Image, points: "Sequence[cv2.KeyPoint]", descriptors: NDArray[np.uint8] | None
    ) -> LocalFeatures:
        if descriptors is None:
            points, descriptors = [], np.empty((0, self._kind.width), dtype=np.uint8)
        return LocalFeatures(
            rgb.size,
            np.array([one.pt for one in points], dtype=np.float32).reshape(-1, 2),
            np.array([one.angle for one in points], dtype=np.float32),
            np.array([one.size for one in points], dtype=np.float32),
            descriptors,
        )

    def encode_prepared(self, prepared: Sequence[Described]) -> Embeddings:
        """One unit row a picture: float32 [len(prepared), dimensions]."""
        rows = [self._embedding(one) for one in prepared]
        return unit_rows(np.stack(rows)) if rows else np.empty((0, self.dimensions), dtype=np.float32)

    def features(self, prepared: Described) -> bytes:
        """The local features of a picture, to be remembered."""
        return prepared.features.to_bytes()

    def agreement(self, one: bytes, other: bytes) -> Agreement:
        """How far two pictures agree: n / (n + 8) for n key points that one perspective maps onto each other.

        Eight of them make 0.5, 24 make 0.75, 72 make 0.9; fewer than six count as none, for chance places so many.
        """
        return self.agreements(one, [other])[0]

    def agreements(self, one: bytes, others: Sequence[bytes]) -> list[Agreement]:
        """The `agreement` of a picture with each of several."""
        from reranker.descriptors.pair_geometry import agreements  # brings OpenCV

        ours, theirs = self.key_points(one), [self.key_points(other) for other in others]
        found = [NO_AGREEMENT] * len(others)
        places = [place for place, features in enumerate(theirs) if features is not None]
        if ours is not None and places:
            usable = [features for features in theirs if features is not None]
            for place, agreed in zip(places, agreements(ours, usable, binary=self._kind.binary), strict=True):
                found[place] = agreed
        return found

    def key_points(self, features: bytes) -> LocalFeatures | None:
        """The key points that `features` remember; None where they are of another kind."""
        found = LocalFeatures.from_bytes(features)
        return found if found is not None and found.descriptors.shape[1] == self._kind.width else None

    def key_point_places(self, features: bytes) -> NDArray[np.float32]:
        """Where the key points lie that `features` remember, float32 [n, 2] as shares of width and height."""
        found = self.key_points(features)
        return np.empty((0, 2), dtype=np.float32) if found is None else found.shares

    def _embedding(self, described: Described) -> NDArray[np.float32]:
        count = len(described.features)
        layout = _FEW / (_FEW + count)
        vlad = self._codebook.vlad(as_vectors(described.features.descriptors, binary=self._kind.binary))
        return np.concatenate([np.sqrt(1 - layout**2) * vlad, layout * described.layout])


def as_vectors(descriptors: NDArray[np.uint8], *, binary: bool) -> NDArray[np.float32]:
    """Return descriptors as a codebook takes them: bits as −1 and 1, else numbers as they are, of L2 norm 1."""
    if binary:
        bits = np.unpackbits(descriptors, axis=1).astype(np.float32) * 2 - 1
        return bits / np.float32(np.sqrt(bits.shape[1]))
    vectors = descriptors.astype(np.float32)
    found: NDArray[np.float32] = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-6)
    return found


def loads(kind: FeatureKind, profile: EncoderProfile) -> Callable[[Loading], LocalEncoder]:
    """Return what loads the encoder of a kind. It raises `ModelError` where OpenCV is missing."""

    def load(loading: Loading) -> LocalEncoder:
        demand_package("cv2", f"the encoder {kind.name}")
        return LocalEncoder(kind, profile)

    return load


def _scaled(picture: Image.Image) -> Image.Image:
    """The picture with at most `PIXELS`, and no side longer than `LONGEST_SIDE`."""
    width, height = picture.size
    scale = min(1.0, (PIXELS / (width * height)) ** 0.5, LONGEST_SIDE / max(width, height))
    if scale == 1.0:
        return picture
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return picture.resize(size, Image.Resampling.LANCZOS, reducing_gap=2.0)


def _layout(rgb: Image.Image) -> NDArray[np.float32]:
    """Its colours, 4 × 4, about a middle grey, and a little that all have: float32 [49] of L2 norm 1."""
    small = rgb.resize((_LAYOUT_SIDE, _LAYOUT_SIDE), Image.Resampling.BOX)
    colours = np.asarray(small, dtype=np.float32).ravel() / 255 - np.float32(0.5)
    layout = np.concatenate([colours, np.array([0.1], dtype=np.float32)])
    found: NDArray[np.float32] = layout / np.linalg.norm(layout)
    return found
