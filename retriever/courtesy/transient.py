"""Failures that may pass."""

from retriever.errors import RetrieverError


class TransientError(Exception):
    """A failure that may pass: in a few words, as the error it becomes where it does not, and the pause asked for.

    `tries`, if given, is how many tries it is worth in all: fewer than a busy server, where more are of no use.
    """

    def __init__(
        self, words: str, final: RetrieverError, asked_pause_s: float | None = None, *, tries: int | None = None
    ) -> None:
        super().__init__(words)
        self.final = final
        self.asked_pause_s = asked_pause_s
        self.tries = tries
