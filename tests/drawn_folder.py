"""A folder of drawn scenes in which some show a part of another, or turn it."""

from pathlib import Path

from PIL import Image

from reranker.testing.pair_checks import drawn_scene


def draw_scenes(folder: Path, turned: str = "turned.png") -> None:
    """Draw six scenes, and of the first a part (`part.png`) and one that is turned, under the name said."""
    for seed in range(6):
        drawn_scene(seed).resize((600, 480)).save(folder / f"scene-{seed}.png")
    with Image.open(folder / "scene-0.png") as scene:
        scene.crop((120, 90, 480, 390)).save(folder / "part.png")
        scene.rotate(30, Image.Resampling.BICUBIC).save(folder / turned)
