"""Whether torch could run on a graphics processor here, judged without the seconds its import takes."""

import platform
import sys
from ctypes.util import find_library
from pathlib import Path

_NODES = ("/dev/nvidiactl", "/dev/dxg", "/dev/kfd")  # NVIDIA's driver, the same under WSL, AMD's


def may_have_graphics_device() -> bool:
    """False where there is certainly neither cuda nor mps; True where only torch can tell."""
    return _has_driver() and _has_torch_for_it()


def _has_driver() -> bool:
    if sys.platform == "darwin":
        return platform.machine() == "arm64"
    if sys.platform == "win32":
        return find_library("nvcuda") is not None
    return any(Path(node).exists() for node in _NODES)


def _has_torch_for_it() -> bool:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return "+cpu" not in version("torch")
    except PackageNotFoundError:
        return False
