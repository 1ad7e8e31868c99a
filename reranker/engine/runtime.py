"""OpenVINO as this project uses it: quiet, on all cores, at the precision the CPU computes in natively."""

import hashlib
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from threading import RLock
from typing import Any

from phrasepix_core.files import reason_near
from phrasepix_core.forking import set_free
from phrasepix_core.hush import hush
from reranker.threads import cores

_importing = RLock()
"""What hides a module from imports, and restores the filters of warnings, is done by one thread at a time."""

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=lambda: set_free(_importing))

_TOOLS, _TELEMETRY = "openvino.tools", "openvino_telemetry"


def is_installed() -> bool:
    """Whether the packages the engine needs are here."""
    return find_spec("openvino") is not None and find_spec("tokenizers") is not None


def installed_version() -> str:
    """OpenVINO's version; it is not imported for it."""
    from importlib.metadata import version

    return version("openvino")


def import_openvino() -> Any:
    """The module `openvino`, whose tools (its converter) are imported when asked for: they take as long as the rest."""
    with _importing:
        if "openvino" not in sys.modules:
            with _hidden(_TOOLS):  # it then does without
                import openvino
            openvino.__getattr__ = _tool  # for whoever else uses it in this process
    import openvino

    return openvino


def _tool(name: str) -> Any:
    if name != "convert_model":
        raise AttributeError(f"module 'openvino' has no attribute {name!r}")
    with _importing, _hidden(_TELEMETRY):  # which on import would report the use to the maker; a stand-in sends nothing
        from openvino.tools.ovc import convert_model
    return convert_model


@contextmanager
def _hidden(module: str) -> Iterator[None]:
    """Have imports not find `module`, and what OpenVINO says of its own deprecated parts not reach people."""
    hides = module not in sys.modules
    if hides:
        sys.modules[module] = None  # type: ignore[assignment]
    try:
        hush("openvino")
        yield
    finally:
        if hides:
            del sys.modules[module]


def core() -> Any:
    """OpenVINO's core; one for the process."""
    with _importing:
        return _core()


@cache
def _core() -> Any:
    return import_openvino().Core()


@cache
def computes_bf16() -> bool:
    """Whether the CPU multiplies bfloat16 natively."""
    return "BF16" in core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")


def save_model(model: Any, tower: Path) -> None:
    """Save a model of OpenVINO as the file `tower` (.xml) and its weights beside it. Raises OSError."""
    try:
        import_openvino().save_model(model, str(tower), compress_to_fp16=False)
    except RuntimeError as error:  # how OpenVINO reports a full disk
        raise OSError(f"{tower.name} cannot be written: {reason_near(tower.parent, error)}") from None


def compile_tower(tower: Path, precision: str, compiled: Path | None) -> Any:
    """The model in the file `tower` (.xml), compiled for this CPU at `precision`, f32 or bf16.

    With a directory `compiled`, what OpenVINO made of the model is kept there: compiled once, loaded from then on.
    Raises RuntimeError where the file is damaged.
    """
    settings: dict[str, Any] = {
        "INFERENCE_PRECISION_HINT": precision,
        "PERFORMANCE_HINT": "LATENCY",  # one request at a time gets all cores
        "INFERENCE_NUM_THREADS": cores(),
        "ENABLE_CPU_PINNING": False,  # other work runs on these cores too
        "CACHE_MODE": "OPTIMIZE_SIZE",  # without the weights, which stay in the .bin; loads as fast
    }
    if compiled is None:
        return core().compile_model(str(tower), "CPU", settings)
    ours = compiled / f"{tower.stem}-{_key(settings)}"
    if ours.is_dir():
        return core().compile_model(str(tower), "CPU", settings | {"CACHE_DIR": str(ours)})
    with written_aside(ours) as partial:
        return core().compile_model(str(tower), "CPU", settings | {"CACHE_DIR": str(partial)})


@contextmanager
def written_aside(directory: Path) -> Iterator[Path]:
    """A directory to write into, moved into place at the end: nobody reads what is half written.

    If another thread or process was first, its own stays.
    """
    partial = directory.with_name(f"{directory.name}.{os.urandom(8).hex()}.partial")
    try:
        yield partial
        with suppress(OSError):  # another was first
            partial.rename(directory)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _key(settings: dict[str, Any]) -> str:
    """What the compiled model depends on beside the model."""
    properties = [str(core().get_property("CPU", name)) for name in ("FULL_DEVICE_NAME", "OPTIMIZATION_CAPABILITIES")]
    text = repr([import_openvino().get_version(), properties, sorted(settings.items())])
    return hashlib.sha256(text.encode()).hexdigest()[:12]
