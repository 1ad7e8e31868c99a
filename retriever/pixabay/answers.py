"""How Pixabay answers, whichever endpoint is asked."""

from collections.abc import Mapping
from typing import Any

from retriever.api.adapter import ApiAdapter
from retriever.errors import SourceAnswerError


class PixabayAnswers(ApiAdapter):
    """What answers and errors have in common for pictures and videos."""

    def hits(self, answer: Mapping[str, Any]) -> list[Any] | None:
        """The list under `hits`."""
        hits = answer.get("hits")
        return hits if isinstance(hits, list) else None

    def total(self, answer: Mapping[str, Any]) -> int | None:
        """`totalHits`: what can be reached of all matches."""
        total = answer.get("totalHits")
        return total if isinstance(total, int) else None

    def matches(self, answer: Mapping[str, Any]) -> int | None:
        """`total`: all matches, of which `totalHits` can be reached."""
        matches = answer.get("total")
        return matches if isinstance(matches, int) else self.total(answer)

    def is_past_the_end(self, error: SourceAnswerError) -> bool:
        """A page beyond the 500 pictures is an error 400 in plain text."""
        return error.status == 400 and "out of valid range" in error.text

    def refuses_key(self, error: SourceAnswerError) -> bool:
        """A bad key is an error 400, not a 401."""
        return error.status in {400, 401, 403} and "API key" in error.text
