"""Retriever over a source's JSON API, asked through its adapter."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, replace
from hashlib import sha256
from itertools import chain
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

from phrasepix_core import environment
from phrasepix_core.cached_property import cached_property
from phrasepix_core.candidate import Candidate, Rendition
from phrasepix_core.identities import Identities
from phrasepix_core.messages import Hint
from phrasepix_core.urls import is_on_this_machine
from phrasepix_core.user_agent import user_agent
from retriever import directories
from retriever.api.adapter import ApiAdapter
from retriever.api.json_fields import UnusableHitError, public_part
from retriever.api_key import find_api_key, how_to_get_a_key
from retriever.errors import (
    AnswerNotKeptError,
    KeyMissingError,
    KeyRefusedError,
    RateLimitError,
    RetrieverError,
    SourceAnswerError,
    WrongParameterError,
)
from retriever.filtering import FilterOutcome, RightsFilter
from retriever.filters import NO_FILTERS, Filters
from retriever.http import RequestPolicy
from retriever.http.cached_client import CachedApiClient
from retriever.http.rate_limiter import LIMITERS, RateLimiters
from retriever.http.response_cache import answer_file
from retriever.profile import SourceProfile
from retriever.protocol import Page
from retriever.read_pages import ReadPages
from retriever.source import Notify, SkippedHit, log_notice, log_skip
from retriever.tags import demand_limit, demand_tag

_PAGES_FOR_FILTERS = 3
"""How many times the pages are asked for that the limit alone would take, where answers are filtered here."""


@dataclass(frozen=True, slots=True)
class _ReadPage:
    """What the entries of an answer are: candidates that fit, those of which that is not known, and what is none."""

    candidates: tuple[Candidate, ...]
    of_unknown_licence: tuple[Candidate, ...]
    skipped: tuple[SkippedHit, ...]


class ApiRetriever:
    """Asks the API of an `adapter` for the candidates of a tag.

    The key, where one is needed, is `key`, else the profile's environment variable, else its setting in the config
    file; it is shown nowhere. `base_url` (else the environment's `NAME_API_URL`) points to another server that speaks
    the same protocol. Answers are kept in `cache_directory` (by default the platform's) for as long as `policy` says.
    All who ask one catalogue under one key take turns by its limiter among `limiters`.
    `on_skip` is told of each unusable entry of an answer, `on_notice` what people should know of the answers. With
    `offline`, only answers that are kept are read, no key is needed and nothing is sent.

    Raises `KeyMissingError` where a key is needed and there is none.
    """

    def __init__(
        self,
        adapter: ApiAdapter,
        key: str | None = None,
        *,
        base_url: str | None = None,
        cache_directory: Path | None = None,
        policy: RequestPolicy,
        limiters: RateLimiters = LIMITERS,
        on_skip: Callable[[SkippedHit], None] = log_skip,
        on_notice: Notify = log_notice,
        offline: bool = False,
    ) -> None:
        self._adapter = adapter
        self.profile: SourceProfile = adapter.profile
        self.base_url = base_url or environment.variable(self.profile.address_variable) or self.profile.api_url
        self.on_skip = on_skip
        self.on_notice = on_notice
        api_key = None
        if self.profile.needs_key and not offline:
            api_key = find_api_key(self.profile.key_variable, self.profile.key_setting, key)
            if api_key is None:
                raise _key_missing(self.profile)
        self._read = ReadPages[_ReadPage]()
        self._client = CachedApiClient(
            self.base_url,
            title=self.profile.title,
            policy=replace(policy, user_agent=policy.user_agent or user_agent()),
            key=api_key,
            limiter=limiters.of(self.profile.name, self.base_url, api_key),
            key_place=adapter.key_place,
            offline=offline,
            worth_keeping=adapter.is_answer,
            is_spent=adapter.is_spent,
            asks_for_patience=adapter.asks_for_patience,
            cache_file=answer_file(cache_directory or directories.cache_directory(), self.profile.name),
        )

    @property
    def name(self) -> str:
        """The source's name."""
        return self.profile.name

    @property
    def on_loopback(self) -> bool:
        """Whether the API asked is a server on this machine, whose pictures are then here too."""
        return is_on_this_machine(self.base_url)

    def unhonoured(self, filters: Filters) -> frozenset[str]:
        """The names of the filters that this source can neither be asked for nor be checked against."""
        adapter = self._adapter.for_search(filters)
        return filters.wishes() - adapter.asked(filters) - adapter.tells

    def retrieve(self, tag: str, *, limit: int = 200, filters: Filters = NO_FILTERS) -> Iterator[Candidate]:
        """Yield up to `limit` candidates for `tag`, page by page, each picture once.

        Stops at `limit`, at the last picture that can be reached, and where the rate limit is spent after some have
        come. Parameters are checked at once, before the first candidate is asked for. Raises `WrongParameterError`,
        and, while iterating, the other `RetrieverError`s.
        """
        return chain.from_iterable(self.pages(tag, limit=limit, filters=filters))

    def pages(self, tag: str, *, limit: int = 200, filters: Filters = NO_FILTERS) -> Iterator[Iterable[Candidate]]:
        """What `retrieve` yields, one request at a time: each item is what one answer brought, maybe nothing."""
        demand_limit(limit)
        demand_tag(tag)
        if filters.media_type == "video" and not self.profile.has_videos:
            raise WrongParameterError.no_videos(self.profile.title)
        adapter = self._adapter.for_search(filters)
        page_size = min(max(limit, adapter.smallest_page), self.profile.page_size)
        adapter.parameters(tag, filters, 1, page_size)  # raises for what the API does not take
        return self._pages(adapter, tag, filters, limit, page_size)

    def look_up(self, identifier: str | int) -> Candidate | None:
        """The picture with this id, with fresh URLs; None where there is none, or the API cannot be asked for one."""
        adapter = self._adapter.for_picture(str(identifier))
        question = adapter.look_up(str(identifier))
        if question is None:
            return None
        path, parameters = question
        try:
            answer = self._ask(parameters, path, f"{self.name}:{identifier}")
        except SourceAnswerError as error:
            if error.status == 404:
                return None
            raise
        for hit in adapter.looked_up(answer):
            if isinstance(one := self._read_hit(adapter, hit, found_by=""), Candidate):
                return one
            self.on_skip(one)
        return None

    def file_to_save(self, candidate: Candidate) -> Rendition:
        """The largest file that may be had, by a fresh address; tells the source of the download where it wants that.

        Raises a `RetrieverError` where the source does not answer.
        """
        if (question := self._adapter.download(candidate)) is not None:
            path, parameters = question
            return self._adapter.downloaded(self._ask(parameters, path, str(candidate)), candidate.renditions[-1])
        return (self.look_up(candidate.id) or candidate).renditions[-1]

    def _pages(
        self, adapter: ApiAdapter, tag: str, filters: Filters, limit: int, page_size: int
    ) -> Iterator[Iterable[Candidate]]:
        wanted = RightsFilter(self.profile.title, asked=adapter.asked(filters), told=adapter.tells)
        try:
            yield from self._wanted_pages(adapter, tag, filters, limit, page_size, wanted)
        finally:
            wanted.say_what_is_unknown(self.on_notice)

    def _wanted_pages(
        self, adapter: ApiAdapter, tag: str, filters: Filters, limit: int, page_size: int, wanted: RightsFilter
    ) -> Iterator[Iterable[Candidate]]:
        seen = Identities()
        offered = found = 0
        pages = -(-min(limit, self.profile.deepest) // page_size) * _PAGES_FOR_FILTERS
        for page in range(1, pages + 1):
            try:
                answer = self._ask(
                    adapter.parameters(tag, filters, page, page_size),
                    adapter.search_path(),
                    f"the tag “{tag}”{f' (page {page})' if page > 1 else ''}",
                )
            except SourceAnswerError as error:
                if page > 1 and adapter.is_past_the_end(error):
                    yield Page((), 0, is_last=True)
                    return
                raise
            except RateLimitError as error:
                if not found:
                    raise
                self.on_notice(f"{error}; going on with the {found} pictures that came")
                return
            hits = self._hits(adapter, answer)
            read = self._read_page(adapter, hits, tag, filters, page, wanted)
            for skipped in read.skipped:
                self.on_skip(skipped)
            for candidate in read.of_unknown_licence:
                wanted.count_unknown(candidate, filters)
            came = seen.add_all_new(read.candidates)[: limit - found]
            found += len(came)
            total = adapter.total(answer)
            offered += page_size
            is_last = not hits or adapter.is_last(answer)
            yield Page(came, len(hits), adapter.matches(answer), is_last=is_last)
            if (
                found == limit
                or is_last
                or offered >= min(self.profile.deepest, self.profile.deepest if total is None else total)
            ):
                return

    def _ask(self, parameters: Mapping[str, str], path: str, what: str) -> dict[str, Any]:
        try:
            answer = self._client.ask(parameters, path, self.on_notice)
        except AnswerNotKeptError:
            hours = self.profile.answers_kept_for.total_seconds() / 3600
            raise AnswerNotKeptError.of([self.profile.title], what, hours) from None
        except SourceAnswerError as error:
            if self.profile.needs_key and self._adapter.refuses_key(error):
                raise KeyRefusedError(
                    f"{self.profile.title} does not accept the API key (asked at {self.base_url}). "
                    f"Compare it with the one shown at {self.profile.key_url} while signed in."
                ) from None
            raise
        if (complaint := self._adapter.complaint(answer)) is not None:
            raise complaint
        return answer

    def _hits(self, adapter: ApiAdapter, answer: dict[str, Any]) -> list[Any]:
        hits = adapter.hits(answer)
        if hits is None:
            raise SourceAnswerError(
                f"{self.profile.title} sent JSON without hits from {self.base_url}; is this its API's address?",
                status=200,
                text=str(answer)[:200],
            )
        return hits

    def _read_page(
        self, adapter: ApiAdapter, hits: list[Any], tag: str, filters: Filters, page: int, wanted: RightsFilter
    ) -> _ReadPage:
        def read(hits: Sequence[Any]) -> _ReadPage:
            entries = [self._read_hit(adapter, hit, found_by=tag) for hit in hits]
            filtered = [(one, wanted.outcome(one, filters)) for one in entries if isinstance(one, Candidate)]
            return _ReadPage(
                tuple(one for one, outcome in filtered if outcome is FilterOutcome.FITS),
                tuple(one for one, outcome in filtered if outcome is FilterOutcome.LICENCE_UNKNOWN),
                tuple(one for one in entries if isinstance(one, SkippedHit)),
            )

        return self._read.read((type(adapter), tag, filters, page), hits, read)

    def _read_hit(self, adapter: ApiAdapter, hit: Any, found_by: str) -> Candidate | SkippedHit:
        try:
            return public_part(adapter.candidate(hit, found_by, self._catalogue), loopback=self.on_loopback)
        except UnusableHitError as error:
            reason = f"the answer's entry is unusable: {error}"
            return SkippedHit(self.name, adapter.identifier(hit), reason)

    @cached_property
    def _catalogue(self) -> str:
        """Another server may give the source's ids to other pictures: what is remembered of one is not the other's."""
        if not self.profile.api_url or self.base_url.rstrip("/") == self.profile.api_url.rstrip("/"):
            return ""
        parts = urlsplit(self.base_url)
        # One server may have several, at other paths or queries; a query may carry what is nobody's to see.
        query = f"?{sha256(parts.query.encode()).hexdigest()[:8]}" if parts.query else ""
        return f"{self.name} at {parts.netloc.rpartition('@')[2]}{parts.path.rstrip('/')}{query}"

    def reporting_to(self, on_skip: Callable[[SkippedHit], None], on_notice: Notify) -> Self:
        """Return the same retriever, sharing connections and cache, that tells others; it is not closed."""
        other = copy(self)
        other.on_skip, other.on_notice = on_skip, on_notice
        return other

    def close(self) -> None:
        """Close connections and cache."""
        self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name!r}, base_url={self.base_url!r})"


def _key_missing(profile: SourceProfile) -> RetrieverError:
    return KeyMissingError(
        f"{profile.title} wants an API key and none was found. "
        f"{how_to_get_a_key(profile.key_url, profile.key_variable, profile.key_setting)} "
        "To see it work without a key: ",
        Hint("source", "sample"),
    )
