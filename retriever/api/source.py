"""Source with a JSON API, asked through an adapter."""

from contextlib import AbstractContextManager
from dataclasses import dataclass

from retriever.api.adapter import ApiAdapter
from retriever.api.retriever import ApiRetriever
from retriever.http import RequestPolicy
from retriever.profile import SourceProfile
from retriever.protocol import Retriever
from retriever.source import Opening


@dataclass(frozen=True, slots=True)
class ApiSource:
    """The source of `profile`, whose API is asked through `adapter`; the rest is as in `RequestPolicy`."""

    profile: SourceProfile
    adapter: type[ApiAdapter]
    window_s: float | None = None
    interval_s: float = 0.0
    in_series: bool = False

    def open(self, opening: Opening) -> AbstractContextManager[Retriever]:
        """A retriever, open as long as the context. Raises `KeyMissingError`."""
        return ApiRetriever(
            self.adapter(self.profile),
            opening.key,
            base_url=opening.base_url,
            cache_directory=opening.cache_directory,
            policy=RequestPolicy(
                keep_answers_for=self.profile.answers_kept_for,
                window_s=self.window_s,
                interval_s=self.interval_s,
                in_series=self.in_series,
            ),
            on_skip=opening.on_skip,
            on_notice=opening.on_notice,
            offline=opening.offline,
        )
