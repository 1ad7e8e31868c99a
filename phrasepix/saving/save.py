"""Saving matches into a directory, each with its credit."""

import shutil
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import file_digest
from pathlib import Path, PurePath, PurePosixPath

from PIL import Image

from phrasepix.errors import NotWrittenError
from phrasepix.saving.credits_file import CreditsFile, open_credits_file
from phrasepix.saving.download import Downloader, copy_local, copy_object
from phrasepix.saving.entries import Entry, safe_name
from phrasepix.saving.filenames import name_for
from phrasepix.saving.likeness import likeness
from phrasepix.saving.lock import FolderBusyError
from phrasepix.saving.metadata import embed_credit
from phrasepix.saving.partial_download import PartialDownload
from phrasepix.saving.reopener import Reopener
from phrasepix_core.candidate import Candidate, Rendition
from phrasepix_core.credit import CREDIT_FORMATS, credit_line
from phrasepix_core.files import create, open_regular, reason_of, shown_path
from phrasepix_core.hush import hush
from phrasepix_core.messages import Hint
from phrasepix_core.s3_access import S3
from phrasepix_core.urls import lasting
from reranker.errors import ForbiddenAddressError, PictureError, PictureUnreachableError, PictureUnreadableError
from reranker.match import Match
from reranker.pictures.decode import FORMATS, Decoded, decoded
from reranker.pictures.local_files import LARGEST_LOCAL_BYTES, local_formats, local_name, path_of
from retriever.errors import RetrieverError
from retriever.folder.walk import VIDEOS
from retriever.protocol import Downloads, Retriever, is_on_disk, is_on_loopback

_LARGEST_PIXELS = 178_000_000
_SAY_EVERY_S = 0.1
_EXTENSIONS = {"JPEG": ".jpg", "MPO": ".jpg", "TIFF": ".tif", "HEIF": ".heic"}  # of the others, their name


@dataclass(frozen=True, slots=True)
class SaveProgress:
    """Where a save is: `done` of `total` pictures, and `bytes_done` of the one being downloaded, of `bytes_total`."""

    done: int
    total: int
    picture: str = ""
    bytes_done: int = 0
    bytes_total: int | None = None


@dataclass(frozen=True, slots=True)
class SavedPicture:
    """A match that was saved as `path`; not `is_new` where it was there before.

    `without_credit_inside` says why the file itself does not name its creator; empty where it does.
    """

    match: Match
    path: Path
    is_new: bool = True
    without_credit_inside: str = ""


@dataclass(frozen=True, slots=True)
class NotSaved:
    """A match that could not be saved, and why."""

    match: Match
    reason: str


@dataclass(frozen=True, slots=True)
class Saved:
    """What became of a save: the `pictures` that are in `directory` now, and those that `failed`."""

    directory: Path
    pictures: tuple[SavedPicture, ...] = ()
    failed: tuple[NotSaved, ...] = ()


@dataclass(frozen=True, slots=True)
class FoundWith:
    """What the pictures were found with."""

    phrase: str
    model: str


def save_matches(
    matches: Sequence[Match],
    directory: Path,
    *,
    found_with: FoundWith,
    reopener: Reopener,
    on_progress: Callable[[SaveProgress], None] = lambda progress: None,
    lock_patience_s: float = 120.0,
) -> Saved:
    """Save the matches into `directory`, one after the other; what cannot be saved is listed with its reason.

    Another process that saves there is waited for, up to `lock_patience_s` seconds each time.
    Raises `NotWrittenError` where nothing can be written there.
    """
    try:
        directory = directory.expanduser().absolute()
    except RuntimeError as error:  # nobody of that name has a home
        raise NotWrittenError(f"cannot write to {shown_path(directory)}: {error}") from None
    with open_credits_file(directory, patience_s=lock_patience_s):
        pass  # that it can be written to is known before anything is asked for
    pictures: list[SavedPicture] = []
    failed: list[NotSaved] = []
    with _Saver(directory, found_with, reopener, lock_patience_s) as saver:
        for match in matches:
            done = len(pictures) + len(failed)
            on_progress(SaveProgress(done, len(matches), str(match.candidate)))
            say = _Sparingly(on_progress, SaveProgress(done, len(matches), str(match.candidate)))
            try:
                pictures.append(saver.save(match, say))
            except FolderBusyError as error:  # the others need not wait for the same, one after the other
                failed += [NotSaved(one, str(error)) for one in matches[done:]]
                break
            except (RetrieverError, PictureError, NotWrittenError) as error:
                failed.append(NotSaved(match, str(error)))
    on_progress(SaveProgress(len(matches), len(matches)))
    return Saved(directory, tuple(pictures), tuple(failed))


