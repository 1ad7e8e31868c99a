"""Cache of one encoder's text embeddings: each text is encoded once in a process."""

import logging
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from phrasepix_core.forking import reset_in_children, set_free
from phrasepix_core.text import shortened
from phrasepix_core.turns import waits
from reranker.background_thread import BackgroundThread
from reranker.baseline_prompts import caption_embeddings, neutral_embeddings
from reranker.encoder import Embeddings, Encoder, EncodesSideBySide, KeepsOneTower, TellsWhatItReads, checked_rows
from reranker.errors import RerankerError, WrongQueryError
from reranker.families import declared_family

if TYPE_CHECKING:  # texts are encoded while the rest of this stage is imported
    from reranker.memory.embedding_store import EmbeddingStore

logger = logging.getLogger(__name__)

_KEPT: Final = 256
_BATCH: Final = 12
"""As many texts are encoded at once at most: a short one reads the text tower's weights, whatever else is read.

Eight take half as long each as one does; beyond a dozen the time grows with their number, and so does the wait of all.
"""


class EncodedText(NamedTuple):
    """A text's embedding, float32 [d], and the words of it that the model does not read."""

    embedding: Embeddings
    unread: str


@dataclass(frozen=True, slots=True, eq=False)
class _Waiting:
    """A thread that waits for texts: it holds the lock `asleep` and asks for it again."""

    texts: Sequence[str]
    asleep: Lock


