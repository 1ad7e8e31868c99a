"""Adding folders and lists to a library, and keeping it in step with them."""

import os
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from datetime import UTC, datetime
from functools import partial, reduce
from pathlib import Path

from phrasepix.errors import LibraryError, NoLibraryError, WrongParameterError
from phrasepix.events import Listener, Notice, SearchProgress, Stage, ignore
from phrasepix.finder import Finder
from phrasepix.library.archive import is_archive
from phrasepix.library.archive_sync import ArchiveSync
from phrasepix.library.description import EncoderColumn
from phrasepix.library.folder_sync import FolderSync, SyncCounts, in_words
from phrasepix.library.forgetting import forget_expired
from phrasepix.library.list_sync import ListSync
from phrasepix.library.location import Location
from phrasepix.library.maintenance import tidy
from phrasepix.library.object_prefix import ObjectPrefix, Place, is_below, place_of
from phrasepix.library.opening import has_description
from phrasepix.library.picture_list import SUFFIXES, is_list
from phrasepix.library.prefix_sync import PrefixSync
from phrasepix.library.table import Library
from phrasepix.models.catalogue import choose_model
from phrasepix_core.files import open_regular, reason_of
from phrasepix_core.s3_access import S3
from phrasepix_core.spelling import meant_by
from phrasepix_core.urls import shown_url
from reranker.clip_reranker import ClipReranker
from reranker.encoder import image_tower_name
from reranker.memory import Memory
from reranker.models.model_spec import DEFAULT_MODEL
from reranker.pictures import PictureLoader
from reranker.pictures.fetch import PictureFetcher
from reranker.pictures.hosts import HostConnections
from reranker.pictures.offline import OfflineFetcher
from retriever.folder.file_index import NOTES_FILE, FileIndex
from retriever.folder.names import shown
from retriever.folder.profile import FOLDER

_PER_HOST = 2
"""Requests at once to a host of a list's pictures: nobody waits for them, and the host serves others."""


