"""What went wrong with a store of the S3 kind, and what to compare."""

from typing import Final

from phrasepix_core.s3_access import S3Access
from phrasepix_core.urls import shown_url
from reranker.pictures.objects import store_failure

_UNREACHED: Final = ("NETWORK_CONNECTION", "curlCode", "timed out", "timeout", "error sending request", "dns error")
_REFUSED: Final = ("ACCESS_DENIED", "INVALID_ACCESS_KEY_ID", "SIGNATURE", "UNRECOGNIZED_CLIENT", "403", "401")
"""Words of Arrow's client, and of Lance's, in small letters or large ones."""


def is_refused(error: BaseException) -> bool:
    """Whether a store answered, and refused whoever asked."""
    low = store_failure(error).lower()
    return _has(low, _REFUSED) and not _has(low, _UNREACHED)


def store_fault(error: BaseException, access: S3Access) -> str:
    """What Arrow's client says of a failure, and what to compare."""
    return with_advice(store_failure(error), access)


def with_advice(said: str, access: S3Access) -> str:
    """What a client said of a failure of its store, and what to compare: of credentials by their variables alone."""
    low = said.lower()
    if _has(low, _UNREACHED):
        at = f" ({shown_url(access.endpoint)})" if access.endpoint else " (not set: AWS's own store)"
        region = f"AWS_REGION ({access.region or 'not set'})"
        return f"its store does not answer; compare AWS_ENDPOINT_URL{at}, {region} and the connection. {said}"
    if _has(low, _REFUSED):
        return (
            "its store refuses whoever asks; compare AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and, if it is for a "
            f"while only, AWS_SESSION_TOKEN. {said}"
        )
    return said


def _has(low: str, words: tuple[str, ...]) -> bool:
    return any(word.lower() in low for word in words)
