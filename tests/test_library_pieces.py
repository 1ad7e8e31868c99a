"""Pieces of a large build: cut, sent to another process, and taken once; batches that the memory has no room for."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from phrasepix.errors import LibraryError
from phrasepix.library.location import Location
from phrasepix.library.picture_list import WebEntry
from phrasepix.library.piece_encoder import PieceEncoder, Written
from phrasepix.library.pieces import BuildPiece, Spans, pieces_of_list
from phrasepix.library.table import Library
from reranker import Embeddings
from reranker.testing import ColourEncoder
from retriever.folder.facts import Facts, Place
from tests.library_parts import column_of


def test_a_piece_arrives_as_it_was_sent() -> None:
    said = Facts(title="a boat", keywords=("sea", "night"), place=Place(48.2, 16.4))
    piece = BuildPiece(
        "s3://bucket/a/", ((WebEntry("s3://bucket/a/1.jpg", "x", 7, 9), said), (WebEntry("u", ""), Facts()))
    )
    assert BuildPiece.from_json(piece.to_json()) == piece
    written = Written("part", ("a", "b"), ("{}",), 3, 1, 2, 1, ("why",), 0.5, 1.5, "node:1")
    assert Written.from_json(written.to_json()) == written


def test_spans_that_overlap_are_taken_once() -> None:
    spans = Spans()
    assert spans.take("a", ("c", "f"))
    assert not spans.take("a", ("c", "f"))
    assert not spans.take("a", ("a", "c"))
    assert not spans.take("a", ("d", "e"))
    assert spans.take("a", ("fa", "g"))
    assert spans.take("a", ("a", "b"))
    assert spans.take("b", ("c", "f"))


def test_a_list_is_cut_into_pieces_that_have_each_address_once(tmp_path: Path) -> None:
    urls = [f"https://pictures.example/{number}.jpg" for number in range(7)]
    place = tmp_path / "some.txt"
    place.write_text("\n".join([*urls, *urls, "no address"]), encoding="utf-8")
    problems: list[str] = []
    pieces = list(pieces_of_list(place, 3, problems))
    assert [len(piece.entries) for piece in pieces] == [3, 3, 1]
    assert [entry.url for piece in pieces for entry, _ in piece.entries] == urls
    assert len(problems) == 1
    assert len({piece.span for piece in pieces}) == 3


class SmallEncoder(ColourEncoder):
    """Has memory for a few pictures at once."""

    def __init__(self) -> None:
        self.given: list[int] = []

    def encode_pictures(self, pictures: Sequence[Image.Image]) -> Embeddings:
        self.given.append(len(pictures))
        if len(pictures) > 3:
            raise RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB")
        return super().encode_pictures(pictures)


def test_a_batch_is_halved_until_the_memory_has_room_for_it(tmp_path: Path) -> None:
    encoder = SmallEncoder()
    library = Library.open_or_create(Location("mine", str(tmp_path / "library")))
    pieces = PieceEncoder(library, library.column_for(column_of(encoder)), encoder)
    pictures = [Image.new("RGB", (32, 32), (number * 20, 0, 0)) for number in range(10)]
    assert len(list(pieces.vectors(pictures))) == 10
    assert encoder.given == [10, 5, 2, 2, 2, 2, 2]


def test_a_node_with_another_model_is_refused(tmp_path: Path) -> None:
    library = Library.open_or_create(Location("mine", str(tmp_path / "library")))
    column = library.column_for(replace(column_of(ColourEncoder()), tower="another"))
    with pytest.raises(LibraryError, match="the same weights on all nodes"):
        PieceEncoder(library, column, ColourEncoder())