class TextEmbeddingCache:
    """Phrases, parts of them, and the neutral phrases that they are read against.

    `family` is that of the encoder, where it does not declare one itself (`reranker.families`). With `both_towers` the
    encoder always holds both, else only while searches overlap; texts then wait for no pictures, where it
    `EncodesSideBySide`.
    Whoever asks for a text while texts are being encoded waits for these, and if it is not among them, all that wait
    are encoded in one batch next.
    """

    def __init__(self, encoder: Encoder, family: str = "", *, both_towers: bool = False) -> None:
        self.encoder = encoder
        keeps_one = encoder if isinstance(encoder, KeepsOneTower) else None  # asked once: it takes long
        if both_towers and keeps_one is not None:
            keeps_one.keep_both_towers(True)
        self._kept_by_turns = None if both_towers else keeps_one
        self._reads = encoder if isinstance(encoder, TellsWhatItReads) else None
        self.family = family or declared_family(encoder)
        self.in_use = Lock()
        """An encoder may be called by any thread, but by one at a time."""
        self.aside = BackgroundThread("encode")
        """Calls it for whoever has other things to do meanwhile; what is done there waits for nothing but `in_use`."""
        is_side_by_side = both_towers and isinstance(encoder, EncodesSideBySide) and encoder.encodes_side_by_side
        self.texts_in_use = Lock() if is_side_by_side else self.in_use
        """Likewise for texts: a lock of their own, where pictures may be encoded meanwhile."""
        self.texts_aside = BackgroundThread("encode-texts") if is_side_by_side else self.aside
        """Likewise."""
        self._neutral: Embeddings | None = None
        self._searches: Counter[int] = Counter()
        self._counting = Lock()
        self._captions: Embeddings | None = None
        self._kept: OrderedDict[str, EncodedText] = OrderedDict()
        self._awaited: dict[str, None] = {}
        self._is_encoding = False
        self._waiting: list[_Waiting] = []
        self._guard = Lock()
        reset_in_children(self)

    def reset_after_fork(self) -> None:
        """Wait for no thread of the parent, nor count its searches; what it has encoded stays at hand."""
        set_free(self.in_use, self.texts_in_use, self._counting, self._guard)
        self._is_encoding = False
        self._waiting = []
        self._awaited = {}
        self._searches = Counter()

    def phrase(self, text: str) -> Embeddings:
        """Float32 [d]. Raises `WrongQueryError` where it is not finite."""
        return self._finite(self._encoded((text,))[0].embedding, "this phrase")

    def expect(self, texts: Iterable[str]) -> bool:
        """Have the texts encoded with what is encoded next: they will be asked for soon.

        False if nobody has to see to it: they are here, or others are being encoded and these come next.
        """
        with self._guard:
            lacking = dict.fromkeys(text for text in texts if text not in self._kept)
            self._awaited |= lacking
            return bool(lacking) and not self._is_encoding

    def has_neutral(self) -> bool:
        """Whether `neutral` waits for nobody."""
        return self._neutral is not None

    def take(self, text: str, encoded: Callable[[], EncodedText | None]) -> None:
        """Have a text encoded by somebody else, in this thread; whoever asks for texts meanwhile waits.

        Where None comes of it, or what is no embedding, those encode it.
        """
        with self._guard:
            if text in self._kept or self._is_encoding:
                return
            self._is_encoding = True
        try:
            if (taken := encoded()) is not None:
                rows = checked_rows(self.encoder, taken.embedding[None], 1, "texts")
                with self._guard:
                    self._kept[text] = EncodedText(rows[0], taken.unread)
        except (OSError, ValueError, LookupError, TypeError, RerankerError) as error:
            logger.debug("a text that was encoded elsewhere is of no use: %s", error)
        finally:
            with self._guard:
                self._is_encoding = False
                self._wake()

    def unread(self, text: str) -> str:
        """Return the words of a phrase that the model does not read; empty if it reads all."""
        return self._encoded((text,))[0].unread

    def parts(self, texts: tuple[str, ...]) -> list[tuple[str, Embeddings]]:
        """Each with its text, encoded in one batch. Raises `WrongQueryError` where one is not finite."""
        encoded = self._encoded(texts)
        return [
            (text, self._finite(one.embedding, f"“{shortened(text)}”"))
            for text, one in zip(texts, encoded, strict=True)
        ]

    def neutral(self, store: "EmbeddingStore | None") -> Embeddings:
        """Those of the neutral phrases, float32 [k, d]; `store` keeps them where the encoder did not come with them."""
        if self._neutral is None:
            with waits(), self.texts_in_use:
                if self._neutral is None:
                    self._neutral = neutral_embeddings(self.encoder, store)
        return self._neutral

    def captions(self, store: "EmbeddingStore | None") -> Embeddings:
        """Those of the everyday captions, float32 [k, d], as of `neutral`."""
        if self._captions is None:
            with waits(), self.texts_in_use:
                if self._captions is None:
                    self._captions = caption_embeddings(self.encoder, store)
        return self._captions

    @contextmanager
    def search(self, query: object) -> Iterator[None]:
        """Count the search for `query` as one that uses the encoder, also if several of its threads do.

        Once two searches overlap, the encoder holds both towers until the last is over.
        """
        self._count(id(query), 1)
        try:
            yield
        finally:
            self._count(id(query), -1)

    def _count(self, search: int, change: int) -> None:
        with self._counting:
            self._searches[search] += change
            if not self._searches[search]:
                del self._searches[search]
            if self._kept_by_turns is not None and len(self._searches) != 1:
                self._kept_by_turns.keep_both_towers(len(self._searches) > 1)

    def _encoded(self, texts: Sequence[str]) -> list[EncodedText]:
        """Return what is kept of the texts; what lacks is encoded with what others wait for, by one of those threads.

        The others do not wait for the encoder but for their texts, so that all go on at once when these are there.
        """
        with self._guard:
            if all(text in self._kept for text in texts):
                return self._of_kept(texts)
        self.expect(texts)
        with waits():  # for texts, and then for the encoder: not for the interpreter between
            return self._awaited_or_encoded(texts)

    def _awaited_or_encoded(self, texts: Sequence[str]) -> list[EncodedText]:
        if (found := self._found_or_turn(texts)) is not None:
            return found
        try:
            with self.texts_in_use:
                with self._guard:
                    awaited, self._awaited = self._awaited, {}
                    lacking = [text for text in dict.fromkeys(texts) if text not in self._kept]
                    self._of_kept([text for text in texts if text in self._kept])  # they are not the next to go
                    others = [text for text in awaited if text not in self._kept and text not in lacking]
                    room = max(0, _BATCH - len(lacking))
                    self._awaited |= dict.fromkeys(others[room:])
                self._encode(lacking, others[:room], _KEPT + len(texts))
            with self._guard:
                return self._of_kept(texts)
        finally:
            with self._guard:
                self._is_encoding = False
                self._wake()

    def _found_or_turn(self, texts: Sequence[str]) -> list[EncodedText] | None:
        """Return what is kept of the texts, once all of them are; None if it is this thread's turn to encode."""
        while True:
            with self._guard:
                if all(text in self._kept for text in texts):
                    return self._of_kept(texts)
                if not self._is_encoding:
                    self._is_encoding = True
                    return None
                waiting = _Waiting(texts, Lock())
                waiting.asleep.acquire()
                self._waiting.append(waiting)
            try:
                waiting.asleep.acquire()
            except BaseException:
                with self._guard:
                    if waiting in self._waiting:
                        self._waiting.remove(waiting)
                    elif not self._is_encoding:  # it was this thread's turn: it is the next one's
                        self._wake()
                raise

    def _wake(self) -> None:
        """Wake those whose texts are here, and one of the others, whose turn it is; the rest sleeps on."""
        waiting, self._waiting = self._waiting, []
        is_turn_given = False
        for one in waiting:
            is_here = all(text in self._kept for text in one.texts)
            if is_here or not is_turn_given:
                one.asleep.release()
                is_turn_given |= not is_here
            else:
                self._waiting.append(one)

    def _of_kept(self, texts: Sequence[str]) -> list[EncodedText]:
        for text in texts:
            self._kept.move_to_end(text)
        return [self._kept[text] for text in texts]

    def _encode(self, wanted: Sequence[str], others: Sequence[str], most: int) -> None:
        if others:
            try:
                return self._keep([*wanted, *others], most)
            except Exception:  # one of the others may be to blame, and is then told so when it asks
                logger.debug("texts of several searches could not be encoded together", exc_info=True)
        self._keep(wanted, most)

    def _keep(self, texts: Sequence[str], most: int) -> None:
        rows = checked_rows(self.encoder, self.encoder.encode_texts(texts), len(texts), "texts")
        reads = self._reads
        encoded = {
            text: EncodedText(row, reads.unread(text) if reads else "") for text, row in zip(texts, rows, strict=True)
        }
        with self._guard:
            self._kept |= reversed(encoded.items())  # what was wanted is the last to go
            while len(self._kept) > most:
                self._kept.popitem(last=False)

    def _finite(self, embedding: Embeddings, title: str) -> Embeddings:
        if not np.isfinite(embedding).all():
            raise WrongQueryError(f"the model {self.encoder.name} gives no finite embedding for {title}")
        return embedding
