"""RESULTS.md, and the lines of it that README shows."""

import statistics
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.speed import measured as m
from benchmarks.speed.limits import LIMITS
from benchmarks.speed.measured import Measured
from benchmarks.speed.rounds import Spread

START, END = "<!-- speed:start -->", "<!-- speed:end -->"


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the goals: what was measured, and what it must reach."""

    subject: str
    what: str
    value: Spread
    goal: float
    at_most: bool
    show: Callable[[float], str]

    @property
    def reached(self) -> bool:
        """Whether the median is on the right side of the goal."""
        return self.value.median <= self.goal if self.at_most else self.value.median >= self.goal

    def __str__(self) -> str:
        spread = f"{self.show(self.value.low)}–{self.show(self.value.high)}"
        goal = f"{'≤' if self.at_most else '≥'} {self.show(self.goal)}"
        return f"| {self.what} | **{self.show(self.value.median)}** | {spread} | {goal} | {self._verdict()} |"

    def _verdict(self) -> str:
        if self.reached:
            return "reached"
        return f"**short of it** by {abs(self.value.median / self.goal - 1):.0%}"


def by_round(one: Spread, other: Spread) -> Spread:
    """The ratio in each round both took part in: what slows the machine for a while slows both."""
    return Spread(tuple(a / b for a, b in zip(one.values, other.values, strict=False)))


def rows(measured: Measured) -> list[Row]:
    """The goals in the order of the report."""
    groups = measured.groups
    new, pictures, tower, text = (groups[name] for name in (m.NEW_PHRASE, m.PICTURES, m.TOWER, m.TEXT))
    first, peak = groups[m.FIRST], groups[m.PEAK][m.OURS]
    whole, parts = first["whole"], Spread(tuple(map(max, first["encode"].values, first["fetch"].values)))
    bf16 = measured.machine.bf16
    precision = "bf16" if bf16 else "f32"
    products = Spread(tuple(1e9 * value / measured.flops_per_picture for value in groups[m.LIMIT][precision].values))
    count, more, at_least = measured.pictures, measured.more_pictures, 1.9 if bf16 else 1.0
    goal_of_seed = 4.0 if bf16 else 1.0
    of_limit = 0.55 if "amx_bf16" in measured.machine.flags else 0.8  # whose limit hardly any work comes near
    st, open_clip = m.SENTENCE_TRANSFORMERS, m.OPEN_CLIP
    fresh = f"fresh process, new phrase, {count} remembered pictures"
    ratio_to_rclip = [by_round(new[m.OURS], new[m.RCLIP])] if m.RCLIP in new else []
    return [
        Row("new phrase", fresh, new[m.OURS], 0.7, True, _seconds),
        *(Row("new phrase", f"the same ÷ {m.RCLIP}", ratio, 0.5, True, _plain) for ratio in ratio_to_rclip),
        Row("new phrase", f"the same ÷ {st}", by_round(new[m.OURS], new[st]), 1 / 8, True, _part),
        Row("help", "`phrasepix --help`", groups[m.HELP][m.OURS], 0.25, True, _seconds),
        Row(
            "pictures",
            f"pictures/s ÷ {open_clip}",
            by_round(pictures[m.OURS], pictures[open_clip]),
            at_least,
            False,
            _times,
        ),
        Row("pictures", f"pictures/s ÷ {st}", by_round(pictures[m.OURS], pictures[st]), at_least, False, _times),
        Row(
            "pictures",
            f"pictures/s ÷ {m.SEED_RECIPE}",
            by_round(pictures[m.OURS], pictures[m.SEED_RECIPE]),
            goal_of_seed,
            False,
            _times,
        ),
        Row(
            "tower",
            f"image tower alone ÷ {open_clip}'s",
            by_round(tower[m.OURS], tower[open_clip]),
            at_least,
            False,
            _times,
        ),
        Row("tower", f"image tower alone ÷ {st}'s", by_round(tower[m.OURS], tower[st]), at_least, False, _times),
        Row(
            "limit",
            f"image tower alone ÷ the machine's own limit in {precision}",
            by_round(tower[m.OURS], products),
            of_limit,
            False,
            _plain,
        ),
        Row(
            "first search",
            "first search ÷ max(encoding alone, fetching alone)",
            by_round(whole, parts),
            1.15,
            True,
            _plain,
        ),
        Row(
            "export",
            "first search ever, which makes the model ready ÷ later first searches",
            by_round(groups[m.EXPORT]["model made ready"], groups[m.EXPORT]["model ready"]),
            1.5,
            True,
            _plain,
        ),
        Row("export", "its peak memory", groups[m.PEAK_OF_EXPORT][m.OURS], 1e9, True, _gigabytes),
        Row("memory", f"a first search's peak memory, {count} pictures", peak, 0.5e9, True, _gigabytes),
        Row(
            "memory",
            f"the same, {more} pictures ÷ {count}",
            by_round(groups[m.PEAK_LARGE][m.OURS], peak),
            1.1,
            True,
            _plain,
        ),
        Row("text", f"one phrase, warm ÷ {open_clip}", by_round(text[m.OURS], text[open_clip]), 1 / 4, True, _part),
    ]


def _seconds(value: float) -> str:
    return f"{value:.2f} s"


def _times(value: float) -> str:
    return f"{value:.1f} ×"


def _plain(value: float) -> str:
    return f"{value:.2f}"


def _part(value: float) -> str:
    return f"1/{1 / value:.1f}".removesuffix(".0")


def _gigabytes(value: float) -> str:
    return f"{value / 1e9:.2f} GB"


def report(measured: Measured) -> str:
    """The page as Markdown."""
    found = rows(measured)
    return "\n".join(
        [
            "# How fast phrasepix is beside others",
            "",
            f"`{measured.command}`, {measured.date}",
            "",
            "![The comparisons as bars](speed.svg)",
            "",
            "## Goals",
            "",
            "| what | measured | over the rounds | goal | |",
            "|---|---:|---:|---:|---|",
            *map(str, found),
            "",
            "All of it in one run, everybody with the same weights and pictures, taking turns: A B C, A B C, …",
            "Ratios are of the same round, so that what slows the machine slows both; medians over the rounds.",
            "",
            "## In figures",
            "",
            "| what | who | median | over the rounds | rounds |",
            "|---|---|---:|---:|---:|",
            *_figures(measured),
            "",
            "## What limits each, and what would move it",
            "",
            *(f"- **{subject}**: {text}" for subject, text in LIMITS.items()),
            "",
            "## Who is compared, and how",
            "",
            *_method(measured),
            "",
            "## Machine and versions",
            "",
            *_machine(measured),
            "",
        ]
    )


def _figures(measured: Measured) -> Iterable[str]:
    for group, subjects in measured.groups.items():
        title, unit, scale, digits = _UNITS.get(group, (group, "", 1.0, 2))
        for name, spread in subjects.items():
            median, low, high = (f"{scale * value:.{digits}f}" for value in (spread.median, spread.low, spread.high))
            yield f"| {title} | {name} | {median} {unit} | {low}–{high} | {len(spread.values)} |"


_UNITS = {
    m.NEW_PHRASE: ("new phrase, fresh process", "s", 1.0, 2),
    m.HELP: ("`--help`", "s", 1.0, 3),
    m.PICTURES: ("pictures encoded, preprocessing included", "/s", 1.0, 1),
    m.TOWER: ("image tower alone", "/s", 1.0, 1),
    m.LIMIT: ("matrix product", "· 10⁹ operations/s", 1.0, 0),
    m.TEXT: ("one phrase, warm", "ms", 1000.0, 1),
    m.FIRST: ("first search", "s", 1.0, 2),
    m.PEAK: ("peak memory of the first search", "MB", 1e-6, 0),
    m.PEAK_LARGE: ("the same, more pictures", "MB", 1e-6, 0),
    m.EXPORT: ("first search, before and after the model was made ready", "s", 1.0, 2),
    m.PEAK_OF_EXPORT: ("peak memory of the first search ever", "MB", 1e-6, 0),
    m.INDEX: ("all files encoded and one phrase asked, fresh process, 256 pixels", "s", 1.0, 2),
}


def _method(measured: Measured) -> Iterable[str]:
    st, ours, rclip, differences = m.SENTENCE_TRANSFORMERS, m.OURS, m.RCLIP, measured.differences
    same = max(differences[f"{st}: tower"], differences[f"{st}: texts"])
    values = {
        "pictures": str(measured.pictures),
        "show": measured.pictures_show,
        "same": f"{same:.0e}{_agreement(same)}",
        "resized": f"{differences[f'{st}: pictures']:.0e}",
        "own_pictures": f"{differences[f'{ours}: pictures']:.0e}",
        "own_texts": f"{differences[f'{ours}: texts']:.0e}",
        "delay": f"{1000 * measured.delay_s:.0f}",
        "operations": f"{measured.flops_per_picture / 1e9:.2f}",
        "why_not": measured.without_rclip,
        "rclip": f"{differences.get(rclip, 0):.0e}{_agreement(differences.get(rclip, 0))}",
    }
    for text in (*_METHOD, _WITHOUT_RCLIP if measured.without_rclip else _WITH_RCLIP):
        yield "- " + text.format_map(values)


_METHOD = (
    """**Pictures**: {pictures} distinct JPEGs of 640 pixels on the long side, made from {show}.
  **Weights**: ViT-B-32, random from a seed; speed does not depend on what a model knows.""",
    """**phrasepix**: the command itself, with gallery, over pictures it encoded before; nobody answers at the source's
  address by then. Its encoder is the one a search gets. Its vectors differ from open_clip's by up to {own_pictures}
  (pictures, at the precision the CPU is fastest in) and {own_texts} (texts); what that does to the order stands in
  [ENGINE_FIDELITY.md](ENGINE_FIDELITY.md).""",
    """**seed recipe**: OpenAI's example, with open_clip in fp32: one picture at a time, nothing kept, so that each
  phrase encodes all pictures again. **open_clip**: fp32, 32 pictures at a time.""",
    """**sentence-transformers**: the same weights converted, loaded from disk by a script that also loads the pictures'
  saved embeddings. With the same pixels and texts its vectors are open_clip's within {same}. Its own preprocessing
  resizes otherwise than Pillow does, which moves its pictures' vectors by up to {resized}.""",
    """**First search**: a stock site in a process of its own on the same machine sends each answer, pictures too, after
  {delay} ms; a fresh process and an empty cache each time, but for the exported model and the neutral phrases that were
  encoded with it. Encoding alone: files at hand, model loaded, decoded ahead on all cores, encoded, scored. Fetching
  alone: the site's answer and all files over the usual number of connections, nothing decoded. Imports every program
  begins with are not counted.""",
    """**The machine's own limit**: the best of several matrix products as large as those in a ViT-B-32, in torch and in
  OpenVINO, on all cores, right after the tower in each round. A picture takes {operations} · 10⁹ operations, computed
  from the architecture.""",
)
_WITH_RCLIP = """**rclip**: unchanged, in its own environment, with our weights as ONNX in fp32 where it looks for
  those it downloads (it checks neither size nor digest; at which precision its own files are could not be seen
  offline). It is built for ViT-B-32-256, 65 tokens a picture instead of 50: the row of all files encoded is of that
  model for both. Its text tower, which a new phrase needs, is ViT-B-32's. Its vectors are open_clip's within {rclip}.
  A new phrase is asked with `--no-indexing`: it does not look whether pictures are new, and makes no gallery."""
