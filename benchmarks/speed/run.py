"""A run: prepare what everybody gets, then measure subject after subject, each side by side."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import numpy as np

from benchmarks.speed import measured as m
from benchmarks.speed import weights, worker
from benchmarks.speed.flops import flops_per_picture
from benchmarks.speed.machine import this_machine
from benchmarks.speed.measured import Measured
from benchmarks.speed.pictures import TAG, files, prepare
from benchmarks.speed.places import Places
from benchmarks.speed.processes import environment, run
from benchmarks.speed.rclip import Rclip, make_environment
from benchmarks.speed.rivals import RIVALS, model_config
from benchmarks.speed.rounds import Spread, interleaved
from benchmarks.speed.site import running_site

PHRASES = (
    "a tiger playing in the snow",
    "an old man reads a newspaper",
    "two red boats by the sea wall",
    "a dog and a cat on a green sofa",
    "people wait in the rain for a bus",
    "a plate of food beside a glass of wine",
    "a girl jumps over a puddle",
    "the empty street of a small town at dawn",
    "a train crosses a bridge over a river",
)
DELAY_S = 0.08
_COMMAND = (sys.executable, "-m", "phrasepix")
"""The command, whether or not its script is installed."""
_SCRIPTS = Path(__file__).parent / "scripts"


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured: how many pictures, and how many rounds of what."""

    pictures: int = 200
    more_pictures: int = 500
    tower_pictures: int = 64
    rounds: int = 7
    slow_rounds: int = 3
    text_rounds: int = 30


QUICK = Plan(pictures=16, more_pictures=32, tower_pictures=8, rounds=2, slow_rounds=1, text_rounds=3)


def measure(
    plan: Plan, places: Places, photographs: Path, command: str, rclip_venv: Path | None, without_rclip: str
) -> Measured:
    """All the figures of a run. `rclip_venv` is made if it is not there; None leaves rclip out, and says why."""
    places.work.mkdir(parents=True, exist_ok=True)
    _say("preparing pictures and weights")
    few, show = prepare(places.work, plan.pictures, photographs)
    many, _ = prepare(places.work, plan.more_pictures, photographs)
    weights.random_model(places.work)
    weights.as_sentence_transformer(places.model, places.sentence_transformer)
    rclip, without_rclip = _rclip(places, rclip_venv, without_rclip)
    groups: dict[str, dict[str, Spread]] = {}
    differences: dict[str, float] = {}
    with _Workers(plan, places, few) as workers:
        differences |= workers.differences()
        embeddings = workers.embeddings()
    _new_phrase(plan, places, few, embeddings, rclip, groups)
    with _Workers(plan, places, few) as workers:
        workers.measure(groups)
    _first_search(plan, places, few, many, groups)
    if rclip is not None:
        differences[m.RCLIP] = rclip.largest_difference(files(few)[:16], places.rclip_model)
        _index(plan, places, few, rclip, groups)
    machine = this_machine()
    if rclip is not None:
        machine = replace(machine, versions={**machine.versions, "rclip": rclip.version})
    return Measured(
        date=date.today().isoformat(),
        command=command,
        machine=machine,
        pictures=plan.pictures,
        more_pictures=plan.more_pictures,
        pictures_show=show,
        delay_s=DELAY_S,
        flops_per_picture=flops_per_picture(model_config(places.model)),
        groups=groups,
        differences=differences,
        without_rclip=without_rclip,
    )


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _rclip(places: Places, venv: Path | None, why_not: str) -> tuple[Rclip | None, str]:
    if venv is None:
        return None, why_not
    try:
        make_environment(venv)
    except subprocess.CalledProcessError as error:
        return None, f"rclip could not be installed: {error.cmd[-1]} ended with {error.returncode}"
    weights.as_rclip_data(weights.random_model(places.work, weights.RCLIP_ARCHITECTURE), places.rclip_data)
    return Rclip(venv, places), ""


