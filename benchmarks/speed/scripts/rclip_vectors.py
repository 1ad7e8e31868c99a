"""What rclip's model makes of pictures, to be compared; run by rclip's own Python: TARGET FILE…"""

import sys

import numpy as np
from PIL import Image
from rclip.model import Model

np.save(sys.argv[1], Model().compute_image_features([Image.open(file) for file in sys.argv[2:]]))
