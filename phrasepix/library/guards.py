"""What surrounds work on a library's table: its lock, and failures that name the library."""

from collections.abc import Iterator
from contextlib import contextmanager

import pyarrow as pa

from phrasepix.errors import LibraryError
from phrasepix.library.location import Location
from phrasepix.library.store_faults import with_advice
from phrasepix_core.files import reason_of, shown_path
from phrasepix_core.text import printable
from retriever.directories import data_remedy

OF_THE_STORE = "LanceError(IO): "
"""How Lance's errors begin that a store answers."""
_LOCK_PATIENCE_S = 600.0


@contextmanager
def failures(location: Location) -> Iterator[None]:
    """Name the library that something is wrong with."""
    try:
        yield
    except (OSError, RuntimeError, ValueError, pa.ArrowException) as error:
        if isinstance(error, ValueError) and not str(error).startswith(OF_THE_STORE):
            raise
        said = first_sentence(error)
        if location.access is not None:
            said = with_advice(said, location.access)
        raise LibraryError(f"the library {location.name} cannot be used: {said}") from None


def first_sentence(error: BaseException | str) -> str:
    """Return what Lance says of an error, without the places in its source."""
    return printable(str(error).removeprefix(OF_THE_STORE).split(", /")[0].split(", rust/")[0])[:500]


@contextmanager
def writing(location: Location, *, patience_s: float = _LOCK_PATIENCE_S) -> Iterator[None]:
    """Hold the library's lock, which a thread may take again; wait for it as many seconds as `patience_s` at most.

    At a URI the table's own commits keep writers apart.
    """
    if location.lock is None:
        yield
        return
    from filelock import FileLock  # whoever searches does without

    try:
        location.lock.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(location.lock, is_singleton=True)
        lock.acquire(timeout=patience_s)
    except TimeoutError:
        raise LibraryError(
            f"another process has been writing to the library {location.name} for {patience_s:g} s; try again "
            "when it has ended"
        ) from None
    except OSError as error:
        raise LibraryError(
            f"the library {location.name} cannot be written in {shown_path(location.base)} ({reason_of(error)}); "
            f"{data_remedy()}"
        ) from None
    try:
        yield
    finally:
        lock.release()
