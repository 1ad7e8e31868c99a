"""Whether the CPU computes in bf16: asked of OpenVINO once, so that a search need not import it to know."""

import hashlib
import json
import platform
import sys
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

from phrasepix_core.errors import NotWrittenError
from phrasepix_core.files import write_atomically
from reranker.engine import runtime

_ONE_CPU = 4096
"""Bytes of /proc/cpuinfo that hold its first entry, with the model and what it can do."""


def computes_bf16(kept_in: Path) -> bool:
    """Whether the CPU multiplies bfloat16 natively, as OpenVINO said; what it said is kept in a directory."""
    key = _key()
    if key is None:
        return runtime.computes_bf16()
    place = kept_in / f"bf16-{key}.json"
    with suppress(OSError, ValueError):
        if isinstance(kept := json.loads(place.read_bytes()), bool):
            return kept
    said = runtime.computes_bf16()
    with suppress(OSError, NotWrittenError):  # the next process asks again
        kept_in.mkdir(parents=True, exist_ok=True)
        write_atomically(place, json.dumps(said))
    return said


def _key() -> str | None:
    """A digest of the CPU and of the OpenVINO that is asked; None where the system does not tell one from another."""
    openvino = find_spec("openvino")
    if openvino is None or openvino.origin is None:
        return None
    match sys.platform:
        case "linux":
            cpu = _cpu_of_linux()
        case "win32":
            cpu = platform.processor()  # vendor, family, model and stepping
        case _:
            cpu = ""
    if not cpu:
        return None
    asked = [openvino.origin, Path(openvino.origin).stat().st_mtime_ns]
    return hashlib.sha256(json.dumps([cpu, asked]).encode()).hexdigest()[:12]


def _cpu_of_linux() -> str:
    """Model and flags, without what changes from moment to moment; empty where they are not told."""
    try:
        with Path("/proc/cpuinfo").open(encoding="ascii", errors="replace") as file:
            entry = file.read(_ONE_CPU).split("\n\n")[0]
    except OSError:
        return ""
    told = [
        line for line in entry.splitlines() if not line.startswith(("processor", "cpu MHz", "bogomips", "BogoMIPS"))
    ]
    return "\n".join(told) if any(line.lower().startswith(("flags", "features")) for line in told) else ""