_WITHOUT_RCLIP = "**rclip** is not in this run: {why_not}."


def _agreement(difference: float) -> str:
    return "" if difference <= 1e-4 else ", **more than the 1e-4 that same weights allow**"


def _machine(measured: Measured) -> Iterable[str]:
    machine = measured.machine
    flags = ", ".join(machine.flags) or "not listed by the system"
    yield f"- {machine.cpu}, {machine.cores} cores, {machine.memory_gb:.0f} GB; {machine.system}"
    yield f"- flags that matter: {flags}; bf16 {'native' if machine.bf16 else 'not native'}"
    yield "- " + ", ".join(f"{name} {number}" for name, number in machine.versions.items())


def readme_lines(measured: Measured) -> str:
    """README's table: who takes how long for what."""
    groups = measured.groups
    names = [m.OURS, m.SENTENCE_TRANSFORMERS, m.OPEN_CLIP, m.RCLIP, m.SEED_RECIPE]
    names = [name for name in names if name != m.RCLIP or m.RCLIP in groups[m.NEW_PHRASE]]
    lines = [
        f"| | {' | '.join(f'**{name}**' if name == m.OURS else name for name in names)} |",
        f"|---|{'---:|' * len(names)}",
    ]
    for group, title, show in (
        (m.NEW_PHRASE, f"a new phrase over {measured.pictures} pictures seen before, whole process", _seconds),
        (m.PICTURES, "pictures encoded a second", lambda value: f"{value:.0f}"),
        (m.TEXT, "one phrase, model loaded", lambda value: f"{1000 * value:.0f} ms"),
    ):
        cells = [show(groups[group][name].median) if name in groups[group] else "" for name in names]
        lines.append(f"| {title} | **{cells[0]}** | {' | '.join(cells[1:])} |")
    machine = measured.machine
    first = statistics.median(groups[m.FIRST]["whole"].values)
    return "\n".join(
        [
            "![Bars of the same figures](benchmarks/speed.svg)",
            "",
            *lines,
            "",
            f"ViT-B-32, the same weights for all; {machine.cpu}, {machine.cores} cores"
            f"{' with bf16' if machine.bf16 else ''}. A first search over {measured.pictures} pictures from a site "
            f"that answers after {1000 * measured.delay_s:.0f} ms takes {first:.1f} s. "
            "[All figures, goals and limits](benchmarks/RESULTS.md).",
        ]
    )


def write_between_markers(file: Path, lines: str) -> None:
    """Put `lines` between the markers of `file`; a file without them stays as it is."""
    if not file.is_file():
        return
    text = file.read_text(encoding="utf-8")
    before, start, rest = text.partition(START)
    _, end, after = rest.partition(END)
    if start and end:
        file.write_text(f"{before}{START}\n{lines}\n{END}{after}", encoding="utf-8")
