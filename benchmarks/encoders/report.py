"""The report: tables of what was measured, and what was not."""

import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.encoders import many
from benchmarks.encoders.changes import CHANGES
from benchmarks.encoders.chart import chart
from benchmarks.encoders.costs import kept as kept_cost
from benchmarks.encoders.figures import in_words, mean_of, recall, wilson
from benchmarks.encoders.measured import Measuring, Ranks
from benchmarks.encoders.subjects import RIVALS, EncoderSubject, Subject
from phrasepix_core.extras import is_installed

_REASONS = (
    "Where ours finds less: `phash` is the hash of cosines, as imagededup's PHash is: the two differ by a picture or "
    "two. DHash and WHash are other hashes, and follow coarser brightness, of which a crop to 60 % or a mirrored "
    "picture keeps some. For such questions `sift`, `colour` and `efficientnet-lite0` find more than any hash."
)


@dataclass(frozen=True)
class Measured:
    """What a run measured; `of_goal` asked for all pictures of each set after the changes in `goal`."""

    subjects: Sequence[Subject]
    missing: dict[str, str]
    sets: Sequence[Measuring]
    of_goal: Sequence[Measuring]
    goal: Sequence[str]
    work: Path
    many: int

    @property
    def encoders(self) -> list[str]:
        """The encoders' names, without those of others' programs."""
        return [one.name for one in self.subjects if isinstance(one, EncoderSubject)]


def report(measured: Measured) -> str:
    """Return the report as Markdown."""
    parts = [
        "# Which encoder finds what again",
        "`python -m benchmarks.encoders`",
        "![Recall@1 by change and encoder](encoders.svg)",
        "\n".join(f"- {one.of.title}: {one.of.note}." for one in measured.sets),
        "Of each set so many pictures, evenly chosen, are changed and looked for among all of it. “recall@1” is the "
        "share of those found first, one with an equal score counting as before it, with its 95 % interval (Wilson); "
        "behind it the mean of 1/rank, which is the mAP where one picture is right. `sift`, `akaze` and `orb` compare "
        "the best hundred by embedding in pairs, as a search does, which here are all. No picture is asked for by "
        "which it was chosen which key points are kept (every second photograph).",
    ]
    for measuring in measured.sets:
        if not any(_recalls(measuring, name) for name in measured.encoders):
            parts.append(f"Of {measuring.of.title} nothing was measured in this run.")
            continue
        parts += [f"## The same picture, among {measuring.of.title}", _same_picture(measured, measuring)]
    if goal := _goal(measured):
        parts += ["## SIFT after rotation and crop, all pictures asked for", goal]
    parts += ["## The same thing, another picture", _same_thing(measured)]
    parts += ["## Beside others", *_beside(measured)]
    parts += ["## What it costs", _costs(measured)]
    key = next((one.key for one in measured.subjects if one.name == "sift"), "")
    if measured.many and (found := many.kept(key, measured.work, measured.many)) is not None:
        parts += [f"## SIFT among {found.pool} pictures", _many(found)]
    parts += ["## What was not measured", _missing(measured), _machine()]
    return "\n\n".join(part for part in parts if part) + "\n"


def chart_of(measured: Measured) -> str:
    """Return the chart: of the photographs, or of what else there is."""
    first = measured.sets[0]
    columns = {name: _recalls(first, name) for name in measured.encoders}
    titles = [title for title in CHANGES if any(title in recalls for recalls in columns.values())]
    short = {"efficientnet-lite0": "efficientnet"}
    note = f"recall@1 of {len(first.asked)} among {len(first.of.pictures)} {first.of.title}; darker is better"
    return chart(titles, {short.get(name, name): recalls for name, recalls in columns.items()}, note)


def _recalls(measuring: Measuring, name: str) -> dict[str, float]:
    ranks = {title: measuring.ranks(name, title) for title in CHANGES}
    return {title: recall(one) for title, one in ranks.items() if one is not None}


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(head) + " |", "|---|" + "---:|" * (len(head) - 1)]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows)])


def _words(ranks: Ranks | None) -> str:
    return "–" if ranks is None else in_words(ranks)


def _same_picture(measured: Measured, measuring: Measuring) -> str:
    rows = [
        [title, *(_words(measuring.ranks(name, title)) for name in measured.encoders)]
        for title in CHANGES
        if any(measuring.ranks(name, title) is not None for name in measured.encoders)
    ]
    said = f"{len(measuring.asked)} of {len(measuring.of.pictures)} are asked for."
    return f"{said}\n\n{_table(['change', *measured.encoders], rows)}"


def _goal(measured: Measured) -> str:
    sets = [one for one in measured.of_goal if any(one.ranks("sift", title) is not None for title in measured.goal)]
    rows = [
        [title, *(_words(measuring.ranks("sift", title)) for measuring in sets)]
        for title in measured.goal
        if any(measuring.ranks("sift", title) is not None for measuring in sets)
    ]
    if not rows:
        return ""
    table = _table(["change", *(f"{len(one.asked)} {one.of.title}" for one in sets)], rows)
    by_picture = np.concatenate([_found_first(one, measured.goal) for one in sets])
    every: NDArray[np.bool_] = by_picture.min(axis=1)
    low, high = wilson(share := float(by_picture.mean()), by_picture.size)
    low_of_every, high_of_every = wilson(float(every.mean()), len(every))
    return (
        f"{table}\n\nPooled, all pictures after all of these changes: {share:.4f} of {by_picture.size} questions find "
        f"their picture first ({low:.4f}–{high:.4f}, Wilson, as if each question were independent). By pictures, "
        f"for the changes of one picture are not: {int(every.sum())} of {len(every)} pictures are found first after "
        f"every one of the {by_picture.shape[1]} changes ({low_of_every:.3f}–{high_of_every:.3f})."
    )


