"""Which candidates have come before."""

from collections import defaultdict
from collections.abc import Sequence

from phrasepix_core.candidate import Candidate


class Identities:
    """The identities of candidates, some 50 bytes each: the texts are the candidates' own, and no tuple is kept."""

    def __init__(self) -> None:
        # Dictionaries rather than sets: those take a third of the memory just after they have grown.
        self._ids: defaultdict[str, dict[str, None]] = defaultdict(dict)

    def __contains__(self, candidate: Candidate) -> bool:
        catalogue, number = candidate.identity
        return number in self._ids.get(catalogue, ())

    def add(self, candidate: Candidate) -> None:
        """Add a candidate's identity."""
        catalogue, number = candidate.identity
        self._ids[catalogue][number] = None

    def add_all_new(self, candidates: Sequence[Candidate]) -> list[Candidate]:
        """Add the identities of candidates; return those that have not come before, each once."""
        ids, new = self._ids, []
        for candidate in candidates:
            catalogue, number = candidate.identity
            if number not in (of_catalogue := ids[catalogue]):
                of_catalogue[number] = None
                new.append(candidate)
        return new

    def __len__(self) -> int:
        return sum(map(len, self._ids.values()))

    def clear(self) -> None:
        """Forget them all."""
        self._ids.clear()
