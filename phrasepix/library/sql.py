"""SQL over a library: read-only, on DuckDB, with similarity to a phrase and resemblance to a picture as functions."""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import duckdb
import pyarrow as pa

from phrasepix.errors import LibraryError
from phrasepix.finder import Finder
from phrasepix.library.columns import COLUMNS
from phrasepix.library.guards import first_sentence
from phrasepix.library.interruptible import interruptible
from phrasepix.library.table import Library
from phrasepix.query_inputs import parse_query
from phrasepix_core.text import printable
from reranker.encoder import Embeddings
from reranker.pictures import PictureLoader
from reranker.pictures.offline import OfflineFetcher
from reranker.query import Query
from retriever.errors import WrongParameterError

_ROWS_AT_ONCE: Final = 1000
VIEW: Final = "pictures"
_TABLE, _VECTOR = "pictures_of_the_library", "vector"
_FUNCTIONS: Final = {"similarity": "similarity_of", "resembles": "resembles_of"}
"""Functions of one argument, and the macros of two that they stand for: DuckDB's see nothing of the row themselves."""

_PIECE = re.compile(
    r"""(?P<kept>'(?:[^']|'')*'|"(?:[^"]|"")*"|--[^\n]*|/\*.*?\*/)|(?P<name>\b[A-Za-z_]\w*\b)(?P<called>\s*\()?""",
    re.DOTALL,
)
"""A text, a quoted name or a comment, which stay as they are; or a name."""


class LibrarySql:
    """Answers SQL over an open `library`.

    The view `pictures` has the columns of `phrasepix.library.columns`, and `vector`. `similarity(text)` is the
    cosine to a phrase, `resembles(path)` that to a picture, by the vectors of `column`; `vector_of` makes the embedding
    of what is asked for (float32 [d], L2 norm 1), once. Nothing can be written, and no file be read.
    """

    def __init__(
        self,
        library: Library,
        column: str,
        vector_of: Callable[[Query], Embeddings],
    ) -> None:
        self._library = library
        self._column = column
        self._raised: Exception | None = None
        self._vectors = {
            "similarity_of": self._once(lambda text: vector_of(Query.of_phrase(text))),
            "resembles_of": self._once(lambda path: vector_of(parse_query(None, Path(path)))),
        }

    @contextmanager
    def answering(self, sql: str) -> Iterator[tuple[list[str], Iterator[tuple[Any, ...]]]]:
        """Give the names of the columns that a SELECT answers, and its rows; vectors are left out.

        Raises `WrongParameterError` for what is no SELECT or is wrong with it, `LibraryError` if it cannot be answered.
        """
        with self._asked(sql) as (connection, statement):
            with self._failures():
                answer = interruptible(lambda: connection.execute(statement))
                described = answer.description or []
            shown = _without_vectors([column[1] for column in described])
            yield [_as_written(described[number][0]) for number in shown], self._rows(answer, shown)

    @contextmanager
    def answering_in_arrow(self, sql: str) -> Iterator[tuple[Any, Iterator[Any]]]:
        """Give the schema of what a SELECT answers, and its record batches (`pyarrow`). Raises as `answering`."""
        with self._asked(sql) as (connection, statement):
            with self._failures():
                answer = interruptible(lambda: connection.sql(statement))
                reader = interruptible(lambda: answer.to_arrow_reader(_ROWS_AT_ONCE))
            shown = _without_vectors(answer.types)
            fields = [reader.schema.field(number) for number in shown]
            schema = pa.schema([field.with_name(_as_written(field.name)) for field in fields])
            yield schema, self._batches(reader, shown)

    @contextmanager
    def _asked(self, sql: str) -> Iterator[tuple["duckdb.DuckDBPyConnection", str]]:
        """Give a connection that has the view and the functions, and the statement as it takes it."""
        connection = duckdb.connect()
        try:
            self._prepare(connection)
            yield connection, self._checked(connection, sql)
        except KeyboardInterrupt:
            connection.interrupt()  # closing it would wait for the answer
            raise
        except BaseException:
            connection.close()
            raise
        connection.close()

    def _prepare(self, connection: "duckdb.DuckDBPyConnection") -> None:
        encoder = self._library.description.encoders[self._column]
        connection.register(_TABLE, self._library.dataset)
        there = set(self._library.dataset.schema.names)  # an older library may lack some
        columns = ", ".join(f'"{name}"' if name in there else f'NULL AS "{name}"' for name in COLUMNS)
        connection.execute(f'CREATE VIEW {VIEW} AS SELECT {columns}, "{self._column}" AS {_VECTOR} FROM {_TABLE}')  # noqa: S608  # names of our own
        for name, vector_of in self._vectors.items():
            connection.create_function(f"vector_{name}", vector_of, ["VARCHAR"], f"FLOAT[{encoder.dimensions}]")
            product = f"array_inner_product(row, vector_{name}(asked))"
            connection.execute(f"CREATE MACRO {name}(row, asked) AS {product}")
        connection.execute("SET enable_external_access = false")
        connection.execute("SET lock_configuration = true")

    def _checked(self, connection: "duckdb.DuckDBPyConnection", sql: str) -> str:
        """The statement with our functions in DuckDB's words."""
        with self._failures():
            statements = connection.extract_statements(_rewritten(sql))
        if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
            raise WrongParameterError(
                "the library is asked by one SELECT; nothing can be changed by SQL. For example: SELECT path FROM "
                "pictures ORDER BY similarity('a boat') DESC LIMIT 10"
            )
        return str(statements[0].query)

    def _rows(self, answer: Any, shown: list[int]) -> Iterator[tuple[Any, ...]]:
        while True:
            with self._failures():
                rows = interruptible(lambda: answer.fetchmany(_ROWS_AT_ONCE))
            if not rows:
                return
            yield from (tuple(row[number] for number in shown) for row in rows)

    def _batches(self, reader: Any, shown: list[int]) -> Iterator[Any]:
        while True:
            with self._failures():
                batch = interruptible(lambda: next(reader, None))
            if batch is None:
                return
            yield batch.select(shown)

    def _once(self, vector_of: Callable[[str], Embeddings]) -> Callable[[str], list[float]]:
        made: dict[str, list[float]] = {}

        def vector(text: str) -> list[float]:
            if text not in made:
                try:
                    made[text] = vector_of(text).tolist()
                except Exception as error:  # DuckDB words it otherwise
                    self._raised = error
                    raise
            return made[text]

        return vector

    @contextmanager
    def _failures(self) -> Iterator[None]:
        """Word DuckDB's errors; those of our functions are raised as they were."""
        try:
            yield
        except duckdb.Error as error:
            if self._raised is not None:
                raise self._raised from None
            message = printable(str(error).split("\n\n")[0])
            is_of_the_table = "LanceError" in message
            if not is_of_the_table and isinstance(
                error, duckdb.ProgrammingError | duckdb.DataError | duckdb.PermissionException
            ):
                raise WrongParameterError(f"the SQL cannot be used: {message}") from None
            raise LibraryError(
                f"the library {self._library.location.name} cannot answer: {first_sentence(message)}"
            ) from None


