"""The root of every error phrasepix raises on purpose, and the errors of the ground floor itself.

PhrasepixError
├── NotWrittenError    a file could not be written
├── RetrieverError     stage 1: `retriever.errors`
├── RerankerError      stage 2: `reranker.errors`
└── …                  the joined tool: `phrasepix.errors`, which exports all of them
"""

from phrasepix_core.messages import Words, worded


class PhrasepixError(Exception):
    """The root of all errors: `except PhrasepixError` catches whatever phrasepix raises on purpose.

    It takes the parts of its message, texts and `Hint`s, which are joined. As a string it words hints as Python does.
    """

    def __str__(self) -> str:
        return worded(self.args)

    def worded(self, words: Words) -> str:
        """Return the message with its hints in the words of another face."""
        return worded(self.args, words)


class NotWrittenError(PhrasepixError):
    """A file could not be written."""
