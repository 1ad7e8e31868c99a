"""Status of each encoder: what it says of itself, and whether a search can name it as things are."""

import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from phrasepix.models.adapters import adapter_names
from phrasepix.models.catalogue import PROFILES, choose_model, profile_named
from phrasepix_core.errors import PhrasepixError
from phrasepix_core.extras import missing_of
from reranker.encoder_profile import EncoderProfile, KnowsItsWeights
from reranker.engine.factory import load_encoder, loads_at_once
from reranker.loading import Loading
from reranker.models.model_spec import LOCAL_DIR, ModelSpec
from reranker.models.registry import registered_factory, registered_names

NONE_NEEDED, AT_HAND, NOT_HERE, NOT_KNOWN = "none needed", "at hand", "not here", ""

_MEASURED = 24
"""Pictures that are encoded to measure how many go into a second."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EncoderStatus:
    """An encoder by its `name`, and its `profile`, where it has one before it is loaded.

    `weights` are “none needed”, “at hand”, “not here” (they would be downloaded, or made ready), or empty where that is
    not known. `remedy` is what to do, or what is wrong, where a search cannot name it. `pictures_per_s` was measured.
    """

    name: str
    profile: EncoderProfile | None
    weights: str = NOT_KNOWN
    remedy: str = ""
    pictures_per_s: float | None = None

    @property
    def modalities(self) -> str:
        """What it encodes, in words; empty where that is not known."""
        return "" if self.profile is None else " and ".join(sorted(self.profile.encodes, reverse=True))

    def to_dict(self) -> dict[str, Any]:
        """Return what is known of it, as Python holds JSON."""
        facts: dict[str, Any] = {
            "name": self.name,
            "weights": self.weights or None,
            "ready": not self.remedy,
            "remedy": self.remedy,
            "pictures_per_s": None if self.pictures_per_s is None else round(self.pictures_per_s, 1),
        }
        if (profile := self.profile) is None:
            return facts
        return facts | {
            "title": profile.title,
            "encodes": sorted(profile.encodes),
            "metric": profile.metric,
            "bytes_per_picture": profile.bytes_per_picture,
            "licence": profile.licence,
            "home_url": profile.home_url,
            "extra": profile.extra,
        }


def encoder_statuses(directory: Path) -> list[EncoderStatus]:
    """Return all encoders that have names: models that rank by a phrase, then what packages add, then adapters.

    `directory` is the one of caches. No encoder is loaded. Others of open_clip can be named as well.
    """
    models = [_of_model(name, directory) for name in PROFILES]
    registered = [_of_registered(name, directory) for name in registered_names() if name not in PROFILES]
    taken = {one.name for one in (*models, *registered)}
    adapters = [_of_adapter(name, directory) for name in adapter_names() if name not in taken]
    return [*models, *registered, *adapters]


def measured(statuses: Iterable[EncoderStatus], directory: Path) -> list[EncoderStatus]:
    """Return the same with how many pictures a second each encodes here, where it is ready and needs no download."""
    return [_measured(one, directory) if not one.remedy and one.weights != NOT_HERE else one for one in statuses]


def _of_model(name: str, directory: Path) -> EncoderStatus:
    _, spec = choose_model(name, None, only_the_sample=False)
    return EncoderStatus(name=name, profile=PROFILES[name], weights=_weights_of(spec, directory))


def _weights_of(spec: ModelSpec, directory: Path) -> str:
    return AT_HAND if spec.model.startswith(LOCAL_DIR) or loads_at_once(spec, directory) else NOT_HERE


def _of_registered(name: str, directory: Path) -> EncoderStatus:
    try:
        profile, factory = profile_named(name), registered_factory(name)
    except PhrasepixError as error:
        return EncoderStatus(name=name, profile=None, remedy=str(error))
    weights = NOT_KNOWN
    if isinstance(factory, KnowsItsWeights):
        here = factory.has_weights(Loading(cache_directory=directory, download=False))
        weights = NONE_NEEDED if here is None else AT_HAND if here else NOT_HERE
    missing = missing_of(profile.extra) if profile is not None and profile.extra else ""
    return EncoderStatus(name=name, profile=profile, weights=weights, remedy=missing)


def _of_adapter(name: str, directory: Path) -> EncoderStatus:
    """As its base is: what that lacks, it lacks."""
    try:
        profile, (_, spec) = profile_named(name), choose_model(name, None, only_the_sample=False)
    except PhrasepixError as error:
        return EncoderStatus(name=name, profile=None, remedy=str(error))
    if spec.plug_in:
        return replace(_of_registered(spec.model, directory), name=name, profile=profile)
    return EncoderStatus(name=name, profile=profile, weights=_weights_of(spec, directory))


def _measured(status: EncoderStatus, directory: Path) -> EncoderStatus:
    from phrasepix.sample.catalogue import PICTURES_DIRECTORY
    from reranker.pictures.decode import decode_file

    _, spec = choose_model(status.name, None, only_the_sample=False)
    try:
        encoder = load_encoder(spec, directory, download=False)
        pictures = []
        for path in sorted(PICTURES_DIRECTORY.glob("*.jpg"))[:_MEASURED]:
            with path.open("rb") as file:
                pictures.append(decode_file(file, enough=2 * encoder.input_side))
        encoder.encode_pictures(pictures[:1])  # what is loaded late is loaded now
        begun = time.perf_counter()
        encoder.encode_pictures(pictures)
        return replace(status, pictures_per_s=len(pictures) / (time.perf_counter() - begun))
    except PhrasepixError as error:
        return replace(status, remedy=str(error))
