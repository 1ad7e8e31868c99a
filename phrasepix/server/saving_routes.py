"""Taking pictures: into a folder below the root, as a zip, or as a text to put somewhere; each with its credit."""

import secrets
import shutil
import tempfile
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Literal, TypeVar
from zipfile import ZIP_STORED, ZipFile

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field
from starlette.background import BackgroundTask
from starlette.responses import FileResponse, Response

from phrasepix.errors import NotWrittenError
from phrasepix.saving.confined import confined_project
from phrasepix.saving.ranks import MOST_AT_A_TIME
from phrasepix.server.openapi import binary_answer
from phrasepix.server.problems import ClosingError, UndoGoneError
from phrasepix.server.result_models import CreditForms
from phrasepix.server.services import Services
from phrasepix.views.insert import INSERT_FORMS, insert_text
from phrasepix_core.root import Root

if TYPE_CHECKING:  # with the first save: a server starts without what writes pictures and their credit
    from phrasepix.saving.save import Saved, SavedPicture, SaveProgress

T = TypeVar("T")

_MOST_UNDOS = 32
_UNDO_BYTES = 12
_NOT_SAVED = "NOT-SAVED.txt"
_BETWEEN = "\n\n"


class Pick(BaseModel):
    """A picture of a search."""

    model_config = ConfigDict(extra="forbid")

    search: str = Field(description="The id of the search.")
    rank: int = Field(ge=1, description="The picture's rank in it.")


class Picks(BaseModel):
    """Pictures, in the order they were picked."""

    model_config = ConfigDict(extra="forbid")

    items: list[Pick] = Field(
        min_length=1, max_length=MOST_AT_A_TIME, description="At most twenty: the sources forbid to download in bulk."
    )


class SaveWish(Picks):
    """Pictures to save, and where."""

    project: str = Field(default="", description="The folder, relative to the root; it is made if it is not there.")


class InsertWish(Picks):
    """Pictures to put into a text, and its form."""

    form: Literal["markdown", "html", "text"] = "markdown"


class UndoWish(BaseModel):
    """A save to take back."""

    model_config = ConfigDict(extra="forbid")

    undo: str = Field(description="The `undo` of the save.")


class SavedFile(BaseModel):
    """A picture that is in the folder now."""

    search: str
    rank: int
    path: str = Field(description="The file, relative to the root.")
    is_new: bool = Field(description="Whether this save has brought it.")
    credit: CreditForms
    insert: CreditForms = Field(description="What puts it into a text that lies in the same folder.")
    without_credit_inside: str | None = Field(description="Why the file itself does not name its creator.")


class NotSavedShown(BaseModel):
    """A picture that could not be saved, and why."""

    search: str
    rank: int
    reason: str


class SaveAnswer(BaseModel):
    """What became of a save."""

    project: str = Field(description="The folder, relative to the root.")
    saved: list[SavedFile]
    failed: list[NotSavedShown]
    undo: str = Field(description="What takes the save back.")


class UndoAnswer(BaseModel):
    """What became of taking back a save; paths are relative to the root."""

    removed: list[str]
    kept: list[str] = Field(description="Files that were changed since; they and their credit stay.")


class InsertAnswer(BaseModel):
    """What puts pictures into a text."""

    text: str


