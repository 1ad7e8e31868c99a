"""What open_clip knows by name, without open_clip: architectures, and the weights there are of each.

`open_clip_data/registry.json` says it, as `training.open_clip_data` wrote it down from one version of open_clip. For a
name that is not in it, the installed open_clip is asked if it is another version.
"""

import json
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

DATA = Path(__file__).with_name("open_clip_data")
"""The directory of what was taken over from open_clip, with its licences."""

_PREPROCESSING = ("mean", "std", "interpolation", "resize_mode")


@dataclass(frozen=True, slots=True)
class Pretrained:
    """Where weights are and what belongs to them.

    `place` is `OWNER/NAME/FILE` on the hub, the file empty where it has the usual name. `preprocessing` holds mean,
    std, interpolation and resize_mode. `quick_gelu` is whether they were trained with that activation: with another
    they see badly and nothing says so.
    """

    place: str
    preprocessing: dict[str, Any]
    quick_gelu: bool


@dataclass(frozen=True, slots=True)
class _Registry:
    version: str
    architectures: dict[str, dict[str, Any]]
    pretrained: dict[str, dict[str, Pretrained]]


def architecture(name: str) -> dict[str, Any] | None:
    """The `model_cfg` of a name of the registry, the caller's own; None where there is no such name."""
    found = next((known.architectures[name] for known in _registries() if name in known.architectures), None)
    return deepcopy(found)


def architectures() -> list[str]:
    """All names."""
    return sorted({name for known in _registries() for name in known.architectures})


def pretrained(name: str, tag: str) -> Pretrained | None:
    """The weights of an architecture with that tag; None where there are none."""
    tagged = (known.pretrained.get(name, {}).get(tag) for known in _registries())
    return next((found for found in tagged if found is not None), None)


def pretrained_tags(name: str) -> list[str]:
    """The tags of the weights there are of an architecture; empty where the name is not known."""
    return list(dict.fromkeys(tag for known in _registries() for tag in known.pretrained.get(name, {})))


def is_text_model(name: str) -> bool:
    """Whether a text tower of some architecture is built after that repository."""
    return any(
        name == config["text_cfg"].get("hf_model_name")
        for known in _registries()
        for config in known.architectures.values()
    )


def _registries() -> Iterator[_Registry]:
    """What is kept here, and to whoever has not found what they look for, what another open_clip knows."""
    yield _kept()
    if (installed := _installed()) is not None:
        yield installed


@cache
def _kept() -> _Registry:
    content = json.loads((DATA / "registry.json").read_text(encoding="utf-8"))
    preprocessings = content["preprocessings"]
    tagged = {
        model: {
            tag: Pretrained(one["hf_hub"], preprocessings[one["preprocessing"]], one.get("quick_gelu", False))
            for tag, one in tags.items()
        }
        for model, tags in content["pretrained"].items()
    }
    return _Registry(content["version"], content["architectures"], tagged)


@cache
def _installed() -> _Registry | None:
    """What the installed open_clip knows; None where it is the version that is kept, or not there."""
    from importlib.metadata import PackageNotFoundError, version  # reads what is installed: known names do without

    try:
        installed = version("open_clip_torch")
    except PackageNotFoundError:
        return None
    if installed == _kept().version:
        return None
    import open_clip  # imports torch, which takes seconds

    configs = {(model, tag): open_clip.get_pretrained_cfg(model, tag) for model, tag in open_clip.list_pretrained()}
    tagged: dict[str, dict[str, Pretrained]] = {}
    for (model, tag), config in configs.items():
        if config.get("hf_hub"):
            preprocessing = {name: config[name] for name in _PREPROCESSING if config.get(name)}
            tagged.setdefault(model, {})[tag] = Pretrained(
                config["hf_hub"], preprocessing, bool(config.get("quick_gelu"))
            )
    return _Registry(installed, {name: open_clip.get_model_config(name) for name in open_clip.list_models()}, tagged)
