"""The built-in sample as a source: Pixabay's retriever asks a stock site that runs as long as it does."""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from datetime import timedelta
from functools import lru_cache
from typing import Any

from phrasepix.sample import SAMPLE_NAME
from retriever.pixabay import PIXABAY, PIXABAY_POLICY, PixabayRetriever
from retriever.profile import SourceProfile
from retriever.protocol import Retriever
from retriever.source import Opening

SAMPLE = SourceProfile(
    name=SAMPLE_NAME,
    title="the built-in sample",
    home_url="",
    api_url="",
    licence="MIT License",
    licence_url="https://opensource.org/license/mit",
    credit="{creator}, built-in sample",
    mention="Drawn scenes of the built-in sample",
    page_size=PIXABAY.page_size,
    deepest=PIXABAY.deepest,
    rate_limit=PIXABAY.rate_limit,
    answers_kept_for=timedelta(0),  # the site has another address each time: an answer kept would lead nowhere
    why_not_remembered="its site has another address each time, and what is kept would lead nowhere",
)

_WITH_THE_SITES_KEY = replace(SAMPLE, key_variable="PHRASEPIX_SAMPLE_KEY", key_setting="sample_key")
"""The site wants a key as Pixabay does; nobody needs to have it, for it is made with the site."""

_POLICY = replace(PIXABAY_POLICY, keep_answers_for=SAMPLE.answers_kept_for)


_NO_LIMIT = 1_000_000
"""Requests a minute: what asks is this process itself."""


_ANSWERS_KEPT = 32


class _SampleRetriever(PixabayRetriever):
    """Keeps the site's answers as long as it is open: they stay the same."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        ask = super()._ask
        self._answers = lru_cache(maxsize=_ANSWERS_KEPT)(
            lambda parameters, path, what: ask(dict(parameters), path, what)
        )

    def _ask(self, parameters: Mapping[str, str], path: str, what: str) -> dict[str, Any]:
        answer: dict[str, Any] = self._answers(frozenset(parameters.items()), path, what)
        return answer


@contextmanager
def sample_retriever(opening: Opening) -> Iterator[PixabayRetriever]:
    """Open Pixabay's retriever asking the sample's stock site, which runs as long as this context."""
    from phrasepix.sample.site import StockSite  # a server: whoever asks another source does without

    with (
        StockSite(requests_per_minute=_NO_LIMIT) as site,
        _SampleRetriever(
            site.key,
            base_url=site.api_url,
            cache_directory=opening.cache_directory,
            profile=_WITH_THE_SITES_KEY,
            policy=_POLICY,
            on_skip=opening.on_skip,
            on_notice=opening.on_notice,
        ) as retriever,
    ):
        yield retriever


class _Sample:
    profile: SourceProfile = SAMPLE

    def open(self, opening: Opening) -> AbstractContextManager[Retriever]:
        # Its answers are part of the package and come from this process, offline too.
        return sample_retriever(opening)


SOURCE = _Sample()
