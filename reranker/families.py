"""From where on a score says something, for each family of models: limits are data, and hold for what they came from.

A family is a set of models whose cosines behave alike, since they were trained alike. An encoder says which it belongs
to (`DeclaresFamily`). One that says none, or one that nobody measured, gets its numbers without words.
"""

from dataclasses import dataclass
from typing import Final

from reranker.encoder import DeclaresFamily, Encoder
from reranker.scoring import USUAL_PENALTY, Penalty


@dataclass(frozen=True, slots=True)
class FitLimits:
    """From which `stands_out` on a match shows the phrase: by and large (`fair`), and beyond doubt (`clear`).

    A match that lies more than `gap` below the one of its ranking that stands out furthest is not called clear.
    `part_fair` and `part_clear` are the same for a part of the phrase. With `smaller` the two comparisons of
    `reranker.calibration` are joined by the smaller one instead of their mean. `measured_on` says on which model and
    how.
    """

    fair: float
    clear: float
    gap: float
    part_fair: float
    part_clear: float
    smaller: bool
    measured_on: str


LIMITS: Final = {
    "clip": FitLimits(
        fair=1.6,
        clear=2.9,
        gap=0.75,
        part_fair=2.5,
        part_clear=3.5,
        smaller=False,
        measured_on="OpenAI ViT-B/16, 250 photographs of COCO val2017 with their captions, 171 class names as neutral "
        "texts, five folds of phrases (benchmarks/REAL.md). Assumed to hold for other models trained by softmax over "
        "a batch, the default ViT-B-32 of LAION among them, since they are in units of the model's own spread. "
        "The limits of parts are a guess: nobody measured them.",
    ),
    "sample": FitLimits(
        fair=1.2,
        clear=2.0,
        gap=float("inf"),
        part_fair=0.5,
        part_clear=1.0,
        smaller=True,
        measured_on="the sample's own model on the sample's drawings (benchmarks/READING.md)",
    ),
}
"""FitLimits by family. SigLIP's are not known: no vectors of such a model were at hand."""

FAMILIES: Final = (*LIMITS, "siglip")
"""The families that are told apart; an encoder may declare another one, which nobody measured."""

_PENALTIES: Final = {"sample": Penalty(1.5, 0.0)}
"""Of the families where another one than the usual was measured (`benchmarks/QUERIES.md`): of the sample's drawings
each thing is in many, none of which resembles it much more than another."""


def penalty_of(family: str) -> Penalty:
    """What resembling what is not wanted costs under models of a family."""
    return _PENALTIES.get(family, USUAL_PENALTY)


def declared_family(encoder: Encoder) -> str:
    """The family that an encoder declares; empty where it declares none."""
    return (encoder.family or "") if isinstance(encoder, DeclaresFamily) else ""


def family_of_model(name: str) -> str:
    """The family of a model by its name in open_clip's notation; empty where the name does not tell.

    A name of open_clip's registry is of a model trained by softmax, unless it says SigLIP.
    """
    lower = name.casefold()
    if "siglip" in lower:
        return "siglip"
    if lower.startswith("local-dir:") or (lower.startswith("hf-hub:") and "clip" not in lower):
        return ""
    return "clip"
