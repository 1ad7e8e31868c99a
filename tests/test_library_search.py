"""A library searched as a source: what is found, by which filters, without encoding a picture; and asked by SQL."""

from datetime import date
from pathlib import Path

import lance
import numpy as np
import pytest
from PIL import Image

from phrasepix import Finder, SearchRequest, find_images
from phrasepix.errors import NoLibraryError, WrongParameterError
from phrasepix.library.condition import checked_condition
from phrasepix.library.location import Location
from phrasepix.library.predicates import condition_of
from phrasepix.library.source import LibrarySource
from phrasepix.library.sql import LibrarySql
from phrasepix.library.table import Library
from phrasepix.sources.registry import source_named, source_names
from reranker.encoder import Embeddings
from reranker.query import Example, Phrase, Query
from reranker.testing import ColourEncoder
from retriever.directories import cache_directory
from retriever.filters import Filters
from retriever.folder.retriever import FolderRetriever
from retriever.source import Opening
from tests.library_parts import CountingEncoder, sync
from tests.picture_tree import picture, write, xmp


def told(
    seed: int, *, size: tuple[int, int] = (64, 48), exif: dict[int, object] | None = None, said: str = ""
) -> bytes:
    """A JPEG that says things of itself."""
    made = Image.Exif()
    for tag, value in (exif or {}).items():
        if tag == 0x9003:
            made.get_ifd(0x8769)[tag] = value
        else:
            made[tag] = value
    return picture(seed, "JPEG", size, exif=made.tobytes(), **({"xmp": xmp(f">{said}")} if said else {}))


def keywords(*words: str) -> str:
    return f"<dc:subject><rdf:Bag>{''.join(f'<rdf:li>{word}</rdf:li>' for word in words)}</rdf:Bag></dc:subject>"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "pictures"
    for number in range(12):
        write(place / f"{number:02}.png", picture(number))
    write(
        place / "Boats" / "o'hara.jpg",
        told(20, exif={0x9003: "2019:12:24 10:00:00", 0x0110: "EOS 5D", 0x010F: "Canon"}),
    )
    write(place / "Boats" / "small.jpg", told(21, size=(40, 80), said=keywords("Harbour", "it's old")))
    write(place / "square.png", picture(30, size=(50, 50)))
    write(place / "rated.jpg", told(22, exif={0x9003: "2020:01:05 10:00:00", 0x4746: 4}, said=keywords("harbour")))
    write(
        place / "free.jpg",
        told(
            23,
            exif={0x9003: "2021:12:24 10:00:00", 0x013B: "Ann Lee"},
            said='<cc:license rdf:resource="http://creativecommons.org/licenses/by/4.0/"/>',
        ),
    )
    return place


@pytest.fixture
def library(folder: Path) -> Library:
    location = Location.of("mine")
    sync(Path(location.base), folder, cache_directory())
    return Library.open(location)


def found(library: Library, filters: Filters, tag: str = "") -> list[str]:
    table = library.dataset.to_table(columns=["path"], filter=condition_of(filters, tag))
    return sorted(Path(path).name for path in table["path"].to_pylist())


@pytest.mark.parametrize("tag", ["", "boats"])
def test_it_finds_what_its_folder_finds_in_the_same_order_and_encodes_nothing(
    library: Library, folder: Path, tag: str
) -> None:
    encoder = CountingEncoder()
    by_folder = find_images("red", source=folder, tag=tag or None, model=ColourEncoder())
    by_library = find_images("red", source="library:mine", tag=tag or None, model=encoder)
    assert [(one.candidate.id, one.score) for one in by_library] == [(one.candidate.id, one.score) for one in by_folder]
    assert len(by_library) > 0
    assert encoder.encoded == 0
    assert [one.candidate.page_url for one in by_library] == [one.candidate.page_url for one in by_folder]


def test_it_needs_no_memory_but_its_own_vectors(library: Library, tmp_path: Path) -> None:
    encoder = CountingEncoder()
    with Finder() as finder:
        elsewhere = finder.configured(cache_directory=tmp_path / "empty")
        results = elsewhere.search(SearchRequest("red", source="library:mine", model=encoder))
    assert len(results) == 10
    assert encoder.encoded == 0


def test_as_many_are_looked_at_as_the_limit_says(library: Library) -> None:
    assert find_images("red", source="library:mine", model=ColourEncoder(), limit=4).pool_size == 4


def test_copies_take_no_place_among_those_looked_at(library: Library, folder: Path) -> None:
    for path in sorted(folder.glob("*.png")):
        for number in range(3):
            write(folder / "copies" / f"{number}-{path.name}", path.read_bytes())
    sync(Path(library.location.base), folder, cache_directory())
    assert find_images("red", source="library:mine", model=ColourEncoder(), limit=4).pool_size == 4
    assert find_images("red", source="library:mine", model=ColourEncoder(), limit=17, top=50).pool_size == 17


class LaterEncoder(ColourEncoder):
    name = "later"