class _Workers(ExitStack):
    """A worker for each rival and one for the machine's limit, as long as the context."""

    def __init__(self, plan: Plan, places: Places, pictures: Path) -> None:
        super().__init__()
        self._plan, self._places, self._pictures = plan, places, pictures
        self._started: dict[str, worker.Worker] = {}

    def _worker(self, name: str) -> worker.Worker:
        if name not in self._started:
            count = self._plan.tower_pictures
            started = worker.Worker(name, self._places, self._pictures, count, environment(self._places.work))
            self._started[name] = self.enter_context(started)
        return self._started[name]

    def differences(self) -> dict[str, float]:
        """The largest of each rival's towers from open_clip's, with the same pixels and with its own preprocessing."""
        vectors = {}
        for name in (m.OPEN_CLIP, m.OURS, m.SENTENCE_TRANSFORMERS):
            target = self._places.work / f"{name}.npz"
            self._worker(name).do("vectors", str(target))
            with np.load(target) as kept:
                vectors[name] = dict(kept)
        truth = vectors.pop(m.OPEN_CLIP)
        return {
            f"{name}: {kind}": float(np.abs(rows[kind] - truth[kind]).max())
            for name, rows in vectors.items()
            for kind in ("texts", "tower", "pictures")
        }

    def embeddings(self) -> Path:
        """All pictures' embeddings by sentence-transformers, saved as its user would."""
        target = self._pictures.with_suffix(".npy")
        if not target.is_file():
            self._worker(m.SENTENCE_TRANSFORMERS).do("embeddings", str(target))
        return target

    def measure(self, groups: dict[str, dict[str, Spread]]) -> None:
        """The towers and the machine's limit."""
        for group, job, names in (
            (m.PICTURES, "pictures", list(RIVALS)),
            (m.TOWER, "tower", [name for name in RIVALS if name != m.SEED_RECIPE]),
        ):
            _say(group)
            jobs = {m.OURS: self._job(m.OURS, job)}
            if job == "tower":  # right after ours, so that both see the same machine
                jobs |= {precision: self._limit(precision) for precision in ("bf16", "f32")}
            jobs |= {name: self._job(name, job) for name in names if name != m.OURS}
            for once in jobs.values():
                once(0)  # whatever is made on first use
            found = interleaved(jobs, self._plan.rounds, _say)
            groups[group] = {name: found[name] for name in names}
            groups |= {m.LIMIT: {name: found[name] for name in found if name not in names}} if job == "tower" else {}
        _say(m.TEXT)
        jobs = {name: self._job(name, "text") for name in (m.OURS, m.OPEN_CLIP, m.SENTENCE_TRANSFORMERS)}
        for number in range(len(PHRASES)):
            for once in jobs.values():
                once(number)  # a kernel is made for each length
        groups[m.TEXT] = interleaved(jobs, self._plan.text_rounds, lambda text: None)

    def _job(self, name: str, job: str) -> Callable[[int], float]:
        return lambda number: float(self._worker(name).do(job, PHRASES[number % len(PHRASES)]))

    def _limit(self, precision: str) -> Callable[[int], float]:
        return lambda number: float(self._worker(worker.LIMIT).do("gflops", precision))


def _first_search_command(task: str, model: Path, pictures: Path, count: int) -> list[str]:
    return [sys.executable, "-m", "benchmarks.speed.first_search", task, str(model), str(pictures), str(count)]


def _forget_all_but_engines(cache: Path) -> None:
    for path in cache.iterdir():
        if path.name != "engines":
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def _forget_all(cache: Path) -> None:
    shutil.rmtree(cache, ignore_errors=True)


def _asking(places: Places, address: str) -> dict[str, str]:
    return environment(places.work, PIXABAY_API_URL=address, PIXABAY_API_KEY="12345678-benchmark")


