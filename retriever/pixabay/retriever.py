"""Stage 1 over Pixabay's picture API."""

import logging
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

from retriever import directories
from retriever.api_key import config_file, find_api_key
from retriever.candidate import Candidate
from retriever.courtesy import AnswerClient, Manners
from retriever.courtesy.addresses import is_on_this_machine
from retriever.errors import (
    AnswerNotKeptError,
    KeyMissingError,
    KeyRefusedError,
    SourceAnswerError,
    WrongParameterError,
)
from retriever.filters import NO_FILTERS, Filters
from retriever.pixabay.hits import UnusableHitError, candidate_from_hit, identifier_of
from retriever.pixabay.profile import PIXABAY, SourceProfile
from retriever.pixabay.request import PER_PAGE, REACHABLE, PixabayRequest

logger = logging.getLogger(__name__)

PIXABAY_MANNERS = Manners(user_agent="phrasepix/0.1 (finds the picture a sentence describes; python-requests)")


@dataclass(frozen=True, slots=True)
class SkippedHit:
    """A hit of an answer that could not be used, and why."""

    source: str
    id: str
    reason: str


def log_skip(skipped: SkippedHit) -> None:
    """Say on the log that a hit was skipped: what happens where nobody counts them."""
    logger.warning("%s:%s skipped: %s", skipped.source, skipped.id, skipped.reason)