def test_a_row_without_a_vector_of_the_model_is_not_found(library: Library, folder: Path) -> None:
    write(folder / "later.png", picture(99))
    sync(Path(library.location.base), folder, cache_directory(), LaterEncoder())
    library.refresh()
    assert library.count() == 18
    results = find_images("red", source="library:mine", model=ColourEncoder(), top=50)
    assert len(results) == 17
    assert "later.png" not in [Path(one.candidate.page_url).name for one in results]
    assert len(find_images("red", source="library:mine", model=LaterEncoder(), top=50)) == 18


def test_what_is_wanted_and_what_is_not_count_as_ever(library: Library, folder: Path) -> None:
    query = Query((Phrase("red"), Phrase("blue")), (Phrase("green"),))
    by_folder = find_images(query, source=folder, model=ColourEncoder())
    by_library = find_images(query, source="library:mine", model=ColourEncoder())
    assert [one.candidate.id for one in by_library] == [one.candidate.id for one in by_folder]


def test_a_picture_of_folder_and_library_comes_once(library: Library, folder: Path) -> None:
    results = find_images("red", source=[folder, "library:mine"], model=ColourEncoder(), top=50)
    assert results.pool_size == 17


def test_a_match_is_saved_from_where_it_lies(library: Library, tmp_path: Path) -> None:
    results = find_images("red", source="library:mine", model=ColourEncoder(), top=1)
    saved = results.save(tmp_path / "book")
    assert [one.path.suffix for one in saved.pictures] == [".png"]
    assert (tmp_path / "book" / "CREDITS.md").is_file()


def test_a_search_moved_by_what_is_preferred_asks_no_source(library: Library) -> None:
    encoder = CountingEncoder()
    with Finder() as finder:
        results = finder.search(SearchRequest("red", source="library:mine", model=encoder))
        assert len(finder.refine(results, prefer=[2])) == 10
    assert encoder.encoded == 0


class SecondEncoder(CountingEncoder):
    name = "a-second"


class OtherEncoder(ColourEncoder):
    name = "another"


def test_a_second_model_looks_at_the_pictures_itself(library: Library) -> None:
    second = SecondEncoder()
    results = find_images("red", source="library:mine", model=ColourEncoder(), refine=second, refine_top=5)
    assert second.encoded == 5
    assert all(one.first_score is not None for one in results[:5])


def test_a_model_that_it_has_no_vectors_of_is_named(library: Library) -> None:
    with pytest.raises(NoLibraryError, match="no vectors of the model that ranks, but of"):
        find_images("red", source="library:mine", model=OtherEncoder())


def test_a_library_that_is_not_there_is_named() -> None:
    with pytest.raises(NoLibraryError, match="there is no library nobody"):
        find_images("red", source="library:nobody", model=ColourEncoder())


def test_it_is_among_the_sources_that_can_be_named(library: Library) -> None:
    assert "library:mine" in source_names()
    assert source_named("library:mine") == LibrarySource("mine")


ALIKE = {
    "horizontal": Filters(orientation="horizontal"),
    "vertical": Filters(orientation="vertical"),
    "square": Filters(orientation="square"),
    "aspect": Filters(aspect_ratio=4 / 3),
    "size": Filters(min_width=50, min_height=40),
    "since": Filters(since=date(2020, 1, 5)),
    "until": Filters(until=date(2020, 1, 5)),
    "month": Filters(months=(12, 1)),
    "on a day": Filters(on_day="12-24"),
    "any": Filters(any_tags=("HARBOUR", "none")),
    "all": Filters(all_tags=("harbour", "it's old")),
    "without": Filters(no_tags=("harbour",)),
    "creator": Filters(creator="ann  LEE"),
    "commercial": Filters(licence=("commercial",)),
    "no AI": Filters(exclude_ai=True),
    "video": Filters(media_type="video"),
}


@pytest.mark.parametrize("filters", ALIKE.values(), ids=ALIKE.keys())
def test_a_filter_means_in_a_library_what_it_means_in_its_folder(
    library: Library, folder: Path, filters: Filters
) -> None:
    with FolderRetriever(folder) as retriever:
        expected = sorted(Path(one.relative_path).name for one in retriever.retrieve(filters=filters))
    assert found(library, filters) == expected
    assert bool(expected) is (filters.media_type != "video")


def test_every_filter_is_honoured_or_said_not_to_be(library: Library) -> None:
    with LibrarySource("mine").open(Opening()) as retriever:
        assert not isinstance(retriever, FolderRetriever)
        unhonoured = retriever.unhonoured(Filters(colours=("red",), category="animals", camera="x"))  # type: ignore[attr-defined]
    assert unhonoured == {"colours", "category"}


@pytest.mark.parametrize(
    ("filters", "names"),
    [
        (Filters(camera="canon eos 5d"), ["o'hara.jpg"]),
        (Filters(min_rating=4), ["rated.jpg"]),
        (Filters(where="width < 60 AND path LIKE '%Boats%'"), ["small.jpg"]),
        (Filters(where="path LIKE '%o''hara%' OR taken_on = date '2020-01-05'"), ["o'hara.jpg", "rated.jpg"]),
        (Filters(where="array_has(tags, 'Harbour')"), ["small.jpg"]),
    ],
)
def test_what_only_a_library_can_be_asked_for(library: Library, filters: Filters, names: list[str]) -> None:
    assert found(library, filters) == names


