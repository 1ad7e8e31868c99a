"""Encoders that other packages add, found by their names.

A package adds an encoder by an entry point of the group `phrasepix.encoders` whose name is the one that people choose
the model by (`--model NAME`, `model="NAME"`), and whose value is a function that takes a `Loading` and returns an
`Encoder`. `reranker.testing.check_encoder` checks what it returns.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

from phrasepix_core.entry_points import installed_entry_points
from reranker.encoder import (
    DeclaresFamily,
    Encoder,
    EncodesSideBySide,
    KeepsOneTower,
    KnowsTexts,
    LoadsAhead,
    PreparesPictures,
    SharesImageTower,
    TellsWhatItReads,
)
from reranker.encoder_profile import EncoderProfile, HasProfile
from reranker.errors import EncoderFaultError, RerankerError
from reranker.loading import Loading as Loading
from reranker.pairs import ComparesMany, ShowsKeyPoints, VerifiesPairs

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

GROUP = "phrasepix.encoders"

_OPTIONAL = (
    SharesImageTower,
    DeclaresFamily,
    KnowsTexts,
    LoadsAhead,
    KeepsOneTower,
    EncodesSideBySide,
    PreparesPictures,
    TellsWhatItReads,
    HasProfile,
    VerifiesPairs,
    ComparesMany,
    ShowsKeyPoints,
)
"""What an encoder may do beyond its protocol."""


_WHEN_LOADED = (Exception, SystemExit)


def is_registered(name: str) -> bool:
    """Whether a package adds an encoder of that name. None of their code runs."""
    return _registered(name) is not None


def registered_names() -> list[str]:
    """Return the names of all encoders that packages add, phrasepix's own among them. None of their code runs."""
    return sorted({entry.name for entry in _entries()})


def registered_factory(name: str) -> Callable[[Loading], object]:
    """Return what loads the encoder that a package adds under `name`. Raises as `load_registered`."""
    return _factory(name)[0]


def registered_profile(name: str) -> EncoderProfile | None:
    """Return what the encoder that a package adds under `name` says of itself, without loading it.

    None where it says nothing before it is loaded. Raises as `load_registered`.
    """
    factory = registered_factory(name)
    return factory.profile if isinstance(factory, HasProfile) else None


def load_registered(name: str, loading: Loading) -> Encoder:
    """Load the encoder that another package adds under `name`.

    Raises `EncoderFaultError` if there is none, or if its code fails or returns something else; a `RerankerError` of
    that code, such as `WeightsUnavailableError`, is raised as it is.
    """
    factory, given = _factory(name)
    with _named(name, _WHEN_LOADED):
        encoder = factory(loading)
        if not isinstance(encoder, Encoder):
            raise EncoderFaultError(
                f"{given} returns {type(encoder).__name__}, which is no Encoder: that has name, dimensions, "
                "input_side, encode_texts and encode_pictures (reranker.Encoder)"
            )
        return _guarded(encoder, name, factory.profile if isinstance(factory, HasProfile) else None)


def _factory(name: str) -> tuple[Callable[[Loading], object], str]:
    """What loads the encoder of that name, and what it is called in errors. Raises as `load_registered`."""
    entry = _registered(name)
    if entry is None:
        raise EncoderFaultError(
            f"no package registers the encoder {name!r} (entry points of the group {GROUP}) any more"
        )
    given = f"{entry.value}, which is registered as encoder {name!r},"
    with _named(name, _WHEN_LOADED):
        load = entry.load()
        if not callable(load):
            raise EncoderFaultError(f"{given} is no function; it must take a Loading and return an Encoder")
        return load, given


def _registered(name: str) -> "EntryPoint | None":
    if ":" in name:  # hf-hub:… or local-dir:…
        return None
    return next((entry for entry in _entries() if entry.name == name), None)


def _entries() -> "Iterable[EntryPoint]":
    return installed_entry_points(GROUP)


def _guarded(encoder: Encoder, name: str, profile: EncoderProfile | None) -> Encoder:
    """Return an encoder that does what `encoder` does, whose mistakes are `EncoderFaultError`s.

    It has the members of each protocol that `encoder` keeps, and no others: what it can do is seen by them. The
    `profile` of what loaded it is its own, if it has none.
    """
    members: dict[str, object] = {"__repr__": lambda self: repr(encoder)}
    if profile is not None:
        members["profile"] = profile
    for protocol in (Encoder, *_OPTIONAL):
        if isinstance(encoder, protocol):
            for member, kind in vars(protocol).items():
                if not member.startswith("_"):
                    is_property = isinstance(kind, property)
                    members[member] = _read(encoder, name, member) if is_property else _call(encoder, name, member)
    return cast(Encoder, type("RegisteredEncoder", (), members)())


def _read(encoder: Encoder, name: str, member: str) -> property:
    def read(self: object) -> Any:
        with _named(name):
            return getattr(encoder, member)

    return property(read)


def _call(encoder: Encoder, name: str, member: str) -> Callable[..., Any]:
    def call(self: object, *args: Any) -> Any:
        with _named(name):
            return getattr(encoder, member)(*args)

    return call


@contextmanager
def _named(name: str, faults: tuple[type[BaseException], ...] = (Exception,)) -> Iterator[None]:
    """Have whatever a package does wrong in here raise `EncoderFaultError`."""
    try:
        yield
    except RerankerError:
        raise
    except faults as error:
        raise EncoderFaultError.of(name, error) from error
