"""The root of every error phrasepix raises on purpose, and the errors of the ground floor itself.

PhrasepixError
├── NotWrittenError    a file could not be written
├── RetrieverError     stage 1: `retriever.errors`
├── RerankerError      stage 2: `reranker.errors`
└── …                  the joined tool: `phrasepix.errors`, which exports all of them
"""


class PhrasepixError(Exception):
    """The root of all errors: `except PhrasepixError` catches whatever phrasepix raises on purpose."""


class NotWrittenError(PhrasepixError):
    """A file could not be written."""
