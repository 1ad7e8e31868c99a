"""A phrase encoded while the command imports what else a search needs, which takes as long."""

import logging
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from threading import Thread

from phrasepix.finder import Finder
from phrasepix.models.catalogue import choose_model
from phrasepix.sample import SAMPLE_NAME
from phrasepix_core.text import same_text
from reranker.text_cache import TextEmbeddingCache

logger = logging.getLogger(__name__)


@contextmanager
def encoded_ahead(
    phrase: str,
    model: str | None,
    pretrained: str | None,
    *,
    finder: Finder,
    device: str,
    engine: str,
    sources: Collection[str],
) -> Iterator[None]:
    """Begin to encode the `phrase` as a search will ask for it, where its model takes a moment only to load.

    What goes wrong is said by the search, which comes to it by the same steps. Leaving the context waits for what was
    begun: a process must not end in the middle of it.
    """
    encoding: Thread | None = None
    with suppress(Exception):
        _, spec = choose_model(model, pretrained, only_the_sample=set(sources) == {SAMPLE_NAME})
        directory = finder.config.directory
        if finder.models.is_at_hand(spec, device, engine, directory):
            texts = finder.models.texts(spec, device, engine, directory, download=False)
            encoding = Thread(target=_encode, args=(texts, same_text(phrase)), name="encode-ahead", daemon=True)
            encoding.start()
    try:
        yield
    finally:
        if encoding is not None:
            encoding.join()


def _encode(texts: TextEmbeddingCache, phrase: str) -> None:
    try:
        texts.phrase(phrase)
    except Exception as error:
        logger.debug("the phrase could not be encoded ahead: %s", error)
