"""Pictures that are objects of a store of the S3 kind, read by Arrow's client."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final
from urllib.parse import quote, unquote

from phrasepix_core.s3_access import S3, S3Access
from phrasepix_core.text import printable
from reranker.errors import PictureUnreachableError, TransientPictureError

LARGEST_OBJECT_BYTES: Final = 256 << 20
"""An object is held in memory while it is decoded; no photograph is that large."""
ATTEMPTS: Final = 4
"""How often a store is asked that is busy or cannot be reached, the first time included; Arrow's client waits between,
longer each time."""
_CONNECT_S, _ANSWER_S = 10.0, 10.0
"""For how long a connection, and each next byte of an answer, is waited for."""


@dataclass(frozen=True, slots=True)
class StoredObject:
    """An object's content, and its `etag`, which differs if the content does (Amazon S3 API, “Object”)."""

    data: bytes
    etag: str


def object_url(path: str) -> str:
    """The URL of the object at a path, `bucket/key`, of whatever characters."""
    return S3 + quote(path, safe="/")


def path_of_object(url: str) -> str:
    """The path, `bucket/key`, to which a URL of `object_url` leads. Raises `PictureUnreachableError` for another."""
    if not url.startswith(S3):
        raise PictureUnreachableError("its address is none of a store")
    return unquote(url[len(S3) :])


def store_of(access: S3Access, bucket: str) -> Any:
    """Return the `pyarrow.fs.S3FileSystem` in which a bucket is. Raises `OSError` if that cannot be found out."""
    return _store(access, "" if access.endpoint or access.region else bucket)


@lru_cache(maxsize=16)
def _store(access: S3Access, bucket: str) -> Any:
    from pyarrow import fs  # of the extra `library`, and of no search that meets no such address

    given: dict[str, Any] = {}
    if access.key_id and access.secret:
        given |= {
            "access_key": access.key_id,
            "secret_key": access.secret,
            "session_token": access.token or None,
        }
    if access.endpoint:
        given["endpoint_override"] = access.endpoint
    return fs.S3FileSystem(
        region=access.region or (fs.resolve_s3_region(bucket) if bucket else "us-east-1"),
        retry_strategy=fs.AwsStandardS3RetryStrategy(max_attempts=ATTEMPTS),
        connect_timeout=_CONNECT_S,
        request_timeout=_ANSWER_S,
        **given,
    )


def read_object(url: str, access: S3Access | None = None) -> StoredObject:
    """Read the object at a URL, by default as the environment says. Raises `PictureUnreachableError`."""
    with _opened(url, access) as file:
        size = file.size()
        if size > LARGEST_OBJECT_BYTES:
            raise PictureUnreachableError(
                f"it has {size >> 20} MB; objects of more than {LARGEST_OBJECT_BYTES >> 20} MB are left out"
            )
        return StoredObject(bytes(file.read()), _etag(file))


def etag_of(url: str, access: S3Access) -> str:
    """Return the ETag of the object at a URL, which is not read. Raises `PictureUnreachableError`."""
    with _opened(url, access) as file:
        return _etag(file)


@contextmanager
def _opened(url: str, access: S3Access | None) -> Iterator[Any]:
    path = path_of_object(url)
    try:
        store = store_of(access or S3Access.from_environment(), path.partition("/")[0])
        with store.open_input_file(path) as file:
            yield file
    except FileNotFoundError:
        raise PictureUnreachableError("there is no such object") from None
    except OSError as error:
        raise TransientPictureError(store_failure(error)) from None


def _etag(file: Any) -> str:
    return str(file.metadata().get("ETag", b""), "ascii", "replace").strip('"')


def store_failure(error: BaseException) -> str:
    """What Arrow's client says of a failure, without the parts that are for its makers."""
    return printable(str(error).split(" (Request ID")[0])[:500]
