"""What a search has seen and may be remembered in a library, and what not, and why."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol, runtime_checkable

from phrasepix.library.description import EncoderColumn, SeenSource
from phrasepix.library.seen_search import LeftOut, OfferedCandidates, SeenSearch
from phrasepix.request import SearchRequest
from phrasepix.results import Origin
from phrasepix.searching.pool import AskedSource, Pool
from phrasepix_core import environment
from phrasepix_core.candidate import Candidate
from phrasepix_core.errors import PhrasepixError
from phrasepix_core.urls import is_on_this_machine
from reranker.clip_reranker import ClipReranker
from reranker.encoder import image_tower_name
from reranker.match import Match
from reranker.memory import Memory
from reranker.models.model_spec import DEFAULT_MODEL
from retriever.api_key import ApiKey, find_api_key
from retriever.profile import SourceProfile, address_variable_of
from retriever.protocol import Retriever

_UNKNOWN_TERMS = "it does not say what its terms allow"


@runtime_checkable
class RemembersOthers(Protocol):
    """A retriever whose candidates may be of other sources, at which they were seen before."""

    @property
    def seen_sources(self) -> Mapping[str, SeenSource]:
        """Those sources by the names that stand in their candidates."""
        ...


def seen_origins(retrievers: Sequence[Retriever]) -> dict[str, Origin]:
    """Return where remembered candidates come from, by their sources' names.

    Their pictures may be on this machine if the source itself is asked there, as the environment says.
    """
    return {
        name: Origin(
            name, source.title, source.mention, source.home_url, is_on_this_machine(environment.variable(variable))
        )
        for retriever in retrievers
        if isinstance(retriever, RemembersOthers)
        for name, source in retriever.seen_sources.items()
        if (variable := address_variable_of(name))
    }


def origins_of(
    sources: Sequence[AskedSource], seen: Mapping[str, Origin], pool: Sequence[Candidate], matches: Sequence[Match]
) -> tuple[Origin, ...]:
    """Return where the pictures of a search come from: the sources asked and, of those `seen`, the ones with pictures.

    As long as the `pool` is not known, those with `matches`.
    """
    asked = tuple(source.origin for source in sources)
    if not seen:
        return asked
    there = {candidate.source for candidate in pool or [match.candidate for match in matches]}
    return asked + tuple(seen[name] for name in sorted(there & seen.keys() - {origin.name for origin in asked}))


def unkept_of(retrievers: Sequence[Retriever]) -> frozenset[str]:
    """Return the names of sources of whose remembered candidates no file may be kept."""
    return frozenset(
        name
        for retriever in retrievers
        if isinstance(retriever, RemembersOthers)
        for name, source in retriever.seen_sources.items()
        if not source.keeps_pictures
    )


@dataclass(frozen=True, slots=True)
class Rememberable:
    """Of each source that lets itself be remembered its candidates, and of the others why they are not."""

    offered: Sequence[OfferedCandidates]
    left_out: Sequence[LeftOut]


def rememberable(
    pool: Pool, sources: Sequence[AskedSource], gone: Collection[tuple[str, str]], key: str | None
) -> Rememberable:
    """Return what of a pool may be remembered: what a source itself has offered, and its terms let be kept.

    Pictures of this machine, and what a library remembered, are passed over. `gone` are the identities of those whose
    pictures could not be had, `key` stands in for that of the sole source.
    """
    by_source: dict[int, list[Candidate]] = {}
    for candidate, (_, number) in zip(pool.read, pool.places, strict=True):
        if candidate.identity not in gone and not sources[number].is_on_disk:
            by_source.setdefault(number, []).append(candidate)
    offered: list[OfferedCandidates] = []
    left_out: list[LeftOut] = []
    for number, candidates in sorted(by_source.items()):
        source, profile = sources[number], sources[number].profile
        if profile is not None and profile.may_be_remembered:
            offered.append(OfferedCandidates(profile, candidates, _key_of(profile, key)))
        else:
            why = _UNKNOWN_TERMS if profile is None else profile.why_not_remembered
            left_out.append(LeftOut(source.name, source.origin.title, len(candidates), why))
    return Rememberable(offered, left_out)


def _key_of(profile: SourceProfile, given: str | None) -> ApiKey | None:
    try:
        return find_api_key(profile.key_variable, profile.key_setting, given) if profile.needs_key else None
    except PhrasepixError:  # then the source was not asked by it
        return None


def seen_search(
    library: str,
    offered: Sequence[OfferedCandidates],
    request: SearchRequest,
    reranker: ClipReranker,
    memory: Memory,
) -> SeenSearch | None:
    """Return what is to be remembered in a library, with what a request's encoder made of it; None if nothing is.

    The encoder's column is called as people call the encoder, so that the library can be searched by it.
    """
    if not offered:
        return None
    named, encoder = request.encoder, reranker.encoder
    return SeenSearch(
        library=library,
        encoder=EncoderColumn(
            tower=image_tower_name(encoder),
            dimensions=encoder.dimensions,
            model=named if isinstance(named, str) else DEFAULT_MODEL.model if named is None else named.name,
            pretrained=request.pretrained,
        ),
        offered=offered,
        embeddings_of=lambda candidates: reranker.pool_encoder.embeddings_of(candidates, memory),
        seen_at=datetime.now(UTC),
    )
