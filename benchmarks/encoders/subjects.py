"""What is measured, each behind the same two methods: the encoders, and what others do with the same pictures."""

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from phrasepix.models.catalogue import choose_model
from phrasepix_core.extras import is_installed
from reranker.encoder import Encoder, preparing
from reranker.engine.factory import load_encoder
from reranker.errors import ModelError
from reranker.loading import Loading
from reranker.models.registry import load_registered, registered_names
from reranker.pairs import VerifiesPairs, agreements_of, features_of
from retriever.directories import cache_directory

Scores = NDArray[np.float64]
SAMPLE = "sample CLIP"
OPENCV_SIFT, OPENCV_ORB = "OpenCV SIFT", "OpenCV ORB"
HASHES = {"imagededup PHash": "PHash", "imagededup DHash": "DHash", "imagededup WHash": "WHash"}
RIVALS = {"sift": (OPENCV_SIFT,), "orb": (OPENCV_ORB,), "phash": tuple(HASHES)}
"""What stands beside which of the encoders."""
ORDER = ("sift", "akaze", "orb", "hog", "colour", "phash", "efficientnet-lite0")
"""Those shown first."""
_FEATURES = 1000
_RATIO = 0.75
_WITHIN_PX = 5.0


class Subject(Protocol):
    """Describes pictures, and says by the descriptions how like a picture is to each of others."""

    name: str
    key: str
    """Tells what was measured of it from what was of another version."""
    one_in: int
    """It is asked one in so many of the questions, among their pictures alone: 1 is all of them, among all pictures."""

    def described(self, picture: Image.Image) -> Any:
        """What is kept of a picture."""
        ...

    def scores(self, asked: Any, pool: Sequence[Any]) -> Scores:
        """How like each of the pool is to what was asked, the likest highest: float64 [len(pool)]."""
        ...


class EncoderSubject:
    """An encoder: by the cosine of embeddings and, where it compares pairs, the best of these in pairs."""

    one_in = 1

    def __init__(self, name: str, encoder: Encoder) -> None:
        self.name = name
        self.key = encoder.name
        self.encoder = encoder

    def described(self, picture: Image.Image) -> Any:
        """The picture's embedding, and its features."""
        steps = preparing(self.encoder)
        prepared = steps.prepare_picture(picture)
        return steps.encode_prepared([prepared])[0], features_of(self.encoder, prepared) or b""

    def scores(self, asked: Any, pool: Sequence[Any]) -> Scores:
        """Cosines; the best are 10 and more above the others, by how they agree."""
        found: Scores = np.stack([row for row, _ in pool]).astype(np.float64) @ asked[0]
        if isinstance(self.encoder, VerifiesPairs):
            best = np.argsort(-found)[: self.encoder.verified]
            agreed = agreements_of(self.encoder, asked[1], [pool[place][1] for place in best])
            found[best] += [10 + 10 * one.score for one in agreed]
        return found


class OpenCvMatcher:
    """The usual recipe: brute-force matcher, ratio test, homography by RANSAC, for each pair; inliers are the score."""

    one_in = 2

    def __init__(self, name: str) -> None:
        import cv2

        self.name = self.key = name
        is_sift = name == OPENCV_SIFT
        self._detector: Any = cv2.SIFT_create(_FEATURES) if is_sift else cv2.ORB_create(_FEATURES)
        self._matcher = cv2.BFMatcher(cv2.NORM_L2 if is_sift else cv2.NORM_HAMMING)

    def described(self, picture: Image.Image) -> Any:
        """The places of its key points, float32 [n, 2], and their descriptors."""
        points, descriptors = self._detector.detectAndCompute(np.asarray(picture.convert("L")), None)
        return np.array([one.pt for one in points], dtype=np.float32).reshape(-1, 2), descriptors

    def scores(self, asked: Any, pool: Sequence[Any]) -> Scores:
        """Inliers."""
        return np.array([self._inliers(asked, other) for other in pool], dtype=np.float64)

    def _inliers(self, one: Any, other: Any) -> int:
        import cv2

        if one[1] is None or other[1] is None or len(other[1]) < 2:
            return 0
        pairs = self._matcher.knnMatch(one[1], other[1], k=2)
        good = [pair[0] for pair in pairs if len(pair) == 2 and pair[0].distance < _RATIO * pair[1].distance]
        if len(good) < 4:
            return 0
        source, target = one[0][[match.queryIdx for match in good]], other[0][[match.trainIdx for match in good]]
        _, mask = cv2.findHomography(source, target, cv2.RANSAC, _WITHIN_PX)
        return 0 if mask is None else int(mask.sum())


class ImageDedupHash:
    """A hash of imagededup's, compared by the bits that differ."""

    one_in = 1

    def __init__(self, name: str) -> None:
        from imagededup import methods

        self.name = self.key = name
        self._hash = getattr(methods, HASHES[name])(verbose=False)

    def described(self, picture: Image.Image) -> Any:
        """The hash, as hexadecimal digits."""
        return self._hash.encode_image(image_array=np.asarray(picture))

    def scores(self, asked: Any, pool: Sequence[Any]) -> Scores:
        """Fewer bits that differ are more."""
        return -np.array([self._hash.hamming_distance(asked, other) for other in pool], dtype=np.float64)


def subject_named(name: str) -> Subject:
    """Load one of `names`. Raises `ModelError`, which says what is missing."""
    if name in (OPENCV_SIFT, OPENCV_ORB):
        return OpenCvMatcher(name)
    if name in HASHES:
        return ImageDedupHash(name)
    if name == SAMPLE:
        _, choice = choose_model(None, None, only_the_sample=True)
        return EncoderSubject(name, load_encoder(choice, cache_directory(), device="cpu"))
    return EncoderSubject(name, load_registered(name, Loading(cache_directory=cache_directory(), download=False)))


def names() -> list[str]:
    """What can be measured, if its weights and packages are here."""
    rivals = [OPENCV_SIFT, OPENCV_ORB] if is_installed("cv2") else []
    rivals += list(HASHES) if is_installed("imagededup") else []
    others = sorted(set(registered_names()) - set(ORDER))
    return [*ORDER, SAMPLE, *others, *rivals]


def loaded(wanted: Sequence[str]) -> tuple[list[Subject], dict[str, str]]:
    """Those of the names that can be loaded, and why others cannot."""
    found: list[Subject] = []
    missing = {}
    for name in wanted:
        try:
            found.append(subject_named(name))
        except ModelError as error:
            missing[name] = str(error)
    return found, missing
