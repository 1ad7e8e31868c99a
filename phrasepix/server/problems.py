"""Errors as problem+json (RFC 9457), with the words of the command line and a status that matches."""

import json
import re
from collections.abc import Mapping
from http import HTTPStatus
from math import ceil
from typing import Any, Final

from starlette.responses import Response

from phrasepix.errors import SearchGoneError
from phrasepix_core.errors import NotWrittenError, OutsideRootError, PhrasepixError, WrongValueError
from phrasepix_core.messages import Hint
from reranker.errors import (
    EncoderFaultError,
    ForbiddenAddressError,
    ModelError,
    PictureUnreachableError,
    PictureUnreadableError,
)
from retriever.errors import (
    AnswerNotKeptError,
    ConfigFileError,
    KeyMissingError,
    KeyRefusedError,
    KeyUnusableError,
    RateLimitError,
    SourceAnswerError,
    SourceFaultError,
    SourceUnreachableError,
)

PROBLEM_TYPE: Final = "application/problem+json"
_URN: Final = "urn:phrasepix:"

_STATUS_OF: Final[tuple[tuple[type[PhrasepixError], int], ...]] = (
    (OutsideRootError, 403),
    (ForbiddenAddressError, 403),
    (SearchGoneError, 404),
    (AnswerNotKeptError, 404),
    (KeyMissingError, 409),
    (KeyUnusableError, 409),
    (ConfigFileError, 409),
    (WrongValueError, 422),
    (PictureUnreadableError, 422),
    (RateLimitError, 429),
    (KeyRefusedError, 502),
    (SourceAnswerError, 502),
    (SourceFaultError, 502),
    (EncoderFaultError, 502),
    (PictureUnreachableError, 502),
    (SourceUnreachableError, 503),
    (ModelError, 503),
    (NotWrittenError, 507),
)
"""The status of each kind of error; the first that fits counts."""


class UploadGoneError(PhrasepixError):
    """An uploaded picture that is not kept any more, or never was."""


class UndoGoneError(PhrasepixError):
    """A save that cannot be taken back any more."""


class WrongFormError(PhrasepixError):
    """A request that is no JSON object."""


class TooLongError(PhrasepixError):
    """A request that is too long to be kept."""


class ClosingError(PhrasepixError):
    """The server is being ended."""


_STATUS_OF_OWN: Final[dict[type[PhrasepixError], int]] = {
    UploadGoneError: 404,
    UndoGoneError: 404,
    WrongFormError: 400,
    TooLongError: 413,
    ClosingError: 503,
}


def problem_of(error: PhrasepixError) -> dict[str, Any]:
    """Return an error as a problem: `type`, `title`, `status`, `detail`; `option` and `hint` if it names an option.

    `option` is the option's name in the JSON of a request, and `hint` a value that would do.
    """
    status = status_of(error)
    problem = _problem(status, _type_of(error), error.worded(as_json_name))
    hints = [part for part in error.args if isinstance(part, Hint)]
    if hints:
        problem["option"] = hints[0].option
        if hints[0].value is not None:
            problem["hint"] = hints[0].value
    if isinstance(error, RateLimitError) and error.retry_after_s is not None:
        problem["retry_after_s"] = ceil(error.retry_after_s)
    return problem


def status_of(error: PhrasepixError) -> int:
    """Return the HTTP status of an error."""
    if (own := _STATUS_OF_OWN.get(type(error))) is not None:
        return own
    return next((status for kind, status in _STATUS_OF if isinstance(error, kind)), 500)


def as_json_name(hint: Hint) -> str:
    """Return a hint as it is written in the JSON of a request."""
    *within, name = hint.option.split(".")
    if hint.value is None:
        return f'"{name}"'
    value = json.dumps(hint.value, ensure_ascii=False, default=str)
    return f'"{within[0]}": {{"{name}": {value}}}' if within else f'"{name}": {value}'


def response_of(error: PhrasepixError) -> Response:
    """Return the response that an error is."""
    problem = problem_of(error)
    headers = {"Retry-After": str(problem["retry_after_s"])} if "retry_after_s" in problem else {}
    return _response(problem, headers)


def problem_response(
    status: int, kind: str, detail: str, *, headers: Mapping[str, str] | None = None, **more: Any
) -> Response:
    """Return a problem of `kind`, in words with hyphens, which is no error of phrasepix."""
    return _response(_problem(status, _URN + kind, detail) | more, dict(headers or {}))


def _response(problem: dict[str, Any], headers: dict[str, str]) -> Response:
    return Response(json.dumps(problem, ensure_ascii=True), problem["status"], {**headers}, media_type=PROBLEM_TYPE)


def _problem(status: int, kind: str, detail: str) -> dict[str, Any]:
    # `message` is where clients of OpenAI's form look for the words.
    return {"type": kind, "title": HTTPStatus(status).phrase, "status": status, "detail": detail, "message": detail}


def _type_of(error: PhrasepixError) -> str:
    name = type(error).__name__.removesuffix("Error")
    return _URN + re.sub(r"(?<=[a-z])(?=[A-Z])", "-", name).lower()


def unforeseen_problem(error: Exception) -> dict[str, Any]:
    """Return the problem of an error that nobody foresaw; what it says is for the log alone."""
    return _problem(
        500,
        f"{_URN}unforeseen",
        f"something unforeseen happened ({type(error).__name__}); the terminal of the server shows it: report that",
    )


def unforeseen_response(error: Exception) -> Response:
    """Return the response of an error that nobody foresaw."""
    return _response(unforeseen_problem(error), {})
