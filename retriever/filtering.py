"""One meaning for every filter: what a candidate's own facts say of it."""

import logging
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import date
from enum import Enum, auto

from phrasepix_core.candidate import Candidate
from phrasepix_core.text import caseless
from retriever.filters import Filters

logger = logging.getLogger(__name__)

WITHIN = 0.03
"""How much longer one side may be than it would be in a square or in the aspect ratio wanted."""

Check = Callable[[Candidate, Filters], bool | None]
"""True or False; None where the candidate's facts do not tell."""


def _media_type(candidate: Candidate, filters: Filters) -> bool | None:
    return candidate.media_type == filters.media_type if candidate.media_type else None


def _orientation(candidate: Candidate, filters: Filters) -> bool | None:
    if not _has_size(candidate):
        return None
    match filters.orientation:
        case "horizontal":
            return candidate.width > candidate.height
        case "vertical":
            return candidate.width < candidate.height
        case _:
            return _alike(candidate.width, candidate.height)


def _aspect_ratio(candidate: Candidate, filters: Filters) -> bool | None:
    if not _has_size(candidate) or filters.aspect_ratio is None:
        return None
    return _alike(candidate.width, candidate.height * filters.aspect_ratio)


def _has_size(candidate: Candidate) -> bool:
    return candidate.width > 0 and candidate.height > 0


def _alike(one: float, other: float) -> bool:
    """Whether neither is more than 3 % above the other: the same for a picture and for the one turned by 90°."""
    rounding = 1e-9
    return max(one, other) <= min(one, other) * (1 + WITHIN + rounding)


def _min_width(candidate: Candidate, filters: Filters) -> bool | None:
    return candidate.width >= filters.min_width if candidate.width > 0 else None


def _min_height(candidate: Candidate, filters: Filters) -> bool | None:
    return candidate.height >= filters.min_height if candidate.height > 0 else None


def _colours(candidate: Candidate, filters: Filters) -> bool | None:
    return not set(candidate.colours).isdisjoint(filters.colours) if candidate.colours else None


def _licence(candidate: Candidate, filters: Filters) -> bool | None:
    allowed = {"commercial": candidate.commercial_use, "modification": candidate.modification}
    answers = {allowed[use] for use in filters.licence}
    if False in answers:
        return False
    return None if None in answers else True


def _day(candidate: Candidate) -> date | None:
    return candidate.taken_on or candidate.uploaded_on


def _since(candidate: Candidate, filters: Filters) -> bool | None:
    day = _day(candidate)
    return None if day is None or filters.since is None else day >= filters.since


def _until(candidate: Candidate, filters: Filters) -> bool | None:
    day = _day(candidate)
    return None if day is None or filters.until is None else day <= filters.until


def _months(candidate: Candidate, filters: Filters) -> bool | None:
    return None if candidate.taken_on is None else candidate.taken_on.month in filters.months


def _on_day(candidate: Candidate, filters: Filters) -> bool | None:
    return None if candidate.taken_on is None else f"{candidate.taken_on:%m-%d}" == filters.on_day


def _keywords(candidate: Candidate) -> set[str]:
    return {caseless(tag) for tag in candidate.tags}


def _any_tags(candidate: Candidate, filters: Filters) -> bool:
    return not _keywords(candidate).isdisjoint(map(caseless, filters.any_tags))


def _all_tags(candidate: Candidate, filters: Filters) -> bool:
    return _keywords(candidate).issuperset(map(caseless, filters.all_tags))


def _no_tags(candidate: Candidate, filters: Filters) -> bool:
    return _keywords(candidate).isdisjoint(map(caseless, filters.no_tags))


def _exclude_ai(candidate: Candidate, filters: Filters) -> bool | None:
    return None if candidate.ai_generated is None else not candidate.ai_generated


def _safe_search(candidate: Candidate, filters: Filters) -> bool | None:
    return candidate.g_rated


def _creator(candidate: Candidate, filters: Filters) -> bool | None:
    name = _folded(candidate.creator)
    return name == _folded(filters.creator or "") if name else None


def _folded(name: str) -> str:
    """A name as it is compared: neither case nor spelling in Unicode nor white space around the words matters."""
    return caseless(name)


CHECKS: dict[str, Check] = {
    "media_type": _media_type,
    "orientation": _orientation,
    "aspect_ratio": _aspect_ratio,
    "min_width": _min_width,
    "min_height": _min_height,
    "colours": _colours,
    "licence": _licence,
    "since": _since,
    "until": _until,
    "exclude_ai": _exclude_ai,
    "safe_search": _safe_search,
    "creator": _creator,
}
"""What can be told from a candidate, by the filter's name."""


OF_OWN_PICTURES: dict[str, Check] = {
    "months": _months,
    "on_day": _on_day,
    "any_tags": _any_tags,
    "all_tags": _all_tags,
    "no_tags": _no_tags,
}
"""Filters for one's own pictures: of a source that does not tell of them, nothing is left out by them."""