@pytest.mark.parametrize("tag", ["boats", "BOATS", "o hara", "harbour", "it's", "boat", "%", "hara small"])
def test_a_tag_stands_for_what_it_stands_for_in_the_folder(library: Library, folder: Path, tag: str) -> None:
    with FolderRetriever(folder) as retriever:
        expected = sorted(Path(one.relative_path).name for one in retriever.retrieve(tag))
    assert found(library, Filters(media_type="all"), tag) == expected


@pytest.mark.parametrize(
    "condition",
    [
        "1 = 1; DROP TABLE pictures",
        "width > (SELECT max(width) FROM pictures)",
        "pg_sleep(9)",
        "facts LIKE '%x%'",
        "vector_colours IS NULL",
        "width > 5 -- and more",
        "width > 5 /* and more */",
        "width > 5 /* ( */ ) OR ( width > 1 /* ) */",
        "width > 5 --",
        "path = 'open",
        "(width > 5",
        "width > 5)",
        'path = "x"',
        " ",
        "width > 1" + " OR width > 1" * 400,
    ],
)
def test_a_condition_that_does_more_than_compare_is_refused(condition: str) -> None:
    with pytest.raises(WrongParameterError):
        checked_condition(condition)


def test_a_condition_that_lance_does_not_understand_is_blamed(library: Library) -> None:
    with pytest.raises(WrongParameterError, match="the condition cannot be used"):
        find_images("red", source="library:mine", model=ColourEncoder(), filters=Filters(where="width > AND"))


def test_another_source_says_that_it_has_no_such_columns(library: Library, folder: Path) -> None:
    results = find_images("red", source=folder, model=ColourEncoder(), filters=Filters(camera="x", where="width > 1"))
    assert len(results) == 10
    assert any("cannot filter by" in str(notice) and "camera" in str(notice) for notice in results.notices)


# SQL.


@pytest.fixture
def asked(library: Library) -> LibrarySql:
    encoder = ColourEncoder()

    def vector_of(query: Query) -> Embeddings:
        (part,) = query.wanted
        if isinstance(part, Phrase):
            text: Embeddings = encoder.encode_texts([part.text])[0]
            return text
        assert isinstance(part, Example)
        assert isinstance(part.picture, Image.Image)
        picture: Embeddings = encoder.encode_pictures([part.picture])[0]
        return picture

    return LibrarySql(library, next(iter(library.description.encoders)), vector_of)


def rows_of(asked: LibrarySql, sql: str) -> list[tuple[object, ...]]:
    with asked.answering(sql) as (_, rows):
        return list(rows)


def test_sql_ranks_as_a_search_does(asked: LibrarySql) -> None:
    best = rows_of(asked, "SELECT path FROM pictures ORDER BY similarity('red') DESC LIMIT 3")
    by_search = find_images("red", source="library:mine", model=ColourEncoder(), fold=False, top=3)
    assert [Path(str(path)).as_uri() for (path,) in best] == [one.candidate.page_url for one in by_search]


def test_sql_counts_filters_and_resembles(asked: LibrarySql, folder: Path) -> None:
    assert rows_of(asked, "SELECT count(*) FROM pictures WHERE taken_year >= 2020") == [(2,)]
    ((best, score),) = rows_of(
        asked,
        f"SELECT path, resembles('{folder / '03.png'}') s FROM pictures ORDER BY s DESC LIMIT 1",
    )
    assert (best, score) == (str(folder / "03.png"), pytest.approx(1, abs=1e-3))


def test_what_stands_in_a_text_is_no_function(asked: LibrarySql) -> None:
    assert rows_of(asked, "SELECT 'similarity(''x'')' AS t FROM pictures LIMIT 1") == [("similarity('x')",)]
    with asked.answering("SELECT similarity('a (b), c'), * FROM pictures LIMIT 1") as (columns, rows):
        assert columns[0] == "similarity('a (b), c')"
        assert "vector" not in columns
        assert len(next(iter(rows))) == len(columns)


@pytest.mark.parametrize(
    "sql",
    [
        "DELETE FROM pictures",
        "SELECT 1; SELECT 2",
        "COPY pictures TO '/tmp/x.csv'",
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM '/etc/passwd'",
        "ATTACH '/tmp/x.db'",
        "SET enable_external_access = true",
        "INSTALL httpfs",
        "SELECT nope FROM pictures",
        "nonsense",
        "",
    ],
)
def test_sql_reads_the_library_and_nothing_else(asked: LibrarySql, sql: str) -> None:
    with pytest.raises(WrongParameterError):
        rows_of(asked, sql)


def test_the_table_is_one_that_lance_reads(library: Library) -> None:
    dataset = lance.dataset(library.location.table)
    assert dataset.count_rows() == 17
    assert np.isfinite(dataset.to_table(columns=["width"])["width"].to_numpy()).all()
