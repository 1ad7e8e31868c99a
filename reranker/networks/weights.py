"""Where the weights of a network are to be had: at an address, on the hub, or in a package of Python."""

import hashlib
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol

from phrasepix_core.errors import NotWrittenError
from phrasepix_core.files import reason_of, shown_path, write_atomically
from phrasepix_core.installing import install_command
from reranker.errors import ModelError, WeightsUnavailableError

_REMEDY = "run once with a connection, and without offline"


class WeightsHome(Protocol):
    """Where weights are to be had."""

    @property
    def digest(self) -> str:
        """How the SHA-256 of the file begins, as its makers say; empty where they do not."""
        ...

    def find(self, title: str, kept: Path, *, download: bool) -> Path:
        """The file of the weights of the network `title`; where it is fetched, it stays in the directory `kept`.

        Raises `WeightsUnavailableError` where it is not here and cannot or, without `download`, must not be fetched.
        """
        ...


@dataclass(frozen=True, slots=True)
class AtAddress:
    """A file at an http or https address."""

    url: str
    digest: str = ""

    def find(self, title: str, kept: Path, *, download: bool) -> Path:
        """The file, which is fetched once."""
        file = kept / self.url.rpartition("/")[2]
        if file.is_file():
            return file
        if not download:
            raise WeightsUnavailableError(
                f"the weights of {title} are not on this machine ({shown_path(file)}); {_REMEDY}: they are fetched "
                f"from {self.url}"
            )
        from reranker.networks.download import download_file  # imports HTTP, which a kept file does without

        return download_file(self.url, file, title)


@dataclass(frozen=True, slots=True)
class OnHub:
    """A file of a repository of the hub, OWNER/NAME/FILE, which the hub's client keeps where it keeps all."""

    place: str
    digest: str = ""

    def find(self, title: str, kept: Path, *, download: bool) -> Path:
        """The file, which the hub's client fetches once."""
        from reranker.models.hub_files import find_file_of_weights  # imports the hub's client: seconds

        try:
            return find_file_of_weights(title, self.place, download=download)
        except WeightsUnavailableError:
            if download:
                raise
        raise WeightsUnavailableError(
            f"the weights of {title} are not on this machine; {_REMEDY}: they are fetched from the hub ({self.place})"
        )


@dataclass(frozen=True, slots=True)
class InPackage:
    """A file that comes inside a package of Python, of which nothing is imported.

    `package` is its name on the index, `module` the folder that it installs, `extra` that of phrasepix that brings it.
    """

    package: str
    module: str
    file: str
    extra: str
    digest: str = ""

    def find(self, title: str, kept: Path, *, download: bool) -> Path:
        """The file."""
        spec = find_spec(self.module)
        for folder in (spec and spec.submodule_search_locations) or ():
            if (file := Path(folder, self.file)).is_file():
                return file
        raise WeightsUnavailableError(
            f"the weights of {title} come in the package {self.package}, which is not installed: "
            f"{install_command(self.package)} (phrasepix's extra “{self.extra}”)"
        )


def checked(file: Path, home: WeightsHome, title: str, kept: Path) -> str:
    """The SHA-256 of a file of weights, in hexadecimal.

    It must begin as its makers say; where they do not say, it is what it was when the file was first seen, which is
    noted in `kept`. Raises `ModelError`.
    """
    try:
        with file.open("rb") as opened:
            digest = hashlib.file_digest(opened, "sha256").hexdigest()
    except OSError as error:
        raise ModelError(f"{shown_path(file)} cannot be read: {error.strerror or error}") from None
    if home.digest:
        if not digest.startswith(home.digest):
            raise ModelError(
                f"{shown_path(file)} is not the file of weights that {title} was published with: its SHA-256 is "
                f"{digest}, and should begin with {home.digest}; remove it, and it is fetched anew"
            )
        return digest
    note = kept / f"{title}.sha256"
    try:
        noted = note.read_text(encoding="utf-8").split()[:1]
    except (OSError, ValueError):
        noted = []
    if noted and noted != [digest]:
        raise ModelError(
            f"{shown_path(file)} is not the file of weights that {title} had here before: its SHA-256 is {digest}, not "
            f"{noted[0]}; if its makers have changed it, remove {shown_path(note)}"
        )
    if not noted:
        try:
            kept.mkdir(parents=True, exist_ok=True)
            write_atomically(note, f"{digest}  {file.name}\n")
        except (OSError, NotWrittenError) as error:
            raise ModelError(f"the digest of {title}'s weights cannot be noted: {reason_of(error)}") from None
    return digest
