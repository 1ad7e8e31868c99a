"""From the JSON that a client sends to a request, with every path and address in it checked."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from phrasepix.given import demand_text
from phrasepix.query_inputs import is_address
from phrasepix.request import SearchRequest
from phrasepix.saving.confined import confined_project
from phrasepix.server.problems import TooLongError, WrongFormError
from phrasepix.server.uploaded_pictures import PREFIX, UploadedPictures, file_in_data_url, is_data_url
from phrasepix.sources.confined import confined_source
from phrasepix_core.root import Root
from reranker.models.model_spec import LOCAL_DIR
from reranker.query import Example

_LONGEST = 64 << 10
"""Characters of a request: it is kept with its search."""


class RequestReader:
    """Reads requests; paths must lie below the `root`, and addresses be public."""

    def __init__(self, root: Root, pictures: UploadedPictures) -> None:
        self._root = root
        self._pictures = pictures

    def with_uploads(self, described: dict[str, Any]) -> dict[str, Any]:
        """Return a request in which references stand for the pictures that it brings along as data URLs.

        So it is short, and may be kept and asked again. Raises `TooLongError` if it is not, and what a picture that
        cannot be used raises.
        """
        short: dict[str, Any] = self._with_uploads(described)
        if len(json.dumps(short)) > _LONGEST:
            raise TooLongError(f"the request is longer than {_LONGEST >> 10} KiB without its pictures")
        return short

    def _with_uploads(self, value: Any) -> Any:
        match value:
            case dict():
                return {name: self._with_uploads(one) for name, one in value.items()}
            case list():
                return [self._with_uploads(one) for one in value]
            case str() if is_data_url(value):
                return self._pictures.add(file_in_data_url(value))[0]
        return value

    def read(self, described: dict[str, Any]) -> SearchRequest:
        """Return the request that a JSON object describes.

        Raises `OutsideRootError`, `UploadGoneError`, and what `SearchRequest.from_dict` raises.
        """
        confined = dict(described)
        if "source" in confined:
            confined["source"] = _each(confined["source"], lambda said: confined_source(said, self._root))
        if isinstance(confined.get("project"), str):
            confined["project"] = str(confined_project(confined["project"], self._root))
        for name in ("model", "refine", "by"):
            if isinstance(confined.get(name), str):
                confined[name] = self.model(confined[name])
        if "like" in confined:
            confined["like"] = _each(confined["like"], lambda said: {"picture": said})
        if "minus" in confined:
            # A text is words, whatever files there are: only what says that it is a picture is looked for.
            confined["minus"] = _each(
                confined["minus"], lambda said: {"picture" if is_address(said) else "phrase": said}
            )
        offline = confined.get("offline") is True
        return SearchRequest.from_dict(confined, picture_at=lambda said: self._picture(said, offline=offline))

    def _picture(self, said: str, *, offline: bool) -> Example | Path:
        """Return the picture that a client names: uploaded, at an address, or in a file below the root."""
        if said.startswith(PREFIX):
            return self._pictures.get(said)
        if is_address(said):
            return self._pictures.at_address(said, offline=offline)
        return self._root.path(said)

    def encoders(self, given: Any) -> list[str] | None:
        """Return the encoders that a comparison names, in one text or several, each checked as `model`; None for None.

        Raises `WrongParameterError` for what are no texts, and `OutsideRootError`.
        """
        if given is None:
            return None
        several = given if isinstance(given, list) else [given]
        for one in several:
            demand_text("by", one)
        return [self.model(name) for one in several for name in one.split(",")]

    def model(self, name: str) -> str:
        """Return a model's name, of which each folder lies below the root. Raises `OutsideRootError`."""
        start, *folders = name.split(LOCAL_DIR)
        for folder in folders:
            # Of `local-dir:TEXT+local-dir:MODEL` the plus may be a part of the path: whatever it is, it is checked.
            self._root.path(folder)
            self._root.path(folder.partition("+")[0])
        return LOCAL_DIR.join([start, *(str(self._root.directory / folder) for folder in folders)])


def json_object(body: bytes) -> dict[str, Any]:
    """Return the JSON object in a body. Raises `WrongFormError`."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError) as error:  # the latter: of thousands of brackets
        raise WrongFormError(f"the body is no JSON: {error}") from None
    if not isinstance(value, dict):
        raise WrongFormError("the body is no JSON object")
    return value


def _each(given: Any, of_text: Callable[[str], Any]) -> Any:
    """Return a value, or each of a list, of which texts are replaced."""
    if isinstance(given, list):
        return [of_text(one) if isinstance(one, str) else one for one in given]
    return of_text(given) if isinstance(given, str) else given
