"""Everything that can go wrong in stage 1.

    RetrieverError
    ├── WrongParameterError   a value the source does not know; nothing was sent (also a ValueError)
    ├── KeyMissingError       the source wants a key and none was given
    ├── KeyUnusableError      the key has a character that no key has
    ├── ConfigFileError       the config file cannot be read
    ├── KeyRefusedError       the source does not accept the key
    ├── RateLimitError        the request budget is spent and waiting it out would take too long
    ├── AnswerNotKeptError    offline, and no answer to this question is kept
    ├── SourceUnreachableError   no connection, or none in time
    ├── SourceAnswerError     an answer came, and it is of no use
    └── SourceFaultError      the source's own code has a mistake

Each message says what happened, to which URL or file, and what to do. None contains an API key.
"""

from collections.abc import Sequence

from phrasepix_core.errors import PhrasepixError, WrongValueError
from phrasepix_core.messages import Hint


class RetrieverError(PhrasepixError):
    """The root of stage 1's errors."""


class WrongParameterError(RetrieverError, WrongValueError):
    """A parameter outside what the source documents. Nothing was sent."""

    @classmethod
    def no_videos(cls, title: str) -> "WrongParameterError":
        """An error for a source that is asked for videos and has none."""
        return cls(
            f"there are no videos from {title}; Pixabay has some: ",
            Hint("source", "pixabay"),
            " ",
            Hint("filters.media_type", "video"),
        )


class KeyMissingError(RetrieverError):
    """No API key was found for a source that wants one."""


class KeyUnusableError(RetrieverError):
    """The API key that was found has a character that no key has, such as a quote; it is not shown."""


class ConfigFileError(RetrieverError):
    """The config file cannot be read or is not valid TOML."""


class KeyRefusedError(RetrieverError):
    """The source answered that the API key is not valid."""


class RateLimitError(RetrieverError):
    """The source's rate limit is spent. `retry_after_s` is how long it asks to wait, in seconds, if it said so."""

    def __init__(self, message: str, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class AnswerNotKeptError(RetrieverError):
    """Nothing may be sent, and no answer to this question is kept on this machine (any more).

    `title` is the source's and `question` what it was not asked, for people; `hours` for how long answers are kept.
    """

    def __init__(self, *message: object, title: str = "", question: str = "", hours: float = 0.0) -> None:
        super().__init__(*message)
        self.title = title
        self.question = question
        self.hours = hours

    @classmethod
    def of(cls, titles: Sequence[str], question: str, hours: float) -> "AnswerNotKeptError":
        """An error for sources, by title, of which none's answer to a question is kept; the shortest time counts."""
        asked = "it is" if len(titles) == 1 else "they are"
        return cls(
            f"what {' and '.join(titles)} {'answers' if len(titles) == 1 else 'answer'} to {question} is not kept on "
            f"this machine, and offline {asked} not asked. Search once without ",
            Hint("offline", True),
            f", with the same limit and filters; answers are kept for {hours:g} hours",
            title=titles[0],
            question=question,
            hours=hours,
        )


class SourceUnreachableError(RetrieverError):
    """No connection to the source, or no answer in time, after every retry.

    If no connection came about, `sources` are the titles and addresses of those asked, and `reason` says why in words.
    """

    def __init__(self, *message: object, sources: Sequence[tuple[str, str]] = (), reason: str = "") -> None:
        super().__init__(*message)
        self.sources = tuple(sources)
        self.reason = reason

    @classmethod
    def not_connected(cls, sources: Sequence[tuple[str, str]], reason: str) -> "SourceUnreachableError":
        """An error for sources, by title and address, none of which can be connected to for the same reason."""
        titles = " and ".join(title for title, _ in sources)
        where = f" at {sources[0][1]}" if len(sources) == 1 else ""
        return cls(
            f"{titles} cannot be reached{where}: {reason}. Check this machine's network (or proxy) and the address; "
            "what is kept can be searched with ",
            Hint("offline", True),
            sources=sources,
            reason=reason,
        )

    @classmethod
    def not_an_address(cls, url: str) -> "SourceUnreachableError":
        """An error for what is no address, or redirects to what is none."""
        return cls(
            f"{url!r} is not an address that can be asked, or redirects to one that is not; "
            "it must look like https://host/path"
        )


class SourceAnswerError(RetrieverError):
    """The source answered with an error or with something that is not an answer.

    `status` is the HTTP status, `text` the start of the body as plain text.
    """

    def __init__(self, message: str, *, status: int, text: str) -> None:
        super().__init__(message)
        self.status = status
        self.text = text


class SourceFaultError(RetrieverError):
    """A source failed as no source should: its code, a plug-in's mostly, has a mistake. The cause says which."""

    @classmethod
    def of(cls, title: str, error: Exception) -> "SourceFaultError":
        """What to say of an exception that is no `RetrieverError`."""
        fault = cls(
            f"{title} failed by a mistake in its own code ({type(error).__name__}: {error}); "
            "tell whoever wrote it, and search without it"
        )
        fault.__cause__ = error
        return fault
