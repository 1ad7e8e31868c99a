"""Packages that only some models need."""

from dataclasses import dataclass
from importlib.util import find_spec

from phrasepix_core.installing import install_command
from reranker.errors import ModelError


@dataclass(frozen=True, slots=True)
class _Extra:
    name: str
    packages: tuple[str, ...]


_TORCH = _Extra("torch", ("open-clip-torch", "torch"))
_MULTILINGUAL = _Extra("multilingual", ("sentence-transformers", "transformers"))
_DESCRIPTORS = _Extra("descriptors", ('"opencv-python-headless<5"',))
_EXTRAS = {
    "cv2": _DESCRIPTORS,
    "torch": _TORCH,
    "open_clip": _TORCH,
    "sentence_transformers": _MULTILINGUAL,
    "transformers": _MULTILINGUAL,
}
"""What brings a module."""


def is_installed(package: str) -> bool:
    """Whether a package can be imported; it is not."""
    return find_spec(package) is not None


def missing_of(extra: str) -> str:
    """How what an extra of phrasepix brings is installed; empty where it is here, or the extra brings no such thing."""
    lacking = [package for package, one in _EXTRAS.items() if one.name == extra and not is_installed(package)]
    return install_command(*_EXTRAS[lacking[0]].packages) if lacking else ""


def demand_package(package: str, what: str) -> None:
    """Raise `ModelError`, saying how it is installed, where a `package` that `what` needs is not here."""
    if not is_installed(package):
        extra = _EXTRAS[package]
        install = install_command(*extra.packages)
        raise ModelError(f"{what} needs the package {package}: {install} (phrasepix's extra “{extra.name}”)")


def demand_torch(what: str) -> None:
    """Raise `ModelError`, saying how they are installed, where torch or open_clip, which `what` needs, is not here."""
    for package in ("torch", "open_clip"):
        demand_package(package, what)
