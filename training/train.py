"""Train the sample's tiny CLIP on drawn scenes: `python -m training.train --work DIR`.

What makes it learn in an hour on two cores:

- **Hard batches.** 256 pictures are four groups of 64 that share one subject, built from whole families of seeds, so
  the wrong pictures of a phrase differ from the right one by a colour, a count, a side.
- **Known truth.** A phrase is often true of several pictures in its batch. As every scene's facts are known, all of
  them count as right (`shown_matrix`), and the loss asks each right picture to beat every wrong one, and each right
  phrase every wrong one.
- **Fresh phrases.** Each step words its scenes anew and drops facts at random.
- **No mirror.** Augmentation shifts, scales and tints; left and right are facts.

Every random choice follows from the seed and the step, so a run that was broken off continues from its checkpoint as if
it had not been, and equal seeds on equal software and thread counts give equal weights.
"""

import argparse
import csv
import math
import random
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from open_clip.model import CLIP
from torch import Tensor
from torch.nn import functional

from training.anchors import Anchors, said, shown
from training.captions import Phrase, phrase_about, shown_matrix
from training.render import VALIDATION_SCENES, squares
from training.scenes import SUBJECTS, Scene, scene_of_seed
from training.scenes.facts import FAMILY, TRAINING_SEEDS, VALIDATION_SEEDS
from training.tiny_clip import encode_phrases, encode_squares, export, newborn, normalised, tokenizer

GROUPS = 4
GROUP = 64
CURVE = ("step", "seconds", "loss", "rate", "scale", "first_one", "first_two", "first_training_forms")


@dataclass(frozen=True)
class Plan:
    """How a run goes."""

    seed: int = 1
    steps: int = 1700
    warm_up: int = 150
    rate: float = 1.5e-3
    decay: float = 0.05
    scenes: int = 48_000
    groups: int = GROUPS
    group: int = GROUP
    pairs: float = 0.625
    """Share of two-subject families in a batch."""
    kin: float = 1.0
    """Weight of the same loss within families alone, where colours and sides are all that differs."""
    lessons: int = 1500
    """Steps in which the phrase tower alone learns which anchors a phrase names, before it meets pictures."""
    anchoring: float = 0.5
    """Weight of the pull to the anchors."""
    validate_every: int = 100
    half: bool = True
    """Whether the picture tower works in bfloat16 where that is safe."""


class Shelf:
    """Scenes and their squares, with the families in which each subject occurs."""

    def __init__(self, first: int, pixels: npt.NDArray[np.uint8]) -> None:
        self.scenes: list[Scene] = [scene_of_seed(first + i) for i in range(len(pixels))]
        self.pixels = pixels
        self.single: dict[str, list[int]] = {subject: [] for subject in SUBJECTS}
        self.double: dict[str, list[int]] = {subject: [] for subject in SUBJECTS}
        for row in range(0, len(pixels) - FAMILY + 1, FAMILY):
            scene = self.scenes[row]
            for subject in scene.subjects:
                (self.single if len(scene.figures) == 1 else self.double)[subject].append(row)

    def group(self, subject: str, size: int, rng: random.Random, *, pairs: float = 0.5) -> list[int]:
        """`size` rows of whole families that show `subject`, a share of `pairs` of them with two subjects."""
        families = size // FAMILY
        twos = min(len(self.double[subject]), round(families * pairs))
        ones = min(len(self.single[subject]), families - twos)
        rows = rng.sample(self.double[subject], twos) + rng.sample(self.single[subject], ones)
        return [row + member for row in rows for member in range(FAMILY)]


def worn(pixels: npt.NDArray[np.uint8], side: int, rng: torch.Generator) -> Tensor:
    """Squares uint8 [n, s, s, 3] shifted, scaled and tinted a little, never mirrored: float32 [n, 3, side, side]."""
    n = len(pixels)
    values = torch.from_numpy(pixels).permute(0, 3, 1, 2).float().div_(255)
    zoom = 0.90 + 0.12 * torch.rand(n, 2, generator=rng)
    room = (1 - zoom).abs() + 0.02
    shift = (2 * torch.rand(n, 2, generator=rng) - 1) * room
    theta = torch.zeros(n, 2, 3)
    theta[:, 0, 0], theta[:, 1, 1], theta[:, :, 2] = zoom[:, 0], zoom[:, 1], shift
    grid = functional.affine_grid(theta, [n, 3, side, side], align_corners=False)
    values = functional.grid_sample(values, grid, mode="bilinear", padding_mode="border", align_corners=False)
    gain = 1 + 0.10 * (torch.rand(n, 1, 1, 1, generator=rng) - 0.5) + 0.05 * (
        torch.rand(n, 3, 1, 1, generator=rng) - 0.5
    )  # fmt: skip
    return normalised((values * gain + 0.06 * (torch.rand(n, 1, 1, 1, generator=rng) - 0.5)).clamp_(0, 1))