def _new_phrase(
    plan: Plan,
    places: Places,
    pictures: Path,
    embeddings: Path,
    rclip: Rclip | None,
    groups: dict[str, dict[str, Spread]],
) -> None:
    """Fresh processes with a phrase that was never asked, over pictures that are remembered."""
    _say(m.NEW_PHRASE)
    model = f"local-dir:{places.model}"
    ask = ["--tag", TAG, "--model", model, "--limit", str(plan.pictures)]
    with running_site(pictures, 0.0) as address:
        surroundings = _asking(places, address)
        _forget_all_but_engines(places.cache)
        run([*_COMMAND, "the first phrase", *ask], surroundings)
    # From here on nobody answers at that address: what is found comes from memory.

    def ours(number: int) -> float:
        done = run([*_COMMAND, f"{PHRASES[number % len(PHRASES)]} {number}", *ask], surroundings)
        if len(done.stdout.splitlines()) < 10 or "skipped" in done.stderr or "Gallery: " not in done.stderr:
            raise RuntimeError(f"phrasepix did not answer from memory: {done.stderr[-2000:]}")
        return done.seconds

    def script(name: str, *arguments: str) -> Callable[[int], float]:
        command = [sys.executable, str(_SCRIPTS / name), *arguments]

        def ask_script(number: int) -> float:
            done = run([*command, PHRASES[number % len(PHRASES)]], environment(places.work))
            if len(done.stdout.splitlines()) != 10:
                raise RuntimeError(f"{name} found nothing: {done.stdout}{done.stderr[-2000:]}")
            return done.seconds

        return ask_script

    jobs = {
        m.OURS: ours,
        m.SENTENCE_TRANSFORMERS: script(
            "sentence_transformers_query.py", str(places.sentence_transformer), str(embeddings)
        ),
        m.SEED_RECIPE: script("seed_recipe_query.py", str(places.model), str(pictures)),
    }
    if rclip is not None:
        rclip.forget()
        rclip.index(pictures, "the first phrase")
        jobs[m.RCLIP] = lambda number: rclip.query(pictures, PHRASES[number % len(PHRASES)])
    ours(len(PHRASES))  # so that every file of everybody was read once
    jobs[m.SENTENCE_TRANSFORMERS](0)
    rounds = dict.fromkeys(jobs, plan.rounds) | {m.SEED_RECIPE: plan.slow_rounds}
    groups[m.NEW_PHRASE] = interleaved(jobs, rounds, _say)
    _say(m.HELP)
    plain = {m.OURS: lambda number: run([*_COMMAND, "--help"], surroundings).seconds}
    groups[m.HELP] = interleaved(plain, 2 * plan.rounds, lambda text: None)


def _first_search(plan: Plan, places: Places, few: Path, many: Path, groups: dict[str, dict[str, Spread]]) -> None:
    """A whole first search beside its parts, and how much memory it takes."""
    _say(m.FIRST)
    peaks: dict[str, list[float]] = {name: [] for name in ("few", "many", "exporting", "parts")}

    def task(
        name: str,
        pictures: Path,
        address: str,
        noted: str = "parts",
        forget: Callable[[Path], None] = _forget_all_but_engines,
    ) -> Callable[[int], float]:
        def once(number: int) -> float:
            forget(places.cache)
            count = plan.more_pictures if pictures is many else plan.pictures
            command = _first_search_command(name, places.model, pictures, count)
            told = json.loads(run(command, _asking(places, address)).stdout)
            peaks[noted].append(float(told["peak"]))
            return float(told["seconds"])

        return once

    with running_site(few, DELAY_S) as of_few, running_site(many, DELAY_S) as of_many:
        parts = {name: task(name, few, of_few) for name in ("encode", "fetch")}
        jobs = {"whole": task("whole", few, of_few, "few"), **parts}
        groups[m.FIRST] = interleaved(jobs, 2 * plan.rounds, _say)  # what keeps all cores busy varies most
        exporting = {
            "model made ready": task("whole", few, of_few, "exporting", _forget_all),
            "model ready": task("whole", few, of_few),
        }
        groups[m.EXPORT] = interleaved(exporting, plan.slow_rounds, _say)
        larger = {f"whole, {plan.more_pictures}": task("whole", many, of_many, "many")}
        interleaved(larger, plan.slow_rounds, _say)
    for group, noted in ((m.PEAK, "few"), (m.PEAK_LARGE, "many"), (m.PEAK_OF_EXPORT, "exporting")):
        groups[group] = {m.OURS: Spread(tuple(peaks[noted]))}


def _index(plan: Plan, places: Places, pictures: Path, rclip: Rclip, groups: dict[str, dict[str, Spread]]) -> None:
    """Every picture of a folder encoded and one phrase asked, in a fresh process, by rclip and by phrasepix."""
    _say(m.INDEX)

    def theirs(number: int) -> float:
        rclip.forget()
        return rclip.index(pictures, PHRASES[number % len(PHRASES)])

    def ours(number: int) -> float:
        command = _first_search_command("encode", places.rclip_model, pictures, plan.pictures)
        return run(command, environment(places.work)).seconds

    ours(0)  # which exports the model
    groups[m.INDEX] = interleaved({m.OURS: ours, m.RCLIP: theirs}, plan.slow_rounds, _say)