class _Sparingly:
    """Passes on how many bytes have come, not more often than anybody can read."""

    def __init__(self, on_progress: Callable[[SaveProgress], None], where: SaveProgress) -> None:
        self._on_progress = on_progress
        self._where = where
        self._next_at = time.monotonic() + _SAY_EVERY_S

    def __call__(self, done: int, total: int | None) -> None:
        if (now := time.monotonic()) >= self._next_at:
            self._next_at = now + _SAY_EVERY_S
            where = self._where
            self._on_progress(SaveProgress(where.done, where.total, where.picture, done, total))


class _Saver:
    """Saves one match at a time; opens each source once."""

    def __init__(self, directory: Path, found_with: FoundWith, reopener: Reopener, lock_patience_s: float) -> None:
        self._directory = directory
        self._lock_patience_s = lock_patience_s
        self._found_with = found_with
        self._reopener = reopener
        self._resources = ExitStack()
        self._downloader = Downloader()
        self._opened: dict[str, Retriever | None] = {}

    def save(self, match: Match, on_bytes: Callable[[int, int | None], None]) -> SavedPicture:
        candidate = match.candidate
        with open_credits_file(self._directory, patience_s=self._lock_patience_s) as credits_file:
            part = credits_file.part(candidate)
            there = credits_file.of(candidate)
            if there is not None and credits_file.is_there(there):
                part.discard()
                return SavedPicture(match, self._directory / there["file"], is_new=False)
            try:
                self._fetch(candidate, part, on_bytes)
                return self._put_into_place(credits_file, match, part)
            except PictureUnreadableError:
                part.discard()
                raise
            except OSError as error:
                part.discard()  # on a full disk, it is in the way of what is whole
                raise NotWrittenError(f"cannot write to {self._directory}: {reason_of(error)}") from None

    def _fetch(self, candidate: Candidate, part: PartialDownload, on_bytes: Callable[[int, int | None], None]) -> None:
        retriever = self._retriever(candidate.source)
        file = self._file(candidate, retriever)
        if file.url.startswith("file:"):
            if not is_on_disk(retriever):
                raise ForbiddenAddressError("its file URL is none that pictures of this source come from")
            copy_local(file.url, part)
            return
        if self._reopener.offline:
            raise PictureUnreachableError("offline nothing is downloaded; save it without ", Hint("offline", True))
        if file.url.startswith(S3) and is_on_disk(retriever):
            copy_object(file.url, part)
            return
        self._downloader.download(
            file.url,
            part,
            of=f"{':'.join(candidate.identity)} {file.width}x{file.height}",
            loopback=is_on_loopback(retriever),
            on_bytes=on_bytes,
        )

    def _file(self, candidate: Candidate, retriever: Retriever | None) -> Rendition:
        if isinstance(retriever, Downloads):
            return retriever.file_to_save(candidate)
        given = [rendition for rendition in candidate.renditions if rendition.as_given]
        return (given or candidate.renditions)[-1]

    def _retriever(self, source: str) -> Retriever | None:
        if source not in self._opened:
            self._opened[source] = self._resources.enter_context(self._reopener.open(source))
        return self._opened[source]

    def _put_into_place(self, credits_file: CreditsFile, match: Match, part: PartialDownload) -> SavedPicture:
        candidate = match.candidate
        verified = self._verified(match, part.path)
        downloaded = _sha256(part.path)
        entry = self._entry(match) | {
            "download_sha256": downloaded,
            "format": verified.kind,
            "likeness": likeness(verified.picture),
        }
        if (same := credits_file.with_download(downloaded)) is not None:  # another source has the very same file
            there = {name: same.get(name) for name in ("file", "sha256", "width", "height", "metadata")}
            credits_file.add(candidate, entry | there, None)
            part.discard()
            return SavedPicture(match, self._directory / same["file"], is_new=False)
        finished = credits_file.hidden(candidate, ".whole")
        why_not = _with_credit(part.path, finished, verified, candidate)
        extension = _EXTENSIONS.get(verified.kind, f".{verified.kind.lower()}")
        name = name_for(
            candidate,
            self._found_with.phrase,
            extension,
            lambda name: credits_file.is_taken(name, candidate),
            own_name=self._own_name(candidate),
        )
        about_file = {
            "file": name,
            "sha256": _sha256(finished),
            "width": verified.size[0],
            "height": verified.size[1],
            "metadata": f"none: {why_not}" if why_not else "the credit is in the file's XMP",
        }
        try:
            credits_file.add(candidate, about_file | entry, finished)
        finally:
            finished.unlink(missing_ok=True)
        part.discard()
        return SavedPicture(match, self._directory / name, without_credit_inside=why_not)

    def _verified(self, match: Match, path: Path) -> Decoded:
        """See `_verified`. A file of this machine that only its own reader decodes, such as a camera's, is trusted.

        By its name: by content most of them are TIFF, with a picture of a stamp's size. So is a video, of which the
        match is a frame: it is saved whole.
        """
        if not self._is_on_disk(match.candidate):
            return _verified(path)
        suffix = PurePosixPath(local_name(match.candidate.image_url)).suffix.lower()
        formats = local_formats()
        if suffix in VIDEOS or (suffix[1:].isalnum() and suffix not in Image.registered_extensions()):
            # It is shown by its preview or a frame, perhaps reduced: what it says of its size counts.
            return Decoded(match.picture, suffix[1:].upper(), (match.candidate.width, match.candidate.height))
        return _verified(path, formats, LARGEST_LOCAL_BYTES)

    def _is_on_disk(self, candidate: Candidate) -> bool:
        return is_on_disk(self._opened[candidate.source]) and candidate.image_url.startswith("file:")

    def _own_name(self, candidate: Candidate) -> str:
        """The name of a file of this machine, where it can be shown as it is; empty for all others."""
        name = local_name(candidate.image_url) if self._is_on_disk(candidate) else ""
        return name if name and safe_name(name) == name else ""

    def _path_in_folder(self, candidate: Candidate) -> str:
        """Where a picture of this machine lies, below the folder it was found in; empty for all others."""
        if not self._is_on_disk(candidate):
            return ""
        path = path_of(candidate.image_url)
        folder = getattr(self._opened[candidate.source], "folder", None)
        below = path.relative_to(folder) if isinstance(folder, Path) and path.is_relative_to(folder) else path.name
        return shown_path(PurePath(below).as_posix())

    def _entry(self, match: Match) -> Entry:
        candidate = match.candidate
        return {
            "source": candidate.source,
            "id": candidate.id,
            "catalogue": candidate.catalogue,
            "path": self._path_in_folder(candidate),
            "title": candidate.title,
            "creator": candidate.creator,
            "creator_url": lasting(candidate.creator_url),
            "page_url": lasting(candidate.page_url),
            "licence": candidate.licence,
            "licence_url": candidate.licence_url,
            "attribution": candidate.attribution,
            "credit_owed": candidate.credit_owed,
            "no_ai_training": candidate.no_ai_training,
            "credit": {form: credit_line(candidate, form) for form in CREDIT_FORMATS},
            "retrieved_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "phrase": self._found_with.phrase,
            "tag": candidate.found_by,
            "model": self._found_with.model,
            "score": round(match.score, 6),
        }

    def __enter__(self) -> "_Saver":
        self._resources.enter_context(self._downloader)
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._resources.close()