def as_they_are(pixels: npt.NDArray[np.uint8], side: int) -> Tensor:
    """Squares uint8 [n, s, s, 3] resized to the model's input: float32 [n, 3, side, side]."""
    values = torch.from_numpy(np.ascontiguousarray(pixels)).permute(0, 3, 1, 2).float().div_(255)
    values = functional.interpolate(values, (side, side), mode="bicubic", antialias=True, align_corners=False)
    return normalised(values.clamp_(0, 1))


def many_right_loss(similarity: Tensor, right: Tensor, rivals: Tensor | None = None) -> Tensor:
    """How far each right pair is from beating all wrong ones: a scalar.

    `similarity` float32 [phrases, pictures] (scaled cosines), `right` bool of the same shape. For each phrase, each of
    its right pictures competes with all its wrong pictures, but not with the other right ones; then the same from
    pictures to phrases. With `rivals` (bool, same shape) only the pairs it marks take part.
    """
    total = similarity.new_zeros(())
    if rivals is None:
        rivals = torch.ones_like(right)
    for scores, truth, among in ((similarity, right, rivals), (similarity.T, right.T, rivals.T)):
        wrong = torch.logsumexp(scores.masked_fill(truth | ~among, -1e4), dim=1, keepdim=True)
        truth = truth & among
        gap = functional.softplus(wrong - scores) * truth
        total = total + (gap.sum(1) / truth.sum(1).clamp_min(1)).mean()
    return total / 2


def rate_at(step: int, plan: Plan) -> float:
    """The learning rate: a straight warm-up, then half a cosine down to a hundredth."""
    if step < plan.warm_up:
        return plan.rate * (step + 1) / plan.warm_up
    done = (step - plan.warm_up) / max(1, plan.steps - plan.warm_up)
    return plan.rate * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * min(1.0, done))))


def optimizer_for(modules: Sequence[torch.nn.Module], plan: Plan) -> torch.optim.AdamW:
    """AdamW; weight decay for matrices and kernels only, not for tables, gains, biases or the scale."""
    decayed: list[torch.nn.Parameter] = []
    free: list[torch.nn.Parameter] = []
    for name, value in (named for module in modules for named in module.named_parameters()):
        plain = value.ndim < 2 or "embedding" in name
        (free if plain else decayed).append(value)
    return torch.optim.AdamW(
        [{"params": decayed, "weight_decay": plan.decay}, {"params": free, "weight_decay": 0.0}],
        lr=plan.rate,
        betas=(0.9, 0.98),
        eps=1e-6,
    )


