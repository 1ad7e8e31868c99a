"""What a figure depends on beside the code: CPU, cores, versions."""

import platform
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from reranker.engine import runtime
from reranker.threads import cores

PACKAGES = (
    "phrasepix",
    "openvino",
    "torch",
    "open_clip_torch",
    "sentence-transformers",
    "transformers",
    "tokenizers",
    "numpy",
    "pillow",
)
_TELLING_FLAGS = ("avx2", "avx512f", "avx512_vnni", "avx512_bf16", "avx_vnni", "amx_bf16", "amx_int8", "asimd", "bf16")


@dataclass(frozen=True, slots=True)
class Machine:
    """The machine and the programs of a run."""

    cpu: str
    cores: int
    memory_gb: float
    flags: tuple[str, ...]
    bf16: bool
    system: str
    versions: Mapping[str, str]


def this_machine() -> Machine:
    """The machine this runs on."""
    return Machine(
        cpu=str(runtime.core().get_property("CPU", "FULL_DEVICE_NAME")).strip() or platform.machine(),
        cores=cores(),
        memory_gb=_memory_gb(),
        flags=_flags(),
        bf16=runtime.computes_bf16(),
        system=f"{platform.system()}, Python {platform.python_version()}",
        versions={name: found for name in PACKAGES if (found := _version(name))},
    )


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def _flags() -> tuple[str, ...]:
    """Those of the CPU's flags that decide how fast it multiplies; empty where the system does not list them."""
    listing = Path("/proc/cpuinfo")
    if not listing.is_file():
        return ()
    for line in listing.read_text(encoding="utf-8", errors="replace").splitlines():
        name, _, flags = line.partition(":")
        if name.strip() in {"flags", "Features"}:
            return tuple(flag for flag in _TELLING_FLAGS if flag in flags.split())
    return ()


def _memory_gb() -> float:
    if sys.platform == "win32":
        return 0.0
    import os

    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
