"""Keeping a library in step with a list of pictures on the web, which are fetched once."""

import os
from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import replace
from hashlib import blake2b
from itertools import starmap
from threading import Lock
from typing import Any

from phrasepix.errors import LibraryError
from phrasepix.library.fetched import contents_of, row_of
from phrasepix.library.folder_sync import FolderSync, SyncCounts
from phrasepix.library.object_prefix import Place
from phrasepix.library.picture_list import WebEntry, listed
from phrasepix.library.retriever import web_candidate
from phrasepix.library.table import FileState
from phrasepix_core.candidate import Candidate
from phrasepix_core.urls import shown_url
from reranker.memory import EncodedPicture
from reranker.pictures import LoadedPicture
from reranker.pictures.decode import decode
from reranker.pictures.fetch import PictureFetcher
from reranker.pictures.loader import enough_for
from retriever.folder.contents import Contents
from retriever.folder.facts import Facts

_Fetched = dict[str, tuple[WebEntry, Contents]]
"""The entries of files, as they are known once those are read, and what is in them, by address."""


class FetchingSync(FolderSync):
    """Brings a library in step with pictures that are fetched one by one, each once.

    A picture is fetched when its row is new, or it changed; what could not be had is tried again the next time.
    """

    def run(self, folder: Place) -> SyncCounts:
        """Bring the library in step with the list or prefix `folder`. Raises `LibraryError`."""
        self._counts = counts = SyncCounts()
        self._folder = folder
        known = self._library.states(folder, self._column)
        try:
            pictures = self._pictures(known)
        except LibraryError as error:  # it may come back whole
            counts.kept_without_files = len(known)
            self._skip(folder, f"{error}; its {len(known)} pictures stay in the library" if known else str(error))
            return counts
        to_fetch = self._to_fetch(pictures, known)
        counts.unchanged = len(pictures) - len(to_fetch)
        self._total = len(to_fetch)
        if to_fetch:
            try:
                self._fetch_all(to_fetch)
            finally:
                self._commit()
        if gone := known.keys() - pictures.keys():
            self._library.delete(gone)
        counts.deleted = len(gone)
        return counts

    @abstractmethod
    def _pictures(self, known: Mapping[str, FileState]) -> Mapping[str, tuple[WebEntry, Facts]]:
        """The pictures by their addresses, with what is said of them. Raises `LibraryError` if that is not known."""

    @abstractmethod
    def _to_fetch(
        self, pictures: Mapping[str, tuple[WebEntry, Facts]], known: Mapping[str, FileState]
    ) -> list[tuple[WebEntry, Facts]]:
        """Those that are not known, not encoded, or changed."""

    @abstractmethod
    def _fetch(self, entry: WebEntry) -> tuple[WebEntry, bytes]:
        """The file of an entry, and what is known of the entry then. Raises `PictureError`."""

    def _fetch_all(self, pictures: list[tuple[WebEntry, Facts]]) -> None:
        reranker, _ = self._load()
        loader = _FetchingLoader(self._fetch, {entry.url: entry for entry, _ in pictures})
        # What the process and the disk remember is by content; by address nothing may be: another picture may be there.
        once = os.urandom(16)

        def candidate(entry: WebEntry, facts: Facts) -> Candidate:
            identity = blake2b(entry.url.encode(), digest_size=12, salt=once).hexdigest()
            return web_candidate(Contents(identity, None), facts, entry.url, "")

        candidates = starmap(candidate, pictures)
        with reranker.pool_encoder.encoding(candidates, loader, None) as batches:
            for batch in batches:
                for (number,), _, outcome in batch:
                    entry, facts = pictures[number]
                    fetched = loader.fetched.pop(entry.url, None)
                    if fetched is None or not isinstance(outcome, EncodedPicture):
                        reason, address = str(outcome), shown_url(entry.url)
                        self._skip(self._folder, reason if address in reason else f"{address}: {reason}")
                        continue
                    as_read, contents = fetched
                    vectors = {self._column: outcome.embedding}
                    self._rows.append(row_of(as_read, facts, self._folder, contents, vectors))
                    self._counts.encoded += 1
                self._commit_when_due()


class ListSync(FetchingSync):
    """Brings a `library` in step with one list; the pictures come by `fetcher`, `loopback` ones too where that is True.

    A picture is fetched when its row is new, or says something else than before.
    """

    def __init__(self, *arguments: Any, fetcher: PictureFetcher, loopback: bool = False, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._fetcher = fetcher
        self._loopback = loopback

    def _pictures(self, known: Mapping[str, FileState]) -> Mapping[str, tuple[WebEntry, Facts]]:
        return listed(self._path, lambda reason: self._skip(self._folder, reason))

    def _to_fetch(
        self, pictures: Mapping[str, tuple[WebEntry, Facts]], known: Mapping[str, FileState]
    ) -> list[tuple[WebEntry, Facts]]:
        return [
            (entry, facts)
            for url, (entry, facts) in pictures.items()
            if (state := known.get(url)) is None or not state.is_encoded or state.beside != entry.beside
        ]

    def _fetch(self, entry: WebEntry) -> tuple[WebEntry, bytes]:
        data = self._fetcher.fetch(entry.url, loopback=self._loopback)
        return replace(entry, size=len(data)), data


class _FetchingLoader:
    """Loads candidates by their addresses, and keeps what is in each file but not the file."""

    def __init__(self, fetch: Callable[[WebEntry], tuple[WebEntry, bytes]], entries: Mapping[str, WebEntry]) -> None:
        self._fetch = fetch
        self._entries = entries
        self._lock = Lock()
        self.fetched: _Fetched = {}

    def load(self, candidate: Candidate, short_side: int) -> LoadedPicture:
        """The picture at the candidate's address. Raises `PictureError`."""
        entry, data = self._fetch(self._entries[candidate.image_url])
        picture = decode(data, enough=enough_for(short_side))
        contents = contents_of(data)
        with self._lock:
            self.fetched[candidate.image_url] = entry, contents
        return LoadedPicture(picture, None)