class PixabayRetriever:
    """Asks Pixabay for the candidates of a tag.

    The key is `key`, else `PIXABAY_API_KEY`, else `pixabay_api_key` in the config file; it is shown
    nowhere. `base_url` (else `PIXABAY_API_URL`) points to another server that speaks the protocol.
    Answers are kept in `cache_directory` (by default the platform's) for 24 hours, as Pixabay's terms
    demand; `manners` say otherwise for a server with other terms.
    `profile` says who the source is and under which terms; `on_skip` is told of each unusable hit. With `offline`, only
    answers that are kept are read, no key is needed and nothing is sent.

    Raises `KeyMissingError` where there is no key at all.
    """

    def __init__(
        self,
        key: str | None = None,
        *,
        base_url: str | None = None,
        cache_directory: Path | None = None,
        profile: SourceProfile = PIXABAY,
        manners: Manners = PIXABAY_MANNERS,
        on_skip: Callable[[SkippedHit], None] = log_skip,
        offline: bool = False,
    ) -> None:
        self.profile = profile
        self.base_url = base_url or os.environ.get("PIXABAY_API_URL") or profile.api_url
        self.on_skip = on_skip
        api_key = find_api_key(profile.key_variable, profile.key_setting, key)
        if api_key is None and not offline:
            raise KeyMissingError(
                f"{profile.title} wants an API key and none was found. Get one (free) at {profile.key_url}, then set "
                f'{profile.key_variable} or write {profile.key_setting} = "…" into {config_file()}. '
                "To see it work without a key: --source sample"
            )
        self._client = AnswerClient(
            self.base_url,
            title=profile.title,
            manners=manners,
            key=api_key,
            offline=offline,
            worth_keeping=lambda answer: isinstance(answer.get("hits"), list),
            cache_file=(cache_directory or directories.cache_directory()) / f"{profile.name}-answers.sqlite",
        )

    @property
    def name(self) -> str:
        """The source's name."""
        return self.profile.name

    @property
    def _catalogue(self) -> str:
        """Another server may give Pixabay's ids to other pictures: what is remembered of one is not the other's."""
        if not self.profile.api_url or self.base_url == self.profile.api_url:
            return ""
        return f"{self.name} at {urlsplit(self.base_url).netloc.rpartition('@')[2]}"

    @property
    def on_loopback(self) -> bool:
        """Whether the API asked is a server on this machine, whose pictures are then here too."""
        return is_on_this_machine(self.base_url)

    def retrieve(self, tag: str, *, limit: int = 200, filters: Filters = NO_FILTERS) -> Iterator[Candidate]:
        """Yield up to `limit` candidates for `tag`, page by page, each picture once.

        Stops at `limit`, at the 500 pictures that can be reached, at the answer's `totalHits`, at an
        empty page and at an out-of-range page. Parameters are checked at once, before the first candidate
        is asked for. Raises `WrongParameterError`, and, while iterating, the other `RetrieverError`s.
        """
        if isinstance(limit, bool) or not isinstance(limit, int) or limit < 1:
            raise WrongParameterError(f"limit {limit!r} is out of range; allowed: whole numbers from 1")
        if not tag.strip():
            raise WrongParameterError("the tag is empty; give the main noun of what you look for, such as tiger")
        per_page = min(max(limit, PER_PAGE.start), PER_PAGE.stop - 1)
        first = PixabayRequest.of(tag, filters, per_page=per_page)
        return self._candidates(first, tag, filters, limit)

    def look_up(self, identifier: int) -> Candidate | None:
        """The picture with this id, with fresh URLs; None where there is none."""
        request = PixabayRequest(id=identifier, image_type="all", per_page=PER_PAGE.start)
        return next(self._usable(self._hits(self._ask(request)), found_by=""), None)

    def answer(self, request: PixabayRequest) -> dict[str, Any]:
        """The answer to one request as Pixabay sent it: `total`, `totalHits` and `hits`."""
        return self._ask(request)

    def _candidates(self, first: PixabayRequest, tag: str, filters: Filters, limit: int) -> Iterator[Candidate]:
        seen: set[tuple[str, str]] = set()
        page, offered = first, 0
        while True:
            try:
                answer = self._ask(page)
            except SourceAnswerError as error:
                if page.page > 1 and error.status == 400 and "out of valid range" in error.text:
                    return
                raise
            hits = self._hits(answer)
            for candidate in self._usable(hits, found_by=tag):
                if candidate.identity in seen:
                    continue
                seen.add(candidate.identity)
                yield candidate
                if len(seen) == limit:
                    return
            offered += page.per_page
            if not hits or offered >= min(REACHABLE, self._reachable(answer)):
                return
            page = PixabayRequest.of(tag, filters, page=page.page + 1, per_page=page.per_page)

    def _ask(self, request: PixabayRequest) -> dict[str, Any]:
        try:
            return self._client.ask(request.parameters())
        except AnswerNotKeptError:
            page = f" (page {request.page})" if request.page > 1 else ""
            raise AnswerNotKeptError(
                f"what {self.profile.title} answers to the tag “{request.q}”{page} is not kept on this machine, and "
                "offline it is not asked. Search once without --offline (offline=True), with the same limit and "
                "filters; answers are kept for 24 hours"
            ) from None
        except SourceAnswerError as error:
            if error.status in {400, 401, 403} and "API key" in error.text:
                raise KeyRefusedError(
                    f"{self.profile.title} does not accept the API key (asked at {self.base_url}). "
                    f"Compare it with the one shown at {self.profile.key_url} while signed in."
                ) from None
            raise

    def _hits(self, answer: dict[str, Any]) -> list[Any]:
        hits = answer.get("hits")
        if not isinstance(hits, list):
            raise SourceAnswerError(
                f"{self.profile.title} sent JSON without hits from {self.base_url}; is this its API's address?",
                status=200,
                text=str(answer)[:200],
            )
        return hits

    def _usable(self, hits: list[Any], found_by: str) -> Iterator[Candidate]:
        for hit in hits:
            try:
                yield candidate_from_hit(hit, self.profile, found_by, self._catalogue)
            except UnusableHitError as error:
                self.on_skip(SkippedHit(self.name, identifier_of(hit), f"the answer's entry is unusable: {error}"))

    def _reachable(self, answer: dict[str, Any]) -> int:
        total = answer.get("totalHits")
        return total if isinstance(total, int) else REACHABLE

    def close(self) -> None:
        """Close connections and cache."""
        self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"PixabayRetriever({self.name!r}, base_url={self.base_url!r})"