class LibraryKeeper:
    """Fills the library at `location` by a finder's models and memory; `on_event` is told how far it is.

    Files that are unchanged, by size and time of change, are not opened. What is done is committed batch by batch:
    whoever is interrupted or killed goes on there by `sync`.
    """

    def __init__(self, location: Location, finder: Finder, on_event: Listener = ignore) -> None:
        self._location = location
        self._finder = finder
        self._on_event = on_event

    def add(
        self,
        folders: Sequence[Path | str],
        model: str | None = None,
        pretrained: str | None = None,
        *,
        places: bool | None = None,
    ) -> SyncCounts:
        """Add folders, lists and prefixes (s3://bucket/pictures), and encode their pictures.

        The library is made if it is not there.

        By default by the models that it has, else the usual one. With `places` it keeps where pictures were taken,
        from now on and until it is False. Raises `WrongParameterError` for what is no folder, `LibraryError`, and
        `ModelError`.
        """
        library, absolute = self._begun(folders, places, model, pretrained)
        return self._sync(library, absolute, model, pretrained)

    def build(
        self,
        places: Sequence[Path | str],
        ray: str,
        model: str | None = None,
        pretrained: str | None = None,
        *,
        piece: int | None = None,
    ) -> SyncCounts:
        """Add lists and prefixes as `add` does, by the Ray cluster at an address; nothing that is gone is taken out.

        Its actors take `piece` pictures at a time. Raises as `add`, and `WrongParameterError` for a folder, which other
        machines may not have.
        """
        from phrasepix.library.ray_build import PIECE, RayBuilder  # brings Ray

        for place in map(_named, places):
            if isinstance(place, Path) and not is_list(place):
                raise WrongParameterError(
                    f"{shown(str(place))} is neither a list nor s3://BUCKET/FOLDER; a cluster's nodes may not have it"
                )
        library, absolute = self._begun(places, None, model, pretrained)
        done = [
            RayBuilder(self._location, column, ray, on_event=self._on_event, piece=piece or PIECE).run(absolute)
            for column in self._encoders(library, model, pretrained)
        ]
        return reduce(SyncCounts.beside, done)

    def _begun(
        self, folders: Sequence[Path | str], places: bool | None, model: str | None, pretrained: str | None
    ) -> tuple[Library, list[Place]]:
        absolute = [_folder(folder) for folder in folders]
        if has_description(self._location):  # asked first: of a store that does not answer that is said once, and soon
            with suppress(LibraryError, NoLibraryError):  # it is said below what is wrong with it
                self._demand_apart(Library.open(self._location), absolute)
        for place in absolute:
            if isinstance(place, ObjectPrefix):
                self._on_event(SearchProgress(f"asking the store of {shown_url(str(place))}"))
                place.demand_any()
        self.demand_model(model, pretrained)
        self._on_event(SearchProgress(f"reading the library {self._location.name}"))
        library = Library.open_or_create(self._location)
        self._demand_apart(library, absolute)
        if places is not None:
            library.keep_places(keeps=places)
        library.change(folders=[str(folder) for folder in absolute])
        return library, absolute

    def _demand_apart(self, library: Library, folders: Sequence[Place]) -> None:
        """Raise `WrongParameterError` for a folder below one that the library has, or above it."""
        for folder in folders:
            for other in map(place_of, library.description.folders):
                if folder != other and (is_below(folder, other) or is_below(other, folder)):
                    raise WrongParameterError(
                        f"{shown(str(folder))} and {shown(str(other))}, which the library {self._location.name} has, "
                        "lie one below the other; remove that first, or add another folder"
                    )

    def demand_model(self, model: str | None, pretrained: str | None) -> None:
        """Load the model that is named, or by whose vectors a library begins. Raises `ModelError`.

        Where that fails no library is made, no folder noted, and nothing announced.
        """
        try:
            has_vectors = bool(Library.open(self._location).description.encoders)
        except (LibraryError, NoLibraryError):
            has_vectors = False
        if model is not None or pretrained is not None or not has_vectors:
            self._loaded(model, pretrained)

    def sync(self, model: str | None = None, pretrained: str | None = None) -> SyncCounts:
        """Bring the library in step with its folders. Raises as `add`, and `NoLibraryError`."""
        library = Library.open(self._location)
        library.add_missing_columns()
        return self._sync(library, [place_of(one) for one in library.description.folders], model, pretrained)

    def remove(self, paths: Sequence[Path | str]) -> int:
        """Take folders, or files below one, out of the library; return how many files. Nothing on disk is deleted.

        Raises `NoLibraryError` if the library has none of them.
        """
        library = Library.open(self._location)
        removed = 0
        for path in map(_named, paths):
            keys = library.keys_below(path)
            if not keys and str(path) not in library.description.folders:
                raise NoLibraryError(f"the library {self._location.name} has nothing of {shown(str(path))}")
            library.change(without=[one for one in library.description.folders if is_below(place_of(one), path)])
            library.delete(keys)
            removed += len(keys)
        tidy(library)
        return removed

    def _sync(
        self, library: Library, folders: Sequence[Place], model: str | None, pretrained: str | None
    ) -> SyncCounts:
        counts: dict[Place, SyncCounts] = {}
        encoders = self._encoders(library, model, pretrained)
        told: set[Notice] = set()  # each model meets the same files

        def on_skip(path: Place, reason: str) -> None:
            notice = Notice((in_words(path, reason),), FOLDER.name)
            if notice not in told:
                told.add(notice)
                self._on_event(notice)

        with ExitStack() as opened:
            loader = opened.enter_context(PictureLoader(OfflineFetcher(), local_sources={FOLDER.name}))
            notes = opened.enter_context(FileIndex(self._finder.config.directory / NOTES_FILE))
            fetcher = opened.enter_context(PictureFetcher(hosts=HostConnections(per_host=_PER_HOST)))
            for column, encoder in encoders.items():
                make = partial(
                    FolderSync,
                    library,
                    column,
                    partial(self._loaded, encoder.model, encoder.pretrained),
                    loader=loader,
                    notes=notes,
                    on_skip=on_skip,
                    on_progress=lambda done, total: self._on_event(
                        SearchProgress("looking at the pictures", done, total)
                    ),
                )
                make_for_lists = partial(ListSync, *make.args, fetcher=fetcher, **make.keywords)
                make_for_archives = partial(ArchiveSync, *make.args, **make.keywords)
                make_for_prefixes = partial(PrefixSync, *make.args, **make.keywords)
                for folder in folders:
                    made: Callable[[], FolderSync] = make
                    if isinstance(folder, ObjectPrefix):
                        made = make_for_prefixes
                    elif is_list(folder):
                        made = make_for_lists
                    elif is_archive(folder):
                        made = make_for_archives
                    done = made().run(folder)
                    counts[folder] = counts[folder].beside(done) if folder in counts else done
        forget_expired(library, datetime.now(UTC))
        tidy(library)
        total = SyncCounts()
        for of_folder in counts.values():
            total.add(of_folder)
        return total

    def _encoders(self, library: Library, model: str | None, pretrained: str | None) -> dict[str, EncoderColumn]:
        """The columns to fill: that of the model that was named, else all that there are, else the usual one's."""
        if model is None and pretrained is None and library.description.encoders:
            return dict(library.description.encoders)
        return dict([self._column_for(library, model, pretrained)])

    def _column_for(self, library: Library, model: str | None, pretrained: str | None) -> tuple[str, EncoderColumn]:
        """The column of a model's vectors; the model is loaded, for it alone says what it is."""
        reranker, _ = self._loaded(model, pretrained)
        encoder = EncoderColumn(
            tower=image_tower_name(reranker.encoder),
            dimensions=reranker.encoder.dimensions,
            model=model or DEFAULT_MODEL.model,
            pretrained=pretrained,
        )
        return library.column_for(encoder), encoder

    def _loaded(self, model: str | None, pretrained: str | None) -> tuple[ClipReranker, Memory]:
        title, _ = choose_model(model, pretrained, only_the_sample=False)
        self._on_event(SearchProgress(f"loading the model {title}", stage=Stage.LOADING_MODEL, subject=title))
        return self._finder.reranker_of(model, pretrained)


