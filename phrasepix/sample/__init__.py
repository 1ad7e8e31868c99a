"""The built-in sample: a stock site on loopback that speaks Pixabay's protocol, its drawn pictures, a tiny CLIP."""

from pathlib import Path

SAMPLE_NAME = "sample"
"""Of the source, and of the model."""

MODEL_DIRECTORY = Path(__file__).parent / "model"
