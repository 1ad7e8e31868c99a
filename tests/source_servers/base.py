"""What a source's server on loopback must be for the contract (`tests/test_source_contract.py`).

A server holds made pictures and speaks one source's protocol over real HTTP. Each source has a module here with a
subclass of `SourceServer`, which stands in `SERVERS` of the package.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any, ClassVar

from retriever.api.adapter import ApiAdapter
from retriever.api.retriever import ApiRetriever
from retriever.http import RequestPolicy
from retriever.profile import SourceProfile
from retriever.source import Source
from tests.servers import QUICK, Asked, ScriptedServer, Step


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A made picture, in no source's words: each server says of it what its source would say.

    `licence` is a kind of Creative Commons (by, by-sa, by-nc, by-nd, cc0, pdm), which a source with one licence for
    all leaves out. `file_url` and `page_url` stand in for all addresses of files and for that of the page where they
    are not empty, for hostile ones.
    """

    number: int
    title: str = "A boat at night"
    tags: tuple[str, ...] = ("boat", "sea", "night")
    creator: str = "somebody"
    width: int = 3000
    height: int = 2000
    media_type: str = "photo"
    licence: str = "by"
    taken_on: date = date(2020, 5, 17)
    uploaded_on: date = date(2021, 6, 18)
    colours: tuple[str, ...] = ("blue",)
    ai_generated: bool = False
    g_rated: bool = True
    file_url: str = ""
    page_url: str = ""


@dataclass(frozen=True)
class Rights:
    """What the source's terms say of a picture."""

    commercial: bool
    modification: bool
    credit_owed: bool


class SourceServer(ScriptedServer, ABC):
    """One source's API on a free port of loopback, open as long as the context.

    `held` are the pictures, and entries of an answer as they are (odd ones), in the order of the source.
    `play(step, …)` (of `ScriptedServer`) answers the next requests by script, whatever they ask for: `Step`, `plain`,
    `as_json` and `redirect` of `tests.servers` make the steps. `asked` records all that came in.
    `files_at` is part of the address of every file: to change it is to move them.
    """

    source: ClassVar[Source]
    """The `SOURCE` of the source's module."""
    adapter: ClassVar[type[ApiAdapter]]
    key: ClassVar[str] = ""
    """The only key that is accepted; empty where none is needed."""
    media_types: ClassVar[frozenset[str]] = frozenset({"photo"})
    """The media types the source has."""
    page_sizes: ClassVar[range]
    """How many pictures one request may ask for."""

    def __init__(self) -> None:
        super().__init__()
        self.held: list[object] = []
        self.files_at = "files"
        self.told_of: list[str] = []
        """The ids of the pictures whose download the source was told of, for sources that want that."""
        self.otherwise = self.answer

    @property
    def profile(self) -> SourceProfile:
        return self.source.profile

    @property
    def name(self) -> str:
        return self.profile.name

    @property
    def api_url(self) -> str:
        """What stands in for `SourceProfile.api_url`."""
        return self.url

    @property
    def searches(self) -> list[Asked]:
        """The searches that came in."""
        return [asked for asked in self.asked if self.is_search(asked)]

    @property
    def pages(self) -> list[int]:
        """The pages that were searched, from 1, in order."""
        return [self.page_of(asked) for asked in self.searches]

    def connect(
        self, *, cache_directory: Path | None = None, policy: RequestPolicy = QUICK, **options: Any
    ) -> ApiRetriever:
        """A retriever that asks this server; it keeps answers only where `cache_directory` says where."""
        if cache_directory is None:
            policy = replace(policy, keep_answers_for=timedelta(0))
        return ApiRetriever(
            self.adapter(self.profile),
            **{"key": self.key or None, "base_url": self.api_url, "policy": policy} | options,
            cache_directory=cache_directory,
        )

    def hold(self, *pictures: object) -> None:
        self.held = list(pictures)

    def file(self, picture: Picture, size: int | str) -> str:
        """The address of a picture's file of some size."""
        return picture.file_url or f"https://files.example/{self.files_at}/{picture.number}-{size}.jpg"

    def page(self, picture: Picture) -> str:
        """The address of a picture's page."""
        return picture.page_url or f"https://source.example/pictures/{picture.number}"

    def answer(self, asked: Asked) -> Step:
        """What the source answers."""
        if self.key and self.key_of(asked) != self.key:
            return self.key_refused()
        if (step := self.answer_of_another_kind(asked)) is not None:
            return step
        size = self.page_size_of(asked)
        if size not in self.page_sizes:
            return self.page_size_refused()
        start = (self.page_of(asked) - 1) * size
        matching = [one for one in self.held if not isinstance(one, Picture) or self.matches(asked, one)]
        if start and start >= min(len(matching), self.profile.deepest):
            return self.past_the_end(asked, len(matching))
        reachable = matching[: self.profile.deepest]
        return self.listing(asked, self.entries(reachable[start : start + size]), len(matching))

    def entries(self, held: Sequence[object]) -> list[object]:
        return [self.entry(one) if isinstance(one, Picture) else one for one in held]

    def identifier(self, picture: Picture) -> str:
        """The id that a candidate of the picture has."""
        return str(picture.number)

    def picture(self, identifier: str) -> Picture | None:
        """The picture held that has this id."""
        pictures = (one for one in self.held if isinstance(one, Picture))
        return next((one for one in pictures if self.identifier(one) == identifier), None)

    # What each source says in its own words.

    @abstractmethod
    def entry(self, picture: Picture) -> dict[str, Any]:
        """The picture as an entry of an answer."""

    @abstractmethod
    def listing(self, asked: Asked, entries: Sequence[object], total: int) -> Step:
        """A search's answer that has these entries of `total`."""

    @abstractmethod
    def page_of(self, asked: Asked) -> int:
        """The page a search asks for, from 1."""

    @abstractmethod
    def page_size_of(self, asked: Asked) -> int:
        """How many pictures a search asks for."""

    @abstractmethod
    def page_size_refused(self) -> Step:
        """The answer to a search that asks for too many at once."""

    @abstractmethod
    def spent(self) -> Step:
        """The answer when the rate limit is spent, without a pause named, or with one of under a second."""

    @abstractmethod
    def rights(self, picture: Picture) -> Rights:
        """What the source's terms say of the picture."""

    @abstractmethod
    def unusable(self) -> dict[str, object]:
        """Entries of which no candidate can be made, by the id that the message about each must name."""

    def day(self, picture: Picture) -> date:
        """The day that `since` and `until` are about: the day taken or, where the source does not say, uploaded."""
        return picture.taken_on

    def matches(self, asked: Asked, picture: Picture) -> bool:
        """Whether the picture passes the filters that the request asks for (the tag is met by all)."""
        return True

    def past_the_end(self, asked: Asked, total: int) -> Step:
        """The answer to a page behind the last."""
        return self.listing(asked, [], total)

    def is_search(self, asked: Asked) -> bool:
        """Whether a request is a search, and neither a look-up nor the news of a download."""
        return True

    def answer_of_another_kind(self, asked: Asked) -> Step | None:
        """The answer to a look-up or to the news of a download (noted in `told_of`); None to a search."""
        return None

    def key_of(self, asked: Asked) -> str:
        """The key a request brings."""
        return ""

    def key_refused(self) -> Step:
        """The answer to a request with a wrong key, or none."""
        raise NotImplementedError(f"{self.name} needs no key")
