"""What went wrong between this machine and the hub of models, told apart, each with the remedy that fits."""

import errno
import re
from collections.abc import Iterator
from ssl import SSLError
from typing import Any

from huggingface_hub import constants

from phrasepix_core.text import printable, shortened
from reranker.errors import UnknownModelError, WeightsUnavailableError

_SIGN_IN = "make a token at {hub}/settings/tokens and set HF_TOKEN to it"
_NAME_A_DIRECTORY = "name a directory that has them as the model local-dir:PATH"
_FULL_DISK = {errno.ENOSPC, errno.EDQUOT}
_NOT_WRITABLE = {errno.EACCES, errno.EPERM, errno.EROFS}
_NO_CONNECTION = re.compile(r"Connect|Timeout|Network|Transport|ReadError|WriteError|RemoteProtocol|ChunkedEncoding")
_NOT_THERE = re.compile(r"(Remote|Local)?EntryNotFoundError|IncompleteSnapshotError|RevisionNotFoundError")


def raise_if_decisive(error: Exception, title: str, repository: str, *, what: str = "weights") -> None:
    """Raise what an error of the hub's client means, unless it is merely that a file is not in the `repository`.

    `title` names the model to people, `what` is to be had of it. Raises `UnknownModelError` or
    `WeightsUnavailableError`.
    """
    title = printable(title)
    if any(type(one).__name__ == "HFValidationError" for one in _causes(error)):
        raise UnknownModelError(f"model {title} names no repository of the hub; one is written as hf-hub:OWNER/NAME")
    if why := _why(error, repository):
        raise WeightsUnavailableError(f"the {what} of {title} cannot be downloaded: {why}") from None


def no_connection(error: Exception) -> str:
    """Why the hub cannot be reached, and what to do about it; empty where it is for want of a network alone."""
    if _has_wrong_certificate(error):
        return _wrong_certificate()
    if any("ProxyError" in type(one).__name__ for one in _causes(error)):
        return _wrong_proxy()
    return ""


def _why(error: Exception, repository: str) -> str:
    """What happened and what to do; empty where a file is not there, and nothing else."""
    if (status := _status(error)) is not None:
        return _of_status(status, error, repository)
    numbers = {one.errno for one in _causes(error) if isinstance(one, OSError)}
    if numbers & _FULL_DISK or "No space left on device" in str(error):
        return f"the disk is full; free some space, or set HF_HOME to another disk than that of {_cache()}"
    if numbers & _NOT_WRITABLE:
        return f"{_cache()} cannot be written; set HF_HOME to a directory of your own"
    if tells := no_connection(error):
        return tells
    names = [type(one).__name__ for one in _causes(error)]
    if any(name == "FileMetadataError" or "JSONDecodeError" in name for name in names):
        return (
            f"what answered at {constants.ENDPOINT} is not the hub; perhaps the network shows a page to log in first: "
            "open a page in a browser, log in, and try again"
        )
    if any(_NO_CONNECTION.search(name) for name in names):
        return f"the connection to {constants.ENDPOINT} broke off; try again, what has come is kept"
    if any(_NOT_THERE.fullmatch(name) for name in names):
        return ""
    return shortened(printable(f"{names[0]}: {error}"), 300)


def _of_status(status: int, error: Exception, repository: str) -> str:
    hub = constants.ENDPOINT
    page = f"{hub}/{repository}"
    names = {type(one).__name__ for one in _causes(error)}
    if "GatedRepoError" in names:
        return f"its makers ask for consent first; log in at {page}, accept their terms, {_SIGN_IN.format(hub=hub)}"
    if status == 429:
        wait = _seconds_to_wait(error)
        when = f"in {wait} s" if wait else "in some minutes"
        return f"the hub has had too many requests from here; try again {when}, or {_SIGN_IN.format(hub=hub)}"
    if status >= 500:
        return f"the hub is out of order ({status} from {hub}); try again later, or {_NAME_A_DIRECTORY}"
    if "RepositoryNotFoundError" in names:
        missing = f"the hub has no model {printable(repository)}, or it is not public"
        return f"{missing}; look at the name, or {_SIGN_IN.format(hub=hub)}"
    if status == 404:
        return ""  # one file is not there
    if status == 401:
        return f"the hub does not take the token in HF_TOKEN or of the login; {_SIGN_IN.format(hub=hub)}, or unset it"
    if status == 403:
        return f"the hub forbids it (403); ask for access at {page}, and {_SIGN_IN.format(hub=hub)}"
    return f"the hub answered {status} for {page}; {_NAME_A_DIRECTORY}"


def _status(error: Exception) -> int | None:
    """The status of the hub's answer, where there was one that said so."""
    statuses = (getattr(getattr(one, "response", None), "status_code", None) for one in _causes(error))
    return next((status for status in statuses if isinstance(status, int) and status >= 400), None)


def _seconds_to_wait(error: Exception) -> int:
    for one in _causes(error):
        headers: Any = getattr(getattr(one, "response", None), "headers", None) or {}
        if (wait := str(headers.get("Retry-After", ""))).isdecimal():
            return int(wait[:6])
    return 0


def _has_wrong_certificate(error: Exception) -> bool:
    return any(isinstance(one, SSLError) or "CERTIFICATE_VERIFY_FAILED" in str(one) for one in _causes(error))


def _wrong_certificate() -> str:
    return (
        f"the certificate of {constants.ENDPOINT} is not trusted; behind a company's proxy, set SSL_CERT_FILE and "
        "REQUESTS_CA_BUNDLE to the file of its certificates; else look whether this machine's clock is right"
    )


def _wrong_proxy() -> str:
    return "the proxy in HTTPS_PROXY, HTTP_PROXY or ALL_PROXY does not answer; set it right, or unset it"


def _cache() -> str:
    return str(constants.HF_HUB_CACHE)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """An error and those it came from, each once."""
    unread: list[BaseException | None] = [error]
    seen: set[int] = set()
    while unread:
        one = unread.pop(0)
        if one is not None and id(one) not in seen:
            seen.add(id(one))
            yield one
            unread += [one.__cause__, one.__context__, *(inner for inner in one.args if isinstance(inner, Exception))]
            unread.append(reason if isinstance(reason := getattr(one, "reason", None), Exception) else None)