def fits(candidate: Candidate, filters: Filters, *, asked: Iterable[str], told: Iterable[str]) -> bool:
    """Whether a candidate is what `filters` wish.

    The source was `asked` for some of them, and its answers tell (`told`) enough to check some. What a candidate's
    facts deny is left out in any case. Where they do not say, the source is trusted that was asked; of one that
    was not, but tells of others, the candidate is left out: it cannot be known to be what is wanted. A wish that the
    source knows nothing of is passed over (`unhonoured_message`).
    """
    return _WhatFits(filters, asked=asked, told=told)(candidate)


class _WhatFits:
    """Whether candidates are what `filters` wish, as `fits` says; what is to be checked is settled once for all."""

    def __init__(self, filters: Filters, *, asked: Iterable[str], told: Iterable[str]) -> None:
        self.filters = filters
        demanded = frozenset(told) - frozenset(asked)
        checks = CHECKS | {name: check for name, check in OF_OWN_PICTURES.items() if name in demanded}
        self._checks = [(checks[name], name in demanded) for name in filters.wishes() & checks.keys()]

    def __call__(self, candidate: Candidate) -> bool:
        """Whether the candidate is."""
        for check, is_demanded in self._checks:
            verdict = check(candidate, self.filters)
            if verdict is False or (verdict is None and is_demanded):
                return False
        return True


RIGHTS = frozenset({"licence"})
"""Filters by rights: a picture of which it is not known that a use is allowed is left out, whoever was asked for it."""


class FilterOutcome(Enum):
    """Whether a candidate fits, or might if its licence were known."""

    FITS = auto()
    LICENCE_UNKNOWN = auto()
    DOES_NOT_FIT = auto()


class RightsFilter:
    """Decides for one source which candidates fit, and counts those left out only because their licence is unknown."""

    def __init__(self, title: str, *, asked: Iterable[str], told: Iterable[str]) -> None:
        self._title = title
        self._asked = frozenset(asked) - RIGHTS
        self._told = frozenset(told) | RIGHTS
        self._unknown: set[tuple[str, str]] = set()
        self._uses: tuple[str, ...] = ()
        self._what_fits: _WhatFits | None = None

    def fits(self, candidate: Candidate, filters: Filters) -> bool:
        """Whether the candidate is what `filters` wish. See `retriever.filtering.fits`."""
        outcome = self.outcome(candidate, filters)
        if outcome is FilterOutcome.LICENCE_UNKNOWN:
            self.count_unknown(candidate, filters)
        return outcome is FilterOutcome.FITS

    def outcome(self, candidate: Candidate, filters: Filters) -> FilterOutcome:
        """Whether the candidate is what `filters` wish; counted is nothing."""
        what_fits = self._what_fits
        if what_fits is None or what_fits.filters is not filters:
            what_fits = self._what_fits = _WhatFits(filters, asked=self._asked, told=self._told)
        if what_fits(candidate):
            return FilterOutcome.FITS
        if filters.licence and _licence(candidate, filters) is None:
            of_any_licence = replace(filters, licence=())
            if fits(candidate, of_any_licence, asked=self._asked, told=self._told):
                return FilterOutcome.LICENCE_UNKNOWN
        return FilterOutcome.DOES_NOT_FIT

    def count_unknown(self, candidate: Candidate, filters: Filters) -> None:
        """Count one left out because its licence is unknown."""
        self._unknown.add(candidate.identity)
        self._uses = filters.licence

    def say_what_is_unknown(self, notify: Callable[[str], None]) -> None:
        """Tell `notify` how many candidates were left out because their licence is unknown; nothing if none was."""
        if self._unknown:
            pictures = "1 picture" if len(self._unknown) == 1 else f"{len(self._unknown)} pictures"
            notify(
                f"{self._title}: left out {pictures} that may be free for {' and '.join(self._uses)} use or not: "
                "no licence that is known says so"
            )


_IN_WORDS = {
    "media_type": "kind of picture",
    "orientation": "orientation",
    "aspect_ratio": "aspect ratio",
    "min_width": "size",
    "min_height": "size",
    "colours": "colour",
    "licence": "licence",
    "since": "date",
    "until": "date",
    "months": "month",
    "on_day": "day of the year",
    "any_tags": "keywords",
    "all_tags": "keywords",
    "no_tags": "keywords",
    "camera": "camera",
    "min_rating": "rating",
    "near": "place",
    "where": "conditions on columns",
    "exclude_ai": "AI generation",
    "safe_search": "fitness for all ages",
    "creator": "creator",
    "category": "category",
    "editors_choice": "editors' choice",
}


def unhonoured_message(title: str, names: Iterable[str], filters: Filters) -> str:
    """What to say of the filters `names` that a source cannot honour; empty where nothing need be said.

    Said is what somebody asked for. That photographs fit for all ages are wished for unless another wish is made is no
    reason to speak at every search; `safe_search` holds as far as a source can tell.
    """
    asked_for = filters.asked_for().intersection(names)
    words = list(dict.fromkeys(words for name, words in _IN_WORDS.items() if name in asked_for))
    if not words:
        return ""
    listed = " and ".join(part for part in (", ".join(words[:-1]), words[-1]) if part)
    wish = "that wish is" if len(words) == 1 else "those wishes are"
    return f"{title} cannot filter by {listed}; {wish} not applied to its pictures"
