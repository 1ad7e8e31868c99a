"""One meaning for every filter: what a candidate's own facts say of it."""

from collections.abc import Callable, Iterable

from retriever.candidate import Candidate
from retriever.filters import Filters

_RATIO_WITHIN = 0.03

Check = Callable[[Candidate, Filters], bool | None]
"""True or False; None where the candidate's facts do not tell."""


def _orientation(candidate: Candidate, filters: Filters) -> bool | None:
    ratio = candidate.width / candidate.height
    square = abs(ratio - 1) <= _RATIO_WITHIN
    return {"square": square, "horizontal": ratio > 1, "vertical": ratio < 1}[filters.orientation]


def _aspect_ratio(candidate: Candidate, filters: Filters) -> bool | None:
    wanted = filters.aspect_ratio or 1.0
    return abs(candidate.width / candidate.height / wanted - 1) <= _RATIO_WITHIN


def _colours(candidate: Candidate, filters: Filters) -> bool | None:
    return bool(set(candidate.colours) & set(filters.colours)) if candidate.colours else None


def _licence(candidate: Candidate, filters: Filters) -> bool | None:
    allowed = {"commercial": candidate.commercial_use, "modification": candidate.modification}
    answers = [allowed[use] for use in filters.licence]
    return None if None in answers and False not in answers else all(answers)


def _since(candidate: Candidate, filters: Filters) -> bool | None:
    day = candidate.taken_on or candidate.uploaded_on
    return None if day is None or filters.since is None else day >= filters.since


def _until(candidate: Candidate, filters: Filters) -> bool | None:
    day = candidate.taken_on or candidate.uploaded_on
    return None if day is None or filters.until is None else day <= filters.until


def _exclude_ai(candidate: Candidate, filters: Filters) -> bool | None:
    return None if candidate.ai_generated is None else not candidate.ai_generated


def _creator(candidate: Candidate, filters: Filters) -> bool | None:
    return candidate.creator.casefold() == (filters.creator or "").strip().casefold() if candidate.creator else None


CHECKS: dict[str, Check] = {
    "media_type": lambda candidate, filters: candidate.media_type == filters.media_type,
    "orientation": _orientation,
    "aspect_ratio": _aspect_ratio,
    "min_width": lambda candidate, filters: candidate.width >= filters.min_width,
    "min_height": lambda candidate, filters: candidate.height >= filters.min_height,
    "colours": _colours,
    "licence": _licence,
    "since": _since,
    "until": _until,
    "exclude_ai": _exclude_ai,
    "safe_search": lambda candidate, filters: candidate.g_rated,
    "creator": _creator,
}
"""What can be told from a candidate, by the filter's name."""


def fits(candidate: Candidate, filters: Filters, *, asked: Iterable[str], told: Iterable[str]) -> bool:
    """Whether a candidate is what `filters` wish.

    The source was `asked` for some of them, and its answers tell (`told`) enough to check some. What a candidate's
    facts deny is left out in any case. Where they do not say, the source is trusted that was asked; of one that
    was not, but tells of others, the candidate is left out: it cannot be known to be what is wanted.
    """
    trusted = frozenset(asked)
    telling = frozenset(told)
    for name in filters.wishes() & (trusted | telling):
        check = CHECKS.get(name)
        verdict = check(candidate, filters) if check is not None else None
        if verdict is False or (verdict is None and name not in trusted):
            return False
    return True