def saving_routes(services: Services) -> APIRouter:
    """Return the routes of saving."""
    routes = APIRouter(prefix="/api/v1", tags=["take"])
    undos = _Undos()

    def save_into(directory: Path, items: Sequence[Pick]) -> _Outcome:
        """Save the pictures, each search's at once."""

        def go_on(progress: "SaveProgress") -> None:
            if services.is_closing.is_set():
                raise ClosingError("the server is being ended; save the rest when it runs")

        ranks: dict[str, list[int]] = {}
        for item in items:
            ranks.setdefault(item.search, []).append(item.rank)
        searches = {search: services.searches.get(search).final for search in ranks}  # before any is saved
        outcome = _Outcome()
        for search, results in searches.items():
            saved = services.finder.save(results, directory, ranks[search], on_progress=go_on)
            outcome.add(search, saved, services.root)
        return outcome

    @routes.post("/save")
    async def save(wish: SaveWish) -> SaveAnswer:
        """Save pictures into a folder below the root, each with its credit."""
        directory = confined_project(wish.project, services.root)

        def work() -> SaveAnswer:
            outcome = save_into(directory, wish.items)
            return SaveAnswer(
                project=services.root.relative(directory),
                saved=_in_order(outcome.saved, wish.items),
                failed=_in_order(outcome.failed, wish.items),
                undo=undos.put(outcome.saves),
            )

        return await services.in_thread(work)

    @routes.post("/save/undo")
    async def undo(wish: UndoWish) -> UndoAnswer:
        """Take back a save: its files, and their credit."""

        def work() -> UndoAnswer:
            from phrasepix.saving.undo import undo_save

            undone = [undo_save(saved) for saved in undos.take(wish.undo)]
            relative = services.root.relative
            return UndoAnswer(
                removed=[relative(one.path) for each in undone for one in each.removed],
                kept=[relative(one.path) for each in undone for one in each.kept],
            )

        return await services.in_thread(work)

    @routes.post("/zip", response_class=Response, responses=binary_answer("application/zip", "The pictures."))
    async def as_zip(wish: Picks) -> Response:
        """Return the pictures and their CREDITS.md in one file."""

        def work() -> Path:
            place = Path(tempfile.mkdtemp(prefix="phrasepix-zip-"))
            try:
                outcome = save_into(place / "pictures", wish.items)
                return _zipped(place, outcome, _in_order(outcome.failed, wish.items))
            except BaseException:
                _remove(place)
                raise

        file = await services.in_thread(work)
        return FileResponse(
            file,
            media_type="application/zip",
            filename="phrasepix-pictures.zip",
            background=BackgroundTask(_remove, file.parent),
        )

    @routes.post("/insert")
    async def insert(wish: InsertWish) -> InsertAnswer:
        """Return what puts the pictures into a text, each with its credit."""
        matches = [services.searches.get(item.search).match(item.rank) for item in wish.items]
        return InsertAnswer(text=_BETWEEN.join(insert_text(match.candidate, wish.form) for match in matches))

    return routes


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What became of the picks, by search and rank."""

    saves: "list[Saved]" = field(default_factory=list)
    saved: dict[tuple[str, int], SavedFile] = field(default_factory=dict)
    failed: dict[tuple[str, int], NotSavedShown] = field(default_factory=dict)

    def add(self, search: str, saved: "Saved", root: Root) -> None:
        """Add what became of the picks of a search."""
        self.saves.append(saved)
        for one in saved.pictures:
            rank = one.match.rank
            self.saved[search, rank] = _saved(search, one, root.relative(one.path))
        for other in saved.failed:
            rank = other.match.rank
            self.failed[search, rank] = NotSavedShown(search=search, rank=rank, reason=other.reason)


def _in_order(outcomes: Mapping[tuple[str, int], T], items: Sequence[Pick]) -> list[T]:
    """Return outcomes in the order of the picks, each once."""
    picks = dict.fromkeys((item.search, item.rank) for item in items)
    return [outcomes[pick] for pick in picks if pick in outcomes]


class _Undos:
    """The last saves by what takes them back. Thread-safe."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._kept: OrderedDict[str, list[Saved]] = OrderedDict()

    def put(self, saves: "list[Saved]") -> str:
        name = secrets.token_urlsafe(_UNDO_BYTES)
        with self._lock:
            self._kept[name] = saves
            while len(self._kept) > _MOST_UNDOS:
                self._kept.popitem(last=False)
        return name

    def take(self, name: str) -> "list[Saved]":
        """Return the saves, once. Raises `UndoGoneError`."""
        with self._lock:
            if name not in self._kept:
                raise UndoGoneError("this save was undone already, or is too long ago; remove its files by hand")
            return self._kept.pop(name)


def _saved(search: str, saved: "SavedPicture", path: str) -> SavedFile:
    candidate = saved.match.candidate
    return SavedFile(
        search=search,
        rank=saved.match.rank,
        path=path,
        is_new=saved.is_new,
        credit=CreditForms(**{form: saved.match.credit(form) for form in INSERT_FORMS}),
        insert=CreditForms(**{form: insert_text(candidate, form, saved.path.name) for form in INSERT_FORMS}),
        without_credit_inside=saved.without_credit_inside or None,
    )


def _zipped(place: Path, outcome: _Outcome, failures: Sequence[NotSavedShown]) -> Path:
    """Return a zip of what was saved, and of what was not and why. Raises `NotWrittenError` if nothing was."""
    if not outcome.saved:
        raise NotWrittenError(f"none of the pictures can be had: {failures[0].reason}")
    file = place / "pictures.zip"
    with ZipFile(file, "w", ZIP_STORED) as archive:  # pictures are compressed already
        for path in sorted((place / "pictures").iterdir()):
            if not path.name.startswith("."):
                archive.write(path, path.name)
        if failures:
            lines = [f"picture {one.rank}: {one.reason}\n" for one in failures]
            archive.writestr(_NOT_SAVED, "".join(lines))
    return file


def _remove(place: Path) -> None:
    shutil.rmtree(place, ignore_errors=True)
