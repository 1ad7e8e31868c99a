"""Files of pictures that were fetched as a whole, and the rows that they become."""

import io
from collections.abc import Mapping
from dataclasses import replace

from phrasepix.library.object_prefix import Place
from phrasepix.library.picture_list import WebEntry
from phrasepix.library.schema import Row
from reranker.encoder import Embeddings
from reranker.errors import PictureUnreadableError
from retriever.folder.contents import Contents, digest_of
from retriever.folder.facts import Facts
from retriever.folder.metadata import NoPictureError, facts_of_file


def contents_of(data: bytes) -> Contents:
    """What is in a picture's file. Raises `PictureUnreadableError`."""
    try:
        return Contents(digest_of(io.BytesIO(data)), facts_of_file(io.BytesIO(data)))
    except NoPictureError as error:
        raise PictureUnreadableError(str(error)) from None


def row_of(entry: WebEntry, said: Facts, place: Place, contents: Contents, vectors: Mapping[str, Embeddings]) -> Row:
    """The row of a picture of a list or prefix: what was `said` of it counts before what its file says."""
    facts = contents.facts
    assert facts is not None  # noqa: S101  # a picture was decoded
    return Row(entry, place, contents, replace(said.or_else(facts), width=facts.width, height=facts.height), vectors)
