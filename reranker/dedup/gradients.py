"""Where a picture gets brighter: a hash that stays nearly the same in other sizes and encodings."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image


def rises(picture: Image.Image, side: int, resample: Image.Resampling, *, above: int = 0) -> NDArray[np.bool_]:
    """Whether brightness rises to the right, then whether it rises downwards: bool [2, side, side].

    The picture is resized to one pixel more than `side` in that direction by `resample`. A step counts if it is larger
    than `above`, of 255.
    """
    grey = picture.convert("L")
    across = np.asarray(grey.resize((side + 1, side), resample), dtype=np.int16)
    down = np.asarray(grey.resize((side, side + 1), resample), dtype=np.int16)
    return np.stack([np.diff(across, axis=1) > above, np.diff(down, axis=0) > above])
