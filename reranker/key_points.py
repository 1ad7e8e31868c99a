"""Key points of a picture, for people to look at."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from phrasepix_core.candidate import Candidate
from reranker.encoder import Encoder, image_tower_name, preparing
from reranker.memory import Memory
from reranker.pairs import ShowsKeyPoints, features_of


def key_points_of(
    encoder: Encoder, candidate: Candidate | None, picture: Image.Image, memory: Memory
) -> NDArray[np.float32]:
    """Return where the key points of a picture lie, float32 [n, 2] as shares of width and height.

    They are those remembered of the candidate; without any, they are found in the picture. An encoder that shows none
    gives none.
    """
    if not isinstance(encoder, ShowsKeyPoints):
        return np.empty((0, 2), dtype=np.float32)
    features = None
    if candidate is not None:
        found = memory.embeddings.features(image_tower_name(encoder), [candidate.identity])
        features = found.get(candidate.identity)
    if features is None:
        features = features_of(encoder, preparing(encoder).prepare_picture(picture))
    return encoder.key_point_places(features or b"")
