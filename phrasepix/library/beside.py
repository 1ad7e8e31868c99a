"""Files beside a library's table that can be made again, such as the places of its pictures on a map."""

from pathlib import Path

from phrasepix.errors import LibraryError, NotWrittenError
from phrasepix.library.description import files_of
from phrasepix.library.location import Location
from phrasepix_core.files import reason_of, write_atomically


def read_beside(location: Location, name: str) -> bytes | None:
    """Return the content of a file beside a library's table; None if there is none that can be read."""
    try:
        if not location.is_uri:
            return Path(location.base, name).read_bytes()
        files, description = files_of(location)
        with files.open_input_stream(_beside(description, name)) as stream:
            return bytes(stream.read())
    except OSError:
        return None


def write_beside(location: Location, name: str, data: bytes) -> None:
    """Write a file beside a library's table, whole or not at all. Raises `LibraryError`."""
    try:
        if not location.is_uri:
            write_atomically(Path(location.base, name), data)
            return
        files, description = files_of(location)
        with files.open_output_stream(_beside(description, name)) as stream:
            stream.write(data)
    except (OSError, NotWrittenError) as error:
        raise LibraryError(f"the library {location.name} cannot be written: {reason_of(error)}") from None


def _beside(description: str, name: str) -> str:
    return f"{description.rpartition('/')[0]}/{name}"