def _named(path: Path | str) -> Place:
    """What may be in a library under that name; it may be gone."""
    if str(path).startswith(S3):
        return ObjectPrefix.of(str(path))
    _demand_path(path)
    return Path(os.path.abspath(Path(path).expanduser()))  # noqa: PTH100


def _folder(path: Path | str) -> Place:
    """The absolute path of a folder, list or archive that can be read, or a prefix. Raises `WrongParameterError`."""
    if str(path).startswith(S3):
        return ObjectPrefix.of(str(path))
    _demand_path(path)
    try:
        folder = Path(os.path.normpath(Path(path).expanduser().absolute()))
        if is_list(folder) or is_archive(folder):
            with open_regular(folder):
                return folder
        with os.scandir(folder):
            return folder
    except NotADirectoryError:
        raise WrongParameterError(
            f"{shown(str(path))} is neither a folder, a .tar nor a list, which ends in {', '.join(sorted(SUFFIXES))}"
        ) from None
    except FileNotFoundError:
        raise WrongParameterError(f"{shown(str(path))} does not exist; {meant_by(Path(path))}") from None
    except (OSError, ValueError, RuntimeError) as error:
        raise WrongParameterError(f"{shown(str(path))} cannot be read: {reason_of(error)}") from None


def _demand_path(path: Path | str) -> None:
    """Raise `WrongParameterError` for an empty text, which as a path would be the current folder and all below it."""
    if not str(path).strip():
        raise WrongParameterError("the path is empty; give one, or . for the folder you are in")
