"""AKAZE: binary features from a nonlinear scale space; a free stand-in for SURF.

Alcantarilla, Nuevo and Bartoli, Fast explicit diffusion for accelerated features in nonlinear scale spaces (BMVC 2013).
SURF itself is patented and left out of OpenCV's free builds.
"""

from reranker.descriptors.local_encoder import FeatureKind, Found, Grey, loads
from reranker.encoder_profile import EncoderFactory, EncoderProfile
from reranker.errors import ModelError

_MOST = 300
_WIDTH = 61
_THRESHOLD = 0.0005
"""Half of what OpenCV takes, as for SIFT."""


def _find(grey: Grey) -> Found:
    import cv2

    from reranker.descriptors.chosen_points import chosen_points

    if not hasattr(cv2, "AKAZE_create"):
        raise ModelError(
            "OpenCV 5 has no AKAZE in its main package; install opencv-python-headless below 5, or take another "
            "encoder, such as sift"
        )
    detector = cv2.AKAZE_create(threshold=_THRESHOLD)
    found = detector.detect(grey, None)
    points, descriptors = detector.compute(grey, [found[at] for at in chosen_points(found, _MOST, grey.shape)])
    return points, descriptors


KIND = FeatureKind(name="akaze", version=2, find=_find, most=_MOST, width=_WIDTH, binary=True)

PROFILE = EncoderProfile(
    title="AKAZE, verified by geometry; a free stand-in for SURF",
    encodes=frozenset({"pictures"}),
    bytes_per_picture=KIND.bytes_per_picture,
    licence="Apache-2.0",
    home_url="https://docs.opencv.org/4.x/d8/d30/classcv_1_1AKAZE.html",
    extra="descriptors",
)

FACTORY = EncoderFactory(PROFILE, loads(KIND, PROFILE))
