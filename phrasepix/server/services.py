"""What the routes share."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import ParamSpec, TypeVar

import anyio
from anyio import CapacityLimiter

from phrasepix.finder import Finder
from phrasepix.kept_searches import KeptSearches
from phrasepix.request import SearchRequest
from phrasepix.server.feedback_notes import FeedbackNotes
from phrasepix.server.history import History
from phrasepix.server.model_steps import ModelSteps
from phrasepix.server.request_reader import RequestReader
from phrasepix.server.settings import ServerSettings
from phrasepix.server.uploaded_pictures import UploadedPictures
from phrasepix_core.root import Root
from phrasepix_core.turns import Turns

P = ParamSpec("P")
T = TypeVar("T")

_ANY_PHRASE = "a picture"


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """What the routes share."""

    finder: Finder
    settings: ServerSettings
    root: Root
    searches: KeptSearches
    pictures: UploadedPictures
    history: History
    feedback: FeedbackNotes
    reader: RequestReader
    searching: CapacityLimiter
    """Gives threads to searches."""
    turns: Turns = field(default_factory=Turns)
    """Has the searches' threads compute one at a time."""
    threads: CapacityLimiter
    """Gives threads to all other works, so that the pictures of a search come though others go on for long."""
    model_steps: ModelSteps = field(default_factory=ModelSteps)
    """Tells searches how far the model is that they wait for."""
    is_closing: threading.Event = field(default_factory=threading.Event)
    """Set when the server is being ended: searches end at their next event."""

    @classmethod
    def of(cls, finder: Finder, settings: ServerSettings) -> "Services":
        """Return the services of a server."""
        root = Root(settings.root.expanduser().resolve())
        pictures = UploadedPictures(settings.uploads_bytes)
        return cls(
            finder=finder,
            settings=settings,
            root=root,
            searches=KeptSearches(settings.searches_kept, settings.searches_bytes),
            pictures=pictures,
            history=History(keeps=settings.keeps_history),
            feedback=FeedbackNotes(root, notes=settings.notes_feedback),
            reader=RequestReader(root, pictures),
            searching=CapacityLimiter(settings.most_searches),
            threads=CapacityLimiter(settings.most_threads),
        )

    async def in_thread(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call what blocks, and is no search, in a thread when it is its turn; return what it returns."""
        return await anyio.to_thread.run_sync(partial(function, *args, **kwargs), limiter=self.threads)

    def warm_up(self) -> None:
        """Load what most searches need, if it is on this machine."""
        self.finder.warm_up(SearchRequest(_ANY_PHRASE))