def _verified(path: Path, formats: tuple[str, ...] = FORMATS, largest_alone: int = 0) -> Decoded:
    """The picture in a file, decoded to its end, with a digest of its pixels. Raises `PictureUnreadableError`."""
    hush("PIL")  # the bound is our own, and what else may be odd did not keep it from decoding
    with open_regular(path) as file:
        return decoded(
            file, largest_pixels=_LARGEST_PIXELS, formats=formats, with_digest=True, largest_alone=largest_alone
        )


def _with_credit(source: Path, target: Path, verified: Decoded, candidate: Candidate) -> str:
    """Make `target`: `source` with the credit in it, or a plain copy; why there is none inside, or an empty text."""
    with create(target) as file:
        why_not = embed_credit(source, file, verified.kind, candidate)
    if why_not:
        return why_not
    try:
        written = _verified(target, (*FORMATS, verified.kind), LARGEST_LOCAL_BYTES)
        if (written.size, written.digest) == (verified.size, verified.digest):
            return ""
    except PictureUnreadableError:
        pass  # the same as pixels that differ
    target.unlink()
    with open_regular(source) as original, create(target) as file:
        shutil.copyfileobj(original, file)
    return "it would not have stayed the same picture"


def _sha256(path: Path) -> str:
    with open_regular(path) as file:
        return file_digest(file, "sha256").hexdigest()
