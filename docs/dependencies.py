"""What the core's dependencies cost and save: `python -m docs.dependencies` measures them and writes the page.

Sizes and times are those of the versions and the machine it runs on; the tests hold the names and the sum alone.
"""

import subprocess
import sys
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from importlib.util import find_spec
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "reference" / "dependencies.md"
START, END = "<!-- dependencies:start -->", "<!-- dependencies:end -->"
PACKAGES = "phrasepix", "phrasepix_core", "reranker", "retriever"
GOAL_MB = 450
"""What a fresh virtual environment with the core may take, on Linux, with the pip that it comes with."""
PIP_MB = 30
"""Of it, what `python -m venv` puts there: pip, and setuptools up to Python 3.11."""
_MB = 1 << 20
_TIMES = 5


@dataclass(frozen=True, slots=True)
class Reason:
    """The module of a dependency, and what would be written or lost without it."""

    module: str
    saves: str


WHY: Mapping[str, Reason] = {
    "certifi": Reason("certifi", "the certificates that sites of pictures are trusted by, the same on every system"),
    "click": Reason("click", "the command line: options, help, completion of shells"),
    "defusedxml": Reason("defusedxml", "XMP of pictures from anywhere: no entity bombs"),
    "filelock": Reason(
        "filelock", "two processes at once: saving, preparing a model, limits of sources; on Windows too"
    ),
    "ftfy": Reason("ftfy", "CLIP's text cleaning: other tokens than those it learnt otherwise"),
    "huggingface-hub": Reason(
        "huggingface_hub.hf_api", "weights: found in the cache that others share, downloaded, resumed"
    ),
    "jinja2": Reason("jinja2", "the gallery page, everything escaped"),
    "numpy": Reason("numpy", "embeddings, scores, fingerprints; OpenVINO needs it too"),
    "openvino": Reason("openvino", "runs the towers on any CPU, quicker than torch and without its gigabytes"),
    "pi-heif": Reason("pi_heif", "HEIC, what phones write: reads it, without the encoder and its licence"),
    "pillow": Reason("PIL.Image", "every other picture format, and the scaling that models are trained with"),
    "platformdirs": Reason("platformdirs", "where each system keeps caches and settings"),
    "py3langid": Reason("py3langid", "the phrase's language, offline"),
    "regex": Reason("regex", "CLIP's word pattern for all scripts; phrases cut to words in languages without spaces"),
    "requests": Reason("requests", "asks the sources: proxies, certificates, logins as everybody sets them"),
    "rich": Reason("rich", "table, progress and colours, as wide as the terminal"),
    "simplemma": Reason("simplemma", "dictionary forms of a phrase's words in 50 languages, without a model"),
    "stopwordsiso": Reason("stopwordsiso", "stop words of 58 languages"),
    "tenacity": Reason("tenacity", "retries with backoff and jitter"),
    "tokenizers": Reason(
        "tokenizers", "texts to tokens as the models learnt them: byte pairs, word and sentence pieces"
    ),
    "urllib3": Reason(
        "urllib3", "fetches pictures from checked addresses only, and unpacks no more than was asked for"
    ),
}
"""Why each dependency of the core is there."""


def core() -> list[str]:
    """The names of the core's dependencies, from `pyproject.toml`."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return sorted(canonicalize_name(Requirement(line).name) for line in project["dependencies"])


def closure(names: Iterable[str]) -> dict[str, Distribution]:
    """The installed distributions of those names and of all that they require here, by their names."""
    found: dict[str, Distribution] = {}
    unread = [(name, frozenset[str]()) for name in names]
    read: set[tuple[str, frozenset[str]]] = set()
    while unread:
        name, extras = unread.pop()
        if (name, extras) in read:
            continue
        read.add((name, extras))
        try:
            found[name] = distribution(name)
        except PackageNotFoundError:
            raise SystemExit(f"{name} is not installed: pip install .") from None
        for line in found[name].requires or ():
            needed = Requirement(line)
            if needed.marker is None or any(needed.marker.evaluate({"extra": extra}) for extra in ("", *extras)):
                unread.append((canonicalize_name(needed.name), frozenset(needed.extras)))
    return found


def size_mb(distributions: Iterable[Distribution]) -> float:
    """What their installed files take, in MiB."""
    paths = (Path(str(one.locate_file(file))) for one in distributions for file in one.files or ())
    return sum(path.stat().st_size for path in paths if path.is_file()) / _MB


def own_size_mb() -> float:
    """What phrasepix itself takes, in MiB: code, the sample's pictures and its model."""
    places = (Path(found.origin).parent for name in PACKAGES if (found := find_spec(name)) and found.origin)
    files = (path for place in places for path in place.rglob("*") if path.is_file())
    return sum(path.stat().st_size for path in files if path.suffix != ".pyc") / _MB


def brought_by(name: str) -> dict[str, Distribution]:
    """A dependency, and what of all that it requires nothing else of the core does."""
    others = closure(other for other in core() if other != name)
    return {one: found for one, found in closure([name]).items() if one == name or one not in others}


def import_ms(module: str) -> float:
    """The processor's time for the import of a module in a fresh process, in milliseconds: the least of a few."""
    code = f"import time; start = time.process_time(); import {module}; print(time.process_time() - start)"
    command = [sys.executable, "-c", code]
    runs = [subprocess.run(command, check=True, capture_output=True) for _ in range(_TIMES)]  # noqa: S603
    return min(float(one.stdout) for one in runs) * 1000


def table() -> str:
    """The table of the page: what each costs here, and saves."""
    lines = ["| package | MB | with it | import, ms | what it saves |", "|---|---:|---|---:|---|"]
    costs = {name: brought_by(name) for name in core()}
    sizes = {name: size_mb(brought.values()) for name, brought in costs.items()}
    for name in sorted(sizes, key=lambda name: -sizes[name]):
        reason, besides = WHY[name], sorted(costs[name].keys() - {name})
        lines.append(
            f"| {name} | {sizes[name]:.1f} | {', '.join(besides) or '–'} | {import_ms(reason.module):.0f} "
            f"| {reason.saves} |"
        )
    everything = closure(core())
    own = own_size_mb()
    total = size_mb(everything.values()) + own
    lines += [
        "",
        f"All {len(everything)} packages together with phrasepix itself ({own:.0f} MB, nearly all of it the sample) "
        f"take {total:.0f} MB; the goal is {GOAL_MB} MB for a fresh virtual environment with its pip.",
        f"Measured with Python {sys.version_info.major}.{sys.version_info.minor} on {sys.platform}.",
    ]
    return "\n".join(lines)


def write() -> None:
    """Write the table into the page."""
    page = PAGE.read_text(encoding="utf-8")
    before, after = page.partition(START)[0], page.partition(END)[2]
    PAGE.write_text(f"{before}{START}\n{table()}\n{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    write()
