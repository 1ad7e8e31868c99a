"""What is said of pictures on the page or by the API, noted in the folder of their project: only if people want it."""

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from phrasepix.errors import NotWrittenError, OutsideRootError
from phrasepix.events import Notice
from phrasepix.live_results import LiveResults
from phrasepix.saving.confined import confined_project
from phrasepix.saving.feedback_file import PictureFeedback, feedback_on_ranks, note_feedback
from phrasepix_core.root import Root

_MOST = 10_000
"""Verdicts that are known to be noted already."""

_Picture = tuple[Path, str, tuple[str, str]]
"""A project's folder, the phrase, and a picture's identity."""


class FeedbackNotes:
    """Notes each verdict once, though a page tells all marks with each new one; nothing if it does not note any.

    Thread-safe.
    """

    def __init__(self, root: Root, *, notes: bool) -> None:
        self._root = root
        self._notes = notes
        self._lock = threading.Lock()
        self._last: OrderedDict[_Picture, bool] = OrderedDict()

    def noted(
        self, refined: LiveResults, before: LiveResults, prefer: Sequence[int], avoid: Sequence[int], project: str
    ) -> LiveResults:
        """Note what was said of the results `before`, and return the refined ones with a notice of it.

        What cannot be noted is a notice as well: the ranking is there all the same.
        """
        if not self._notes:
            return refined
        try:
            notice = self._note(feedback_on_ranks(before, prefer, avoid), confined_project(project, self._root))
        except (NotWrittenError, OutsideRootError) as error:
            notice = Notice((f"what was said of the pictures is not noted: {error}",))
        return refined if notice is None else replace(refined, notices=(*refined.notices, notice))

    def _note(self, said: Sequence[PictureFeedback], directory: Path) -> Notice | None:
        """Note what was not said before. Raises `NotWrittenError`."""
        with self._lock:
            new = [one for one in said if self._last.get((directory, one.phrase, one.identity)) is not one.right]
            if not new:
                return None
            place = note_feedback(directory, new)
            for one in new:
                self._last[directory, one.phrase, one.identity] = one.right
            while len(self._last) > _MOST:
                self._last.popitem(last=False)
        pictures = "1 picture" if len(new) == 1 else f"{len(new)} pictures"
        return Notice((f"noted in {self._root.relative(place)}: what was said of {pictures}",))
