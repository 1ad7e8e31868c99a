"""The built-in sample: a stock site on loopback that speaks Pixabay's protocol, its drawn pictures, a tiny CLIP."""

from collections.abc import Iterable
from pathlib import Path

SAMPLE_NAME = "sample"
"""Of the source, and of the model."""

MODEL_DIRECTORY = Path(__file__).parent / "model"


def is_the_sample_alone(sources: Iterable[object]) -> bool:
    """Return whether the sample is the only one of the sources, named or brought along."""
    return list(sources) == [SAMPLE_NAME]
