"""Candidates of stock sources, remembered in a library with what their terms allow."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from phrasepix.library.description import EncoderColumn, SeenSource
from phrasepix.library.forgetting import forget_expired
from phrasepix.library.guards import failures, writing
from phrasepix.library.location import Location
from phrasepix.library.maintenance import WHOLE, tidy
from phrasepix.library.seen_checks import why_not_written
from phrasepix.library.seen_rows import SeenRow
from phrasepix.library.seen_search import LeftOut, SeenSearch
from phrasepix.library.table import Library
from reranker.encoder import Embeddings
from reranker.memory.picture_store import LONGEST
from retriever.profile import FOR_GOOD, SourceProfile

PATIENCE_S: Final = 10.0
"""How long it is waited for another process that writes: a command ends only afterwards."""
_MOST_FRAGMENTS: Final = 32
"""Each search adds one. Beyond so many small ones the table is tidied, as it is when a folder was added."""


@dataclass(frozen=True, slots=True)
class Remembered:
    """How many rows were written, and what was left out."""

    rows: int
    left_out: Sequence[LeftOut]


def remember(searches: Sequence[SeenSearch], *, patience_s: float = PATIENCE_S) -> Remembered:
    """Remember what searches have seen in the library that all of them name.

    The library is made if it is not there. There is one commit for each encoder. Nothing is fetched or encoded: what
    was not encoded is left out. What may not be kept any more goes. It is waited `patience_s` seconds for another
    process that writes. Raises `LibraryError`.
    """
    location = Location.of(searches[0].library)
    rows: dict[EncoderColumn, list[tuple[SeenRow, Embeddings]]] = defaultdict(list)
    sources: dict[str, SeenSource] = {}
    left_out: Counter[tuple[str, str, str]] = Counter()
    for search in searches:
        for offered in search.offered:
            profile = offered.profile
            sources[profile.name] = _seen_source(profile)
            embeddings = search.embeddings_of(offered.candidates)
            for candidate in offered.candidates:
                if why := why_not_written(candidate, profile.name, offered.key):
                    left_out[profile.name, profile.title, why] += 1
                elif candidate.identity in embeddings:
                    row = SeenRow(candidate, search.seen_at, profile.remembered_for)
                    rows[search.encoder].append((row, embeddings[candidate.identity]))
    if any(rows.values()):
        _write(location, rows, sources, searches[-1].seen_at, patience_s)
    written = {row.key for several in rows.values() for row, _ in several}
    return Remembered(
        len(written), [LeftOut(name, title, count, why) for (name, title, why), count in left_out.items()]
    )


def _write(
    location: Location,
    rows: Mapping[EncoderColumn, Sequence[tuple[SeenRow, Embeddings]]],
    sources: Mapping[str, SeenSource],
    now: datetime,
    patience_s: float,
) -> None:
    with writing(location, patience_s=patience_s):
        library = Library.open_or_create(location)
        expires = any(row.kept_for != FOR_GOOD for several in rows.values() for row, _ in several)
        # Before the rows: a reader takes a candidate only of a source that is described.
        library.describe(
            sources={**library.description.sources, **sources}, expires=library.description.expires or expires
        )
        for encoder, several in rows.items():
            column = library.column_for(encoder)
            library.upsert([row.with_vectors({column: embedding}) for row, embedding in several])
        forget_expired(library, now, compacting=False)  # some rows are over with each search
        _tidy_if_crowded(library)


def _seen_source(profile: SourceProfile) -> SeenSource:
    return SeenSource(
        title=profile.title,
        mention=profile.mention,
        home_url=profile.home_url,
        keeps_pictures=profile.pictures_kept_for >= LONGEST,
    )


def _tidy_if_crowded(library: Library) -> None:
    with failures(library.location):
        small = sum(fragment.physical_rows < WHOLE for fragment in library.dataset.get_fragments())
    if small > _MOST_FRAGMENTS:
        tidy(library)