def _found_first(measuring: Measuring, titles: Sequence[str]) -> NDArray[np.bool_]:
    """Whether SIFT finds each picture first, [pictures, changes], after those changes that were measured."""
    ranks = [one for title in titles if (one := measuring.ranks("sift", title)) is not None]
    found: NDArray[np.bool_] = np.stack(ranks, axis=1) == 0
    return found


def _same_thing(measured: Measured) -> str:
    rows = []
    sets = [one for one in measured.sets if any(one.precisions(name) is not None for name in measured.encoders)]
    for name in measured.encoders:
        rows.append([name, *(_precision_in_words(one.precisions(name)) for one in sets)])
    rows.append(["an order by chance", *(f"{one.chance.mean():.3f}" for one in sets)])
    counts = [int(one.of.same_thing.any(axis=1).sum()) for one in sets]
    head = ["mAP", *(f"{one.of.title} ({count} asked)" for one, count in zip(sets, counts, strict=True))]
    return f"Each picture is asked for, and those of the same thing are right.\n\n{_table(head, rows)}"


def _precision_in_words(precisions: NDArray[np.float64] | None) -> str:
    if precisions is None:
        return "–"
    found = mean_of(precisions)
    return f"{found.mean:.3f} ({found.low:.3f}–{found.high:.3f})"


def _beside(measured: Measured) -> list[str]:
    """Ours beside what else does the same, on the same questions and among the same pictures."""
    there = {one.name: one for one in measured.subjects}
    parts = [
        "On the same questions and among the same pictures. OpenCV's own is `BFMatcher` with 1000 key points, the "
        "ratio test at 0.75 and a homography by RANSAC for each pair; it compares all pairs, which is why it is asked "
        "every second question, among those pictures alone. In bold: where another finds more."
    ]
    for ours, rivals in RIVALS.items():
        rivals = tuple(name for name in rivals if name in there)
        if ours in there and rivals:
            rows = [row for one in measured.sets for row in _rows_beside(one, ours, rivals)]
            parts.append(_table(["pictures, change", ours, *rivals], rows))
    parts.append(_REASONS)
    if not any(name.startswith("imagededup") for name in there):
        parts.append("imagededup is not installed here.")
    return parts


def _rows_beside(measuring: Measuring, ours: str, rivals: Sequence[str]) -> list[list[str]]:
    rows = []
    lost = {rival: measuring.lost_to(ours, rival, list(CHANGES)) for rival in rivals}
    for title in CHANGES:
        own, theirs = measuring.ranks(ours, title, rivals[0]), [measuring.ranks(name, title) for name in rivals]
        if own is None or any(one is None for one in theirs):
            continue
        cells = [
            f"**{_words(one)}**" if title in lost[name] else _words(one)
            for name, one in zip(rivals, theirs, strict=True)
        ]
        rows.append([f"{measuring.of.title}, {title}", _words(own), *cells])
    return rows


def _costs(measured: Measured) -> str:
    costs = [cost for one in measured.subjects if (cost := kept_cost(one, measured.work)) is not None]
    rows = [
        [
            one.name,
            f"{one.picture_ms:.1f}",
            f"{one.pair_ms:.2f}",
            f"{one.memory_mb:.0f}",
            f"{one.picture_bytes:.0f}",
        ]
        for one in costs
    ]
    head = ["", "a picture, ms of the processor", "a comparison, ms likewise", "memory beyond the start, MB"]
    said = (
        "Each in a process of its own, on drawn scenes of 640 × 426. A comparison is one of 24 pictures that are "
        "compared with one asked for; `sift`, `akaze` and `orb` compare all of them in pairs."
    )
    return f"{said}\n\n{_table([*head, 'bytes a picture'], rows)}"


def _many(found: many.Many) -> str:
    share = found.found / max(1, found.found_by_all)
    return (
        f"{found.questions} questions ({', '.join(many.ASKED_FOR)}) to {found.pool} pictures: {many.SIZE[0]} × "
        f"{many.SIZE[1]} drawn scenes, and the photographs asked for. The search, the best hundred by embedding "
        f"compared in pairs, finds {found.found} first; comparing each of the {found.pool} finds {found.found_by_all}. "
        f"The search reaches {share:.3f} of that.\n\n"
        f"A search in a warm process takes {1000 * found.processor_s:.0f} ms of the processor and "
        f"{1000 * found.clock_s:.0f} ms of the clock (medians; each question counts with the quickest of "
        f"{many.ROUNDS} times), the question looked at, ten shown, while the machine's load average was "
        f"{found.load:.1f}; comparing all of them {found.all_clock_s:.1f} s of the clock."
    )


def _missing(measured: Measured) -> str:
    lines = [f"- `{name}`: its weights or its package were not at hand." for name in measured.missing]
    lines.append("- CLIPs other than the sample's: their weights were not at hand.")
    lines.append("- imagededup's CNN: its weights are a download of torchvision's, which was not at hand.")
    return "\n".join(lines)


def _machine() -> str:
    packages = ("opencv-python-headless", "scikit-image", "imagededup")
    there = {"opencv-python-headless": "cv2", "scikit-image": "skimage", "imagededup": "imagededup"}
    versions = ", ".join(f"{name} {version(name)}" for name in packages if is_installed(there[name]))
    return (
        f"Measured with Python {platform.python_version()}, NumPy {np.__version__}, {versions} on {os.cpu_count()} "
        f"cores ({platform.machine()}) that had other work too: times of the clock are those of a busy machine."
    )