class Run:
    """One training run: model, optimizer, data, and where it stands."""

    def __init__(self, plan: Plan, shelf: Shelf, config: dict[str, Any] | None = None) -> None:
        self.plan, self.shelf = plan, shelf
        self.model = newborn(plan.seed, config).to(memory_format=torch.channels_last)
        self.side = int(self.model.visual.image_size)
        self.anchors = Anchors(int(self.model.text_projection.shape[1]))
        self.optimizer = optimizer_for([self.model, self.anchors], plan)
        self.tokenizer = tokenizer()
        self.lesson = 0
        self.step = 0
        self.seconds = 0.0

    def batch(self, step: int) -> tuple[list[int], list[Phrase]]:
        """Rows and one phrase for each, as they follow from the seed and `step`."""
        rng = random.Random(f"batch {self.plan.seed} {step}")
        rows: list[int] = []
        for subject in rng.sample(SUBJECTS, self.plan.groups):
            rows += self.shelf.group(subject, self.plan.group, rng, pairs=self.plan.pairs)
        rows = list(dict.fromkeys(rows))
        return rows, [phrase_about(self.shelf.scenes[row], rng) for row in rows]

    def read(self) -> float:
        """One reading lesson, without pictures; returns the loss."""
        began = time.monotonic()
        rng = random.Random(f"lesson {self.plan.seed} {self.lesson}")
        phrases = [phrase_about(rng.choice(self.shelf.scenes), rng) for _ in range(self.plan.groups * self.plan.group)]
        for settings in self.optimizer.param_groups:
            settings["lr"] = 2e-3 * min(1.0, (self.lesson + 1) / 50, (self.plan.lessons - self.lesson) / 300)
        words = self.tokenizer([phrase.text for phrase in phrases])
        loss = self.anchors(encode_phrases(self.model, words), [said(phrase.claims) for phrase in phrases])
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimizer.step()
        self.lesson += 1
        self.seconds += time.monotonic() - began
        return float(loss.detach())

    def advance(self) -> float:
        """One step; returns the loss."""
        began = time.monotonic()
        rows, phrases = self.batch(self.step)
        dice = torch.Generator().manual_seed(self.plan.seed * 1_000_003 + self.step)
        pictures = worn(self.shelf.pixels[np.array(rows)], self.side, dice).to(memory_format=torch.channels_last)
        right = torch.from_numpy(
            shown_matrix([phrase.claims for phrase in phrases], [self.shelf.scenes[row] for row in rows])
        )
        tokens = self.tokenizer([phrase.text for phrase in phrases])
        self.model.train()
        for settings in self.optimizer.param_groups:
            settings["lr"] = rate_at(self.step, self.plan)
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=self.plan.half):
            seen = encode_squares(self.model, pictures)
            read = encode_phrases(self.model, tokens)
        similarity = self.model.logit_scale.exp() * (read @ seen.T)
        family = torch.tensor([self.shelf.scenes[row].seed // FAMILY for row in rows])
        loss = many_right_loss(similarity, right)
        loss = loss + self.plan.kin * many_right_loss(similarity, right, family[:, None] == family[None, :])
        loss = loss + self.plan.anchoring * self.anchors(seen, [shown(self.shelf.scenes[row]) for row in rows])
        loss = loss + self.plan.anchoring * self.anchors(read, [said(phrase.claims) for phrase in phrases])
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimizer.step()
        with torch.no_grad():
            self.model.logit_scale.clamp_(0, math.log(100))
        self.step += 1
        self.seconds += time.monotonic() - began
        return float(loss.detach())

    def save(self, path: Path) -> None:
        """Write a checkpoint under a temporary name and move it into place."""
        state = {
            "plan": asdict(self.plan),
            "lesson": self.lesson,
            "step": self.step,
            "seconds": self.seconds,
            "model": self.model.state_dict(),
            "anchors": self.anchors.state_dict(),
            "optimizer": self.optimizer.state_dict(),
        }
        partial = path.with_suffix(".partial")
        torch.save(state, partial)
        partial.replace(path)

    def resume(self, path: Path) -> None:
        """Continue from a checkpoint; raises `ValueError` if it belongs to another plan."""
        state = torch.load(path, weights_only=True)
        if state["plan"] != asdict(self.plan):
            made = state["plan"]
            raise ValueError(f"{path} was made with {made}, this run is {asdict(self.plan)}: give another --work")
        self.model.load_state_dict(state["model"])
        self.anchors.load_state_dict(state["anchors"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.lesson, self.step, self.seconds = state["lesson"], state["step"], state["seconds"]


@torch.no_grad()
def picture_vectors(model: CLIP, pixels: npt.NDArray[np.uint8], rows: Sequence[int], side: int) -> Tensor:
    """Unit vectors float32 [len(rows), dimensions] of stored squares, in `eval` mode."""
    model.eval()
    parts = [
        encode_squares(model, as_they_are(pixels[np.array(rows[i : i + 128])], side)) for i in range(0, len(rows), 128)
    ]
    return torch.cat(parts)


class Exam:
    """First hits on validation scenes: same-subject pools like the shipped ones, phrases fixed once."""

    def __init__(self, shelf: Shelf, *, per_subject: int = 15, seed: int = 7) -> None:
        rng = random.Random(f"exam {seed}")
        self.shelf = shelf
        self.pools = {subject: self.shelf.group(subject, 48, rng) for subject in SUBJECTS}
        self.questions: list[tuple[str, str, Phrase]] = []
        for subject, pool in self.pools.items():
            scenes = [shelf.scenes[row] for row in pool]
            for number in range(per_subject * 2):
                pair = number % 2 == 1
                target = rng.choice([scene for scene in scenes if (len(scene.figures) == 2) == pair])
                form = number % 6 < 4
                both = 1.0 if pair else 0.0
                phrase = phrase_about(target, rng, measuring=form, keep=0.75, least=2, both=both)
                self.questions.append((subject, ("two" if pair else "one") if form else "training", phrase))

    def mark(self, model: CLIP, side: int) -> dict[str, float]:
        """Share of phrases whose first hit shows all they say, for "one", "two" (held-out forms) and "training"."""
        words = tokenizer()
        hits: dict[str, list[bool]] = {"one": [], "two": [], "training": []}
        for subject, pool in self.pools.items():
            asked = [question for question in self.questions if question[0] == subject]
            seen = picture_vectors(model, self.shelf.pixels, pool, side)
            with torch.no_grad():
                read = encode_phrases(model, words([phrase.text for _, _, phrase in asked]))
            first = (read @ seen.T).argmax(dim=1).tolist()
            for (_, kind, phrase), best in zip(asked, first, strict=True):
                hits[kind].append(phrase.shown_by(self.shelf.scenes[pool[best]]))
        return {kind: sum(marks) / max(1, len(marks)) for kind, marks in hits.items()}


def settle_norms(run: Run, batches: int = 24) -> None:
    """Set the batch norms' running figures from undistorted training pictures, as they will be met in use."""
    norms = [module for module in run.model.modules() if isinstance(module, torch.nn.BatchNorm2d)]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # a plain average over all batches
    run.model.train()
    rng = random.Random(f"settle {run.plan.seed}")
    with torch.no_grad():
        for _ in range(batches):
            rows = np.array(rng.sample(range(len(run.shelf.pixels)), min(256, len(run.shelf.pixels))))
            run.model.encode_image(as_they_are(run.shelf.pixels[rows], run.side))
    for norm in norms:
        norm.momentum = 0.1


def main() -> None:
    """Train, validating every hundred steps; continue where a broken-off run stopped; write the model at the end."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--work", type=Path, required=True, help="directory for drawn squares and the checkpoint")
    parser.add_argument("--out", type=Path, default=Path("phrasepix/sample/model"), help="directory of the model")
    parser.add_argument("--curve", type=Path, default=Path("training/curve.csv"))
    parser.add_argument("--steps", type=int, default=Plan.steps)
    parser.add_argument("--scenes", type=int, default=Plan.scenes)
    parser.add_argument("--seed", type=int, default=Plan.seed)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    plan = Plan(seed=arguments.seed, steps=arguments.steps, scenes=arguments.scenes)
    shelf = Shelf(TRAINING_SEEDS.start, squares(arguments.work, TRAINING_SEEDS.start, plan.scenes))
    first = VALIDATION_SEEDS.start
    exam = Exam(Shelf(first, squares(arguments.work, first, VALIDATION_SCENES)))
    run = Run(plan, shelf)
    checkpoint = arguments.work / "checkpoint.pt"
    if checkpoint.exists():
        run.resume(checkpoint)
    curve = Curve(arguments.curve, run.step)
    recent: list[float] = []
    while run.lesson < plan.lessons:
        recent.append(run.read())
        if run.lesson % 100 == 0 or run.lesson == plan.lessons:
            print("lesson", run.lesson, round(run.seconds), f"{sum(recent) / len(recent):.4f}", flush=True)
            recent.clear()
            run.save(checkpoint)
    while run.step < plan.steps:
        recent.append(run.advance())
        if run.step % plan.validate_every == 0 or run.step == plan.steps:
            marks = exam.mark(run.model, run.side)
            curve.add(run, sum(recent) / len(recent), marks)
            recent.clear()
            run.save(checkpoint)
    settle_norms(run)
    export(run.model, arguments.out)
    print("settled:", exam.mark(run.model, run.side), flush=True)


class Curve:
    """The training curve as a small CSV file; rows past `step` (of a run that was broken off) are dropped."""

    def __init__(self, path: Path, step: int) -> None:
        self.path = path
        kept: list[list[str]] = []
        if step and path.exists():
            with path.open(newline="", encoding="utf-8") as file:
                kept = [row for row in list(csv.reader(file))[1:] if int(row[0]) <= step]
        with path.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file, lineterminator="\n").writerows([CURVE, *kept])

    def add(self, run: Run, loss: float, marks: dict[str, float]) -> None:
        """Append one row, and show it."""
        row = (
            run.step,
            round(run.seconds),
            f"{loss:.4f}",
            f"{rate_at(run.step - 1, run.plan):.2e}",
            f"{float(run.model.logit_scale.detach().exp()):.1f}",
            f"{marks['one']:.3f}",
            f"{marks['two']:.3f}",
            f"{marks['training']:.3f}",
        )
        with self.path.open("a", newline="", encoding="utf-8") as file:
            csv.writer(file, lineterminator="\n").writerow(row)
        print(*row, flush=True)


if __name__ == "__main__":
    main()
