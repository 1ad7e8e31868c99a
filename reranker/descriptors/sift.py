"""SIFT: scale-invariant features, as square roots (root-SIFT), compared by geometry.

Lowe, Distinctive image features from scale-invariant keypoints (IJCV 2004); its patent ended in 2020. Square roots of
the L1-normalised descriptor: Arandjelović and Zisserman, Three things everyone should know to improve object retrieval
(CVPR 2012).
"""

import numpy as np

from reranker.descriptors.local_encoder import FeatureKind, Found, Grey, loads
from reranker.encoder_profile import EncoderFactory, EncoderProfile

_MOST = 300
_CONTRAST = 0.02
"""Half of what OpenCV takes: soft pictures have key points too, and of many a few are kept anyway."""


def _find(grey: Grey) -> Found:
    import cv2

    from reranker.descriptors.chosen_points import chosen_points

    detector = cv2.SIFT_create(contrastThreshold=_CONTRAST)
    found = detector.detect(grey, None)
    points, descriptors = detector.compute(grey, [found[at] for at in chosen_points(found, _MOST, grey.shape)])
    if descriptors is None:
        return points, None
    sums = np.maximum(descriptors.sum(axis=1, keepdims=True), 1e-6)
    roots = np.sqrt(descriptors / sums)  # of L2 norm 1; hardly a number above a half
    return points, np.minimum(np.rint(roots * 512), 255).astype(np.uint8)


KIND = FeatureKind(name="sift", version=2, find=_find, most=_MOST, width=128, binary=False)

PROFILE = EncoderProfile(
    title="SIFT, verified by geometry",
    encodes=frozenset({"pictures"}),
    bytes_per_picture=KIND.bytes_per_picture,
    licence="Apache-2.0",
    home_url="https://docs.opencv.org/4.x/d7/d60/classcv_1_1SIFT.html",
    extra="descriptors",
)

FACTORY = EncoderFactory(PROFILE, loads(KIND, PROFILE))
