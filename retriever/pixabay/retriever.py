"""Stage 1 over Pixabay's picture API."""

from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

from retriever.api.retriever import ApiRetriever
from retriever.http import RequestPolicy
from retriever.pixabay.adapter import PixabayAdapter
from retriever.pixabay.profile import PIXABAY
from retriever.pixabay.request import PixabayRequest
from retriever.profile import SourceProfile
from retriever.source import Notify, SkippedHit, log_notice, log_skip

PIXABAY_POLICY = RequestPolicy(keep_answers_for=PIXABAY.answers_kept_for)


class PixabayRetriever(ApiRetriever):
    """Asks Pixabay, or whatever else speaks its protocol, for the candidates of a tag.

    The key is `key`, else `PIXABAY_API_KEY`, else `pixabay_api_key` in the config file. Answers are kept for 24 hours,
    as Pixabay's terms demand; `policy` says otherwise for a server with other terms. `profile` says who the source is
    and under which terms. The rest is as for every `ApiRetriever`.
    """

    def __init__(
        self,
        key: str | None = None,
        *,
        base_url: str | None = None,
        cache_directory: Path | None = None,
        profile: SourceProfile = PIXABAY,
        policy: RequestPolicy = PIXABAY_POLICY,
        on_skip: Callable[[SkippedHit], None] = log_skip,
        on_notice: Notify = log_notice,
        offline: bool = False,
    ) -> None:
        super().__init__(
            PixabayAdapter(profile),
            key,
            base_url=base_url,
            cache_directory=cache_directory,
            policy=policy,
            on_skip=on_skip,
            on_notice=on_notice,
            offline=offline,
        )

    def answer(self, request: PixabayRequest) -> dict[str, Any]:
        """The answer to one request as Pixabay sent it: `total`, `totalHits` and `hits`."""
        return deepcopy(self._ask(request.parameters(), "", f"the tag “{request.q}”"))  # the caller may change it
