"""Adapter of a source's JSON API: what one retriever must know to ask any of them."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

from phrasepix_core.candidate import Candidate, Rendition
from retriever.api.json_fields import identifier_of
from retriever.api_key import KeyPlace, in_query
from retriever.errors import RetrieverError, SourceAnswerError
from retriever.filters import Filters
from retriever.profile import SourceProfile


class ApiAdapter(ABC):
    """One API's words: from a tag and filters to a request's parameters, from an answer to candidates.

    `asks` names the filters that the API itself applies, `tells` those that its answers say enough about for
    `retriever.filtering` to apply them. `smallest_page` is the fewest pictures an answer can be asked for.
    """

    asks: ClassVar[frozenset[str]] = frozenset()
    tells: ClassVar[frozenset[str]] = frozenset()
    smallest_page: ClassVar[int] = 1

    def __init__(self, profile: SourceProfile) -> None:
        self.profile = profile

    def for_search(self, filters: Filters) -> "ApiAdapter":
        """The adapter of a search under `filters`: another one where the API has another endpoint for it."""
        return self

    def for_picture(self, identifier: str) -> "ApiAdapter":
        """The adapter by which a picture is asked for by its id."""
        return self

    @property
    def key_place(self) -> KeyPlace:
        """Where in a request the key stands."""
        return in_query("key")

    def asked(self, filters: Filters) -> frozenset[str]:
        """Those of `asks` that the API can apply as these filters want them."""
        return self.asks

    @abstractmethod
    def parameters(self, tag: str, filters: Filters, page: int, page_size: int) -> Mapping[str, str]:
        """The query of page `page` (from 1), without the key.

        Raises `WrongParameterError` for what the API does not take.
        """

    @abstractmethod
    def hits(self, answer: Mapping[str, Any]) -> list[Any] | None:
        """The entries of an answer; None where it is none of this API's."""

    @abstractmethod
    def total(self, answer: Mapping[str, Any]) -> int | None:
        """How many pictures there are in all; None where the answer does not say."""

    def matches(self, answer: Mapping[str, Any]) -> int | None:
        """How many pictures match in all, also beyond what can be reached; None if the answer does not say."""
        return self.total(answer)

    def is_last(self, answer: Mapping[str, Any]) -> bool:
        """Whether an answer says that no page follows it."""
        return False

    @abstractmethod
    def candidate(self, hit: Any, found_by: str, catalogue: str) -> Candidate:
        """The candidate an entry describes. Raises `UnusableHitError`."""

    def identifier(self, hit: Any) -> str:
        """The entry's id for a message, or a question mark."""
        return identifier_of(hit) or "?"

    def search_path(self) -> str:
        """What is added to the API's address for a search."""
        return ""

    def is_answer(self, answer: Mapping[str, Any]) -> bool:
        """Whether an answer is one to keep, and not a proxy's notice or what a download led to."""
        return self.hits(answer) is not None

    def is_spent(self, status: int, text: str) -> bool:
        """Whether an error's status and text say that the rate limit is spent."""
        return status == 429

    def asks_for_patience(self, answer: Mapping[str, Any]) -> str:
        """The words in which an answer of status 200 asks to come again later; empty where it does not."""
        return ""

    def is_past_the_end(self, error: SourceAnswerError) -> bool:
        """Whether an error to a later page means that there are no more."""
        return False

    def refuses_key(self, error: SourceAnswerError) -> bool:
        """Whether an error means that the key is not accepted."""
        return error.status in {401, 403}

    def complaint(self, answer: Mapping[str, Any]) -> RetrieverError | None:
        """The error that an answer of status 200 says in its own words; None where it says none."""
        return None

    def look_up(self, identifier: str) -> tuple[str, Mapping[str, str]] | None:
        """Path and query that ask for one picture by its id; None where the API cannot."""
        return None

    def looked_up(self, answer: Mapping[str, Any]) -> list[Any]:
        """The entries of an answer to `look_up`."""
        return self.hits(answer) or []

    def download(self, candidate: Candidate) -> tuple[str, Mapping[str, str]] | None:
        """Path and query that must be asked when a picture is downloaded; None where nothing must be."""
        return None

    def downloaded(self, answer: Mapping[str, Any], largest: Rendition) -> Rendition:
        """The file to download by the answer to `download`."""
        return largest
