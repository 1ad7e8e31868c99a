"""A trained network as an `Encoder` of pictures, on the CPU, without torch."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from reranker.encoder import Embeddings
from reranker.engine.picture_tower import PictureTower, usual_precision
from reranker.engine.tower import Renew
from reranker.errors import NoTextsError, UnknownModelError
from reranker.networks.export import exported
from reranker.networks.exported_network import ExportedNetwork
from reranker.networks.network import Network

if TYPE_CHECKING:
    from reranker.models.registry import Loading


def load_network(network: Network, loading: "Loading") -> "NetworkEncoder":
    """The network, exported below `loading.cache_directory` where it is not yet.

    Raises `UnknownModelError` for a device other than the CPU, `WeightsUnavailableError` and `ModelError`.
    """
    if loading.device not in {"auto", "cpu"}:
        raise UnknownModelError(f"the encoder {network.name} runs on the CPU, not on {loading.device}")

    def made() -> ExportedNetwork:
        return exported(network, loading.cache_directory, download=loading.download)

    return NetworkEncoder(made(), network.name, renew=made)


class NetworkEncoder:
    """The network in `artefacts`, loaded when it is used. `title` names it to people, `precision` is f32 or bf16.

    `renew` exports it again where it is gone.
    """

    def __init__(
        self, artefacts: ExportedNetwork, title: str, *, precision: str | None = None, renew: Renew | None = None
    ) -> None:
        self._artefacts = artefacts
        self._title = title
        precision = precision or usual_precision(artefacts.parameters, artefacts.compiled)
        self._name = f"{title} openvino image {precision} {artefacts.fingerprint}"
        self._tower = PictureTower(
            artefacts, artefacts.tower, artefacts.preprocessing, artefacts.dimensions, precision, renew
        )

    @property
    def name(self) -> str:
        """Network, engine, precision and a digest of weights, preprocessing and graph."""
        return self._name

    @property
    def dimensions(self) -> int:
        """The length of an embedding."""
        return self._artefacts.dimensions

    @property
    def input_side(self) -> int:
        """The short side in pixels of what the network's square is cropped from."""
        return self._artefacts.preprocessing.resized_to or self._artefacts.preprocessing.width

    def encode_texts(self, texts: Sequence[str]) -> Embeddings:
        """Raise `NoTextsError`."""
        raise NoTextsError.of(self._title)

    def encode_pictures(self, pictures: Sequence[Image.Image]) -> Embeddings:
        """One unit row a picture: float32 [len(pictures), dimensions]. They are prepared on all cores."""
        return self._tower.encode(pictures)

    def prepare_picture(self, picture: Image.Image) -> NDArray[np.float32]:
        """What the network takes of a picture: float32 [3, height, width]."""
        return self._tower.prepare(picture)

    def encode_prepared(self, prepared: Sequence[NDArray[np.float32]]) -> Embeddings:
        """One unit row a prepared picture: float32 [len(prepared), dimensions]."""
        return self._tower.encode_prepared(prepared)

    def load_image_tower(self) -> None:
        """Load the network now."""
        self._tower.load()

    def __repr__(self) -> str:
        return f"NetworkEncoder({self._name!r})"
