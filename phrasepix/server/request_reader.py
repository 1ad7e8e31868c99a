"""From the JSON that a client sends to a request, with every path and address in it checked."""

import json
from typing import Any

from phrasepix.errors import UnknownSourceError
from phrasepix.query_inputs import is_address
from phrasepix.request import SearchRequest
from phrasepix.server.problems import WrongFormError
from phrasepix.server.uploaded_pictures import (
    PREFIX,
    UploadedPictures,
    decoded_picture,
    file_in_data_url,
    is_data_url,
)
from phrasepix.sources.registry import source_names
from phrasepix_core.root import Root
from reranker.models.model_spec import LOCAL_DIR
from reranker.query import Example

_FOLDER = "folder:"


class RequestReader:
    """Reads requests; paths must lie below the `root`, and addresses be public."""

    def __init__(self, root: Root, pictures: UploadedPictures) -> None:
        self._root = root
        self._pictures = pictures

    def read(self, described: dict[str, Any]) -> SearchRequest:
        """Return the request that a JSON object describes.

        Raises `OutsideRootError`, `UploadGoneError`, and what `SearchRequest.from_dict` raises.
        """
        confined = dict(described)
        if "source" in confined:
            confined["source"] = _each(confined["source"], self._source)
        if isinstance(confined.get("project"), str):
            confined["project"] = str(self._root.path(confined["project"]))
        for name in ("model", "refine"):
            if isinstance(confined.get(name), str):
                confined[name] = self.model(confined[name])
        if "like" in confined:
            confined["like"] = _each(confined["like"], lambda said: {"picture": said})
        if "minus" in confined:
            # A text is words, whatever files there are: only what says that it is a picture is looked for.
            confined["minus"] = _each(
                confined["minus"], lambda said: {"picture" if is_address(said) else "phrase": said}
            )
        return SearchRequest.from_dict(confined, picture_at=self.picture)

    def picture(self, said: str) -> Any:
        """Return the picture that a client names: uploaded, at an address, or in a file below the root."""
        if said.startswith(PREFIX):
            return self._pictures.get(said)
        if is_data_url(said):
            return Example(decoded_picture(file_in_data_url(said)), title="a picture")
        if is_address(said):
            return self._pictures.at_address(said)
        return self._root.path(said)

    def model(self, name: str) -> str:
        """Return a model's name, of which each folder lies below the root. Raises `OutsideRootError`."""
        start, *folders = name.split(LOCAL_DIR)
        for folder in folders:
            # Of `local-dir:TEXT+local-dir:MODEL` the plus may be a part of the path: whatever it is, it is checked.
            self._root.path(folder)
            self._root.path(folder.partition("+")[0])
        return LOCAL_DIR.join([start, *(str(self._root.directory / folder) for folder in folders)])

    def _source(self, name: str) -> str:
        if name in source_names():
            return name
        said = name.removeprefix(_FOLDER)
        if said == name and not any(mark in name for mark in "/\\~.") and not (self._root.directory / name).is_dir():
            raise UnknownSourceError.not_among("source", name, [*source_names(), "or the path of a folder"])
        return f"{_FOLDER}{self._root.path(said)}"


def json_object(body: bytes) -> dict[str, Any]:
    """Return the JSON object in a body. Raises `WrongFormError`."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError) as error:  # the latter: of thousands of brackets
        raise WrongFormError(f"the body is no JSON: {error}") from None
    if not isinstance(value, dict):
        raise WrongFormError("the body is no JSON object")
    return value


def _each(given: Any, of_text: Any) -> Any:
    """Return a value, or each of a list, of which texts are replaced."""
    if isinstance(given, list):
        return [of_text(one) if isinstance(one, str) else one for one in given]
    return of_text(given) if isinstance(given, str) else given
