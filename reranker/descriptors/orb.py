"""ORB: oriented corners with binary descriptors, the quickest; a free stand-in for SURF.

Rublee et al., ORB: an efficient alternative to SIFT or SURF (ICCV 2011). SURF itself is patented and left out of
OpenCV's free builds.
"""

from reranker.descriptors.local_encoder import FeatureKind, Found, Grey, loads
from reranker.encoder_profile import EncoderFactory, EncoderProfile

_MOST = 700
_FOUND = 2000
"""Of so many that OpenCV gives, which are the strongest of each size, those are chosen that are kept."""
_WIDTH = 32


def _find(grey: Grey) -> Found:
    import cv2

    from reranker.descriptors.chosen_points import chosen_points

    detector = cv2.ORB_create(nfeatures=_FOUND, fastThreshold=7)
    points, descriptors = detector.detectAndCompute(grey, None)
    if descriptors is None:
        return points, None
    chosen = chosen_points(points, _MOST, grey.shape)
    return [points[at] for at in chosen], descriptors[chosen]


KIND = FeatureKind(name="orb", version=2, find=_find, most=_MOST, width=_WIDTH, binary=True)

PROFILE = EncoderProfile(
    title="ORB, verified by geometry; a free stand-in for SURF",
    encodes=frozenset({"pictures"}),
    bytes_per_picture=KIND.bytes_per_picture,
    licence="Apache-2.0",
    home_url="https://docs.opencv.org/4.x/db/d95/classcv_1_1ORB.html",
    extra="descriptors",
)

FACTORY = EncoderFactory(PROFILE, loads(KIND, PROFILE))
