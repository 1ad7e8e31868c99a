"""Templates compiled once, and kept for later processes: to compile them takes longer than to fill them in."""

import hashlib
import logging
import os
from contextlib import suppress
from pathlib import Path

from jinja2 import BytecodeCache, compiler
from jinja2.bccache import Bucket

from phrasepix_core.files import TEMPORARY, create, open_own, unique
from retriever.directories import cache_directory

logger = logging.getLogger(__name__)

_OWN_ALONE = 0o600
_OF_OTHERS = 0o022


def templates_directory() -> Path:
    """Where compiled templates are kept."""
    return cache_directory() / "templates"


class KeptTemplates(BytecodeCache):
    """Compiled templates in `templates_directory()`, for as long as `made_by` (files of code) and Jinja are the same.

    What is read here is run. So a file counts only if it is the current user's and nobody else may write to it; what is
    damaged counts for nothing. If it cannot be kept, the next process compiles again.
    """

    def __init__(self, *made_by: str) -> None:
        self._stamp = _stamp_of(*made_by, compiler.__file__)

    def load_bytecode(self, bucket: Bucket) -> None:
        """Fill the bucket with the template as it was compiled, if it is kept."""
        try:
            with open_own(self._place(bucket)) as file:
                if not _may_others_write(file.fileno()):
                    bucket.load_bytecode(file)
        except OSError:
            return
        except Exception as error:  # what pickle and marshal raise for damaged files
            logger.debug("the compiled template in %s is of no use: %r", self._place(bucket), error)
            bucket.reset()

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep the compiled template, in place of what was made of it before."""
        place = self._place(bucket)
        partial = place.with_name(unique(TEMPORARY, ".tmp"))
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            try:
                with create(partial, _OWN_ALONE) as file:
                    file.write(bucket.bytecode_to_string())
                partial.replace(place)
            finally:
                partial.unlink(missing_ok=True)
            for old in place.parent.glob(f"{bucket.key}-*"):
                if old != place:
                    with suppress(OSError):
                        old.unlink()
        except OSError as error:
            logger.debug("the compiled template cannot be kept in %s: %s", place, error)

    def _place(self, bucket: Bucket) -> Path:
        return templates_directory() / f"{bucket.key}-{self._stamp}"


def _stamp_of(*files: str) -> str:
    """What changes when one of the files does; another each time where they cannot be looked at."""
    digest = hashlib.blake2b(digest_size=8)
    for file in files:
        try:
            about = Path(file).stat()
            digest.update(f"{about.st_size} {about.st_mtime_ns} ".encode())
        except OSError:
            digest.update(os.urandom(8))
    return digest.hexdigest()


def _may_others_write(descriptor: int) -> bool:
    return hasattr(os, "geteuid") and bool(os.fstat(descriptor).st_mode & _OF_OTHERS)
