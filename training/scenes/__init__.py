"""Drawn scenes: facts from a seed, pictures from facts."""

from training.scenes.facts import (
    AIRBORNE,
    COLOURS,
    COUNTS,
    GROUNDS,
    PLACES,
    SUBJECTS,
    TIMES,
    WEATHERS,
    Figure,
    Scene,
    scene_of_seed,
)
from training.scenes.picture import SIZES, draw, full_size, small_square
from training.scenes.shipped import Listing, listing_of, scene_of_picture, shipped_scenes

__all__ = [
    "AIRBORNE",
    "COLOURS",
    "COUNTS",
    "GROUNDS",
    "PLACES",
    "SIZES",
    "SUBJECTS",
    "TIMES",
    "WEATHERS",
    "Figure",
    "Listing",
    "Scene",
    "draw",
    "full_size",
    "listing_of",
    "scene_of_picture",
    "scene_of_seed",
    "shipped_scenes",
    "small_square",
]
