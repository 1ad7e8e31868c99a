"""A phrase encoded by a child process while the command imports what else a search needs, which takes as long.

A thread would not do: to import and to run a small model in NumPy both need the interpreter's one lock.
"""

import json
import logging
import os
import signal
import sys
import threading
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass, field
from threading import Thread
from types import TracebackType
from typing import TYPE_CHECKING, NoReturn, Self

from phrasepix.sample import SAMPLE_NAME
from phrasepix_core.text import same_text
from reranker.threads import cores

if TYPE_CHECKING:  # imported by the two processes at the same time, once there are two
    from pathlib import Path

    from phrasepix.finder import Finder
    from phrasepix.models.shelf import ModelShelf
    from reranker.text_cache import EncodedText, TextEmbeddingCache

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class EncodedAhead:
    """Within its context a child encodes `phrase` as a search over `sources` will ask for it.

    That is begun where there are two cores and the model takes a moment only to load. What goes wrong is said by the
    search, which comes to it by the same steps.
    """

    phrase: str
    model: str | None
    pretrained: str | None
    device: str
    engine: str
    sources: Collection[str]
    _child: int = field(default=0, init=False)
    _pipe: int = field(default=-1, init=False)
    _thread: Thread | None = field(default=None, init=False)

    def __enter__(self) -> Self:
        if self.phrase.strip() and _can_fork():
            with suppress(OSError):  # no process or pipe is to be had
                self._begin()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self._child:
            return
        with suppress(ProcessLookupError):
            os.kill(self._child, signal.SIGKILL)  # if it still runs, nobody waits for it any more
        os.waitpid(self._child, 0)
        if self._thread is not None:
            self._thread.join()
        os.close(self._pipe)

    def hand_to(self, finder: "Finder") -> None:
        """Let the finder's next search have what is encoded here, as soon as it is there."""
        if not self._child:
            return
        with suppress(Exception):  # the search says it
            if (texts := self._texts(finder.models, finder.config.directory)) is not None:
                phrase = same_text(self.phrase)
                self._thread = Thread(
                    target=texts.take, args=(phrase, lambda: self._received(texts)), name="encode-ahead", daemon=True
                )
                self._thread.start()

    def _begin(self) -> None:
        pipe, ours = os.pipe()
        try:
            child = os.fork()
        except OSError:
            os.close(pipe)
            os.close(ours)
            raise
        if child == 0:
            self._encode_and_leave(ours)
        os.close(ours)
        self._child, self._pipe = child, pipe

    def _encode_and_leave(self, target: int) -> NoReturn:
        """Write the phrase's embedding to a pipe, and end this process without a word."""
        try:
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            nowhere = os.open(os.devnull, os.O_RDWR)
            for stream in (0, 1, 2):
                os.dup2(nowhere, stream)
            logging.disable()
            from phrasepix.config import Config
            from phrasepix.models.shelf import ModelShelf

            texts = self._texts(ModelShelf(), Config().directory)
            if texts is not None:
                phrase = same_text(self.phrase)
                row = texts.phrase(phrase)
                head = json.dumps([texts.encoder.name, texts.unread(phrase)]).encode()
                with os.fdopen(target, "wb") as pipe:
                    pipe.write(head + b"\n" + row.tobytes())
        finally:
            os._exit(0)

    def _texts(self, models: "ModelShelf", directory: "Path") -> "TextEmbeddingCache | None":
        from phrasepix.models.catalogue import choose_model

        _, spec = choose_model(self.model, self.pretrained, only_the_sample=set(self.sources) == {SAMPLE_NAME})
        if not models.is_at_hand(spec, self.device, self.engine, directory):
            return None
        return models.texts(spec, self.device, self.engine, directory, download=False)

    def _received(self, texts: "TextEmbeddingCache") -> "EncodedText | None":
        """Return what the child wrote; None if it could not."""
        import numpy as np

        from reranker.text_cache import EncodedText

        with os.fdopen(self._pipe, "rb", closefd=False) as pipe:
            head, _, row = pipe.read().partition(b"\n")
        if not row:
            return None
        encoder, unread = json.loads(head)
        return EncodedText(np.frombuffer(row, np.float32), unread) if encoder == texts.encoder.name else None


def _can_fork() -> bool:
    """Whether a child is of use, and safe: one thread, and no library yet that has some of its own or minds forks."""
    return sys.platform == "linux" and cores() > 1 and threading.active_count() == 1 and "numpy" not in sys.modules
