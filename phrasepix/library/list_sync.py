"""Keeping a library in step with a list of pictures on the web, which are fetched once."""

import io
import os
from dataclasses import replace
from hashlib import blake2b
from itertools import starmap
from pathlib import Path
from threading import Lock
from typing import Any

from phrasepix.errors import LibraryError
from phrasepix.library.folder_sync import FolderSync, SyncCounts
from phrasepix.library.picture_list import WebEntry, listed
from phrasepix.library.retriever import web_candidate
from phrasepix.library.schema import Row
from phrasepix_core.candidate import Candidate
from phrasepix_core.urls import shown_url
from reranker.errors import PictureUnreadableError
from reranker.memory import EncodedPicture
from reranker.pictures import LoadedPicture
from reranker.pictures.decode import decode
from reranker.pictures.fetch import PictureFetcher
from reranker.pictures.loader import DECODED_TO
from retriever.folder.contents import Contents, digest_of
from retriever.folder.facts import Facts
from retriever.folder.metadata import NoPictureError, facts_of_file

_Fetched = dict[str, tuple[int, Contents]]
"""Sizes of files in bytes, and what is in them, by address."""


class ListSync(FolderSync):
    """Brings a library in step with one list; the pictures come by `fetcher`, `loopback` ones too where that is True.

    A picture is fetched when its row is new, or says something else than before; what could not be had is tried again
    the next time.
    """

    def __init__(self, *arguments: Any, fetcher: PictureFetcher, loopback: bool = False, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._fetcher = fetcher
        self._loopback = loopback

    def run(self, folder: Path) -> SyncCounts:
        """Bring the library in step with the list at the path `folder`. Raises `LibraryError`."""
        self._counts = counts = SyncCounts()
        self._folder = folder
        known = self._library.states(folder, self._column)
        try:
            pictures = listed(folder, lambda reason: self._skip(folder, reason))
        except LibraryError as error:  # it may come back whole
            counts.kept_without_files = len(known)
            self._skip(folder, f"{error}; its {len(known)} pictures stay in the library")
            return counts
        to_fetch = {
            url: (entry, facts)
            for url, (entry, facts) in pictures.items()
            if (state := known.get(url)) is None or not state.is_encoded or state.beside != entry.beside
        }
        counts.unchanged = len(pictures) - len(to_fetch)
        self._total = len(to_fetch)
        if to_fetch:
            try:
                self._fetch(list(to_fetch.values()))
            finally:
                self._commit()
        if gone := known.keys() - pictures.keys():
            self._library.delete(gone)
        counts.deleted = len(gone)
        return counts

    def _fetch(self, pictures: list[tuple[WebEntry, Facts]]) -> None:
        reranker, _ = self._load()
        loader = _FetchingLoader(self._fetcher, self._loopback)
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
                    size, contents = fetched
                    assert contents.facts is not None  # noqa: S101  # a picture was decoded
                    whole = replace(
                        facts.or_else(contents.facts), width=contents.facts.width, height=contents.facts.height
                    )
                    vectors = {self._column: outcome.embedding}
                    self._rows.append(Row(replace(entry, size=size), self._folder, contents, whole, vectors))
                    self._counts.encoded += 1
                self._commit_when_due()


class _FetchingLoader:
    """Loads candidates by their addresses, and keeps what is in each file but not the file."""

    def __init__(self, fetcher: PictureFetcher, loopback: bool) -> None:
        self._fetcher = fetcher
        self._loopback = loopback
        self._lock = Lock()
        self.fetched: _Fetched = {}

    def load(self, candidate: Candidate, short_side: int) -> LoadedPicture:
        """The picture at the candidate's address. Raises `PictureError`."""
        data = self._fetcher.fetch(candidate.image_url, loopback=self._loopback)
        picture = decode(data, enough=DECODED_TO * short_side)
        try:
            facts = facts_of_file(io.BytesIO(data))
        except NoPictureError as error:
            raise PictureUnreadableError(str(error)) from None
        with self._lock:
            self.fetched[candidate.image_url] = len(data), Contents(digest_of(io.BytesIO(data)), facts)
        return LoadedPicture(picture, None)
