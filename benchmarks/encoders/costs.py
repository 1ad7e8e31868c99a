"""What each costs, measured in a process of its own: `python -m benchmarks.encoders.costs NAME` prints it as JSON."""

import json
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from benchmarks.encoders.measured import as_file_name
from benchmarks.encoders.pictures import drawn
from benchmarks.encoders.subjects import EncoderSubject, Subject, subject_named

_PICTURES = 24
_PAIRS_OF = 4
_ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Cost:
    """Of one subject: processor time of a picture and of a pair, memory it takes, and what is kept of a picture."""

    name: str
    picture_ms: float
    pair_ms: float
    memory_mb: float
    picture_bytes: float


def kept(subject: Subject, work: Path) -> Cost | None:
    """What was measured before; None where nothing was."""
    place = _place(subject, work)
    return Cost(**json.loads(place.read_text(encoding="utf-8"))) if place.exists() else None


def cost_of(subject: Subject, work: Path) -> Cost:
    """Measure, unless it is kept in `work`."""
    if (before := kept(subject, work)) is not None:
        return before
    command = [sys.executable, "-m", "benchmarks.encoders.costs", subject.name]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=_ROOT, timeout=600)
    said = done.stdout.splitlines()[-1]
    _place(subject, work).write_text(said, encoding="utf-8")
    return Cost(**json.loads(said))


def _place(subject: Subject, work: Path) -> Path:
    return work / f"cost-{as_file_name(subject.key)}.json"


def measured(name: str) -> Cost:
    """Measure in this process, which has done nothing else."""
    pictures = drawn(_PICTURES).pictures
    before = _peak_mb()
    subject = subject_named(name)
    subject.described(pictures[0])
    began = time.process_time()
    described = [subject.described(picture) for picture in pictures]
    encoded = time.process_time()
    for asked in described[:_PAIRS_OF]:
        subject.scores(asked, described)
    compared = time.process_time()
    return Cost(
        name,
        1000 * (encoded - began) / _PICTURES,
        1000 * (compared - encoded) / (_PAIRS_OF * _PICTURES),
        _peak_mb() - before,
        float(np.mean([_bytes(subject, one) for one in described])),
    )


def _bytes(subject: Subject, described: object) -> int:
    """What is kept of a picture, in bytes: arrays, features, or a hash in hexadecimal digits."""
    parts = described if isinstance(described, tuple) else (described,)
    sizes = [one.nbytes if isinstance(one, np.ndarray) else len(one) for one in parts if one is not None]
    return sum(sizes) if isinstance(subject, EncoderSubject) or len(parts) > 1 else sizes[0] // 2


def _peak_mb() -> float:
    """The most memory this process has had, as Linux says; what `getrusage` says is the parent's at first."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


if __name__ == "__main__":
    print(json.dumps(asdict(measured(sys.argv[1]))))