def _without_vectors(types: Sequence[object]) -> list[int]:
    """The numbers of the columns that are no vectors."""
    return [number for number, kind in enumerate(types) if not str(kind).startswith("FLOAT[")]


def _rewritten(sql: str) -> str:
    """`similarity('x')` as the product of the row's vector and that of the text."""

    def replaced(found: re.Match[str]) -> str:
        name = (found["name"] or "").lower()
        if found["called"] is None or name not in _FUNCTIONS:
            return found[0]
        return f"{_FUNCTIONS[name]}({_VECTOR}, "

    return _PIECE.sub(replaced, sql)


def _as_written(name: str) -> str:
    """The name of a column that a call of ours has given."""
    for written, macro in _FUNCTIONS.items():
        name = name.replace(f"{macro}({_VECTOR}, ", f"{written}(")
    return name


def sql_over(library: Library, finder: Finder, model: str | None = None) -> LibrarySql:
    """Return what answers SQL over a library by a finder's `model`, by default that of its first vectors.

    The model is loaded when a phrase or picture is asked for. Raises `NoLibraryError`.
    """
    column = library.column_of_model(model)
    encoder = library.description.encoders[column]

    def vector_of(query: Query) -> Embeddings:
        reranker, memory = finder.reranker_of(encoder.model, encoder.pretrained)
        with PictureLoader(OfflineFetcher()) as loader:
            wanted: Embeddings = reranker.encoded(query, loader=loader, memory=memory).wanted
        first: Embeddings = wanted[0]
        return first

    return LibrarySql(library, column, vector_of)
