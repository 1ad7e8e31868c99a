"""Pixabay's protocol as the sample site speaks it: the parameters of a request, checked, and the shape of an answer."""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, cast, get_args
from urllib.parse import parse_qsl

from phrasepix.sample import links
from phrasepix.sample.catalogue import Catalogue, ImageType, Order, Orientation, SamplePicture
from phrasepix.sample.renditions import rendition_size
from retriever.filters import COLOURS
from retriever.pixabay.request import CATEGORIES, LANGUAGES
from retriever.pixabay.request import REACHABLE as MOST_HITS

_BOOLEANS = ("true", "false")
_WHOLE_NUMBER = re.compile("[0-9]{1,18}")


class ProtocolError(Exception):
    """A request the protocol refuses with status 400; the message is what the site answers, in plain text."""


class BadKeyError(ProtocolError):
    """The request carries no key, or not the site's."""

    def __init__(self) -> None:
        super().__init__("[ERROR 400] Invalid or missing API key (https://pixabay.com/api/docs/).")


class OutOfRangeError(ProtocolError):
    """A parameter has a value the protocol does not know."""

    def __init__(self, parameter: str) -> None:
        super().__init__(f'[ERROR 400] "{parameter}" is out of valid range.')


@dataclass(frozen=True, slots=True)
class SearchParameters:
    """The checked parameters of a search; see `Catalogue.search` for those that are not about paging."""

    q: str
    lang: str
    picture_id: int | None
    image_type: ImageType
    orientation: Orientation
    category: str | None
    min_width: int
    min_height: int
    colors: tuple[str, ...]
    editors_choice: bool
    safesearch: bool
    order: Order
    page: int
    """From 1."""
    per_page: int
    """From 3 to 200."""


def parse_parameters(query_string: str) -> dict[str, str]:
    """The parameters of a URL's query string; of a repeated one the last counts, a blank one counts as not given."""
    return dict(parse_qsl(query_string))


def parse_query(parameters: Mapping[str, str]) -> SearchParameters:
    """Check the parameters of a search; unknown ones are passed over, as the protocol does.

    Raises:
        OutOfRangeError: if a parameter has a value outside its range.
    """
    q = parameters.get("q", "")
    if len(q) > 100:
        raise OutOfRangeError("q")
    colors = tuple(color.strip() for color in parameters.get("colors", "").split(",") if color.strip())
    if not set(colors) <= set(COLOURS):
        raise OutOfRangeError("colors")
    return SearchParameters(
        q=q,
        lang=_one_of(parameters, "lang", LANGUAGES, "en"),
        picture_id=_number(parameters, "id", 1) if "id" in parameters else None,
        image_type=cast(ImageType, _one_of(parameters, "image_type", get_args(ImageType), "all")),
        orientation=cast(Orientation, _one_of(parameters, "orientation", get_args(Orientation), "all")),
        category=_one_of(parameters, "category", CATEGORIES, "backgrounds") if "category" in parameters else None,
        min_width=_number(parameters, "min_width", 0),
        min_height=_number(parameters, "min_height", 0),
        colors=colors,
        editors_choice=_one_of(parameters, "editors_choice", _BOOLEANS, "false") == "true",
        safesearch=_one_of(parameters, "safesearch", _BOOLEANS, "false") == "true",
        order=cast(Order, _one_of(parameters, "order", get_args(Order), "popular")),
        page=_number(parameters, "page", 1, default=1),
        per_page=_number(parameters, "per_page", 3, 200, default=20),
    )


def answer(
    query: SearchParameters, catalogue: Catalogue, *, origin: str, sign: Callable[[int, str], str]
) -> dict[str, Any]:
    """The answer to a search, ready for JSON: ``total``, ``totalHits`` (at most 500) and one page of ``hits``.

    A page past the last hit is empty, unless it would begin past the 500th, which the protocol refuses.

    Args:
        query: the checked parameters.
        catalogue: the pictures to search.
        origin: scheme, host and port of the site, which begin every URL of the answer.
        sign: gives the path of a rendition from the picture's number and the rendition's suffix.

    Raises:
        OutOfRangeError: if the page begins past the 500th hit.
    """
    start = (query.page - 1) * query.per_page
    if start >= MOST_HITS:
        raise OutOfRangeError("page")
    found = catalogue.search(
        query.q,
        lang=query.lang,
        picture_id=query.picture_id,
        image_type=query.image_type,
        orientation=query.orientation,
        category=query.category,
        min_width=query.min_width,
        min_height=query.min_height,
        colors=query.colors,
        editors_choice=query.editors_choice,
        safesearch=query.safesearch,
        order=query.order,
    )
    reachable = found[:MOST_HITS]
    hits = [_hit(picture, origin, sign) for picture in reachable[start : start + query.per_page]]
    return {"total": len(found), "totalHits": len(reachable), "hits": hits}


def _hit(picture: SamplePicture, origin: str, sign: Callable[[int, str], str]) -> dict[str, Any]:
    preview_width, preview_height = rendition_size(picture.width, picture.height, "150")
    web_width, web_height = rendition_size(picture.width, picture.height, "640")
    return {
        "id": picture.id,
        "pageURL": origin + links.picture_page_path(picture),
        "type": picture.type,
        "tags": ", ".join(picture.tags),
        "previewURL": origin + links.preview_path(picture),
        "previewWidth": preview_width,
        "previewHeight": preview_height,
        "webformatURL": origin + sign(picture.id, "640"),
        "webformatWidth": web_width,
        "webformatHeight": web_height,
        "largeImageURL": origin + sign(picture.id, "1280"),
        "imageWidth": picture.width,
        "imageHeight": picture.height,
        "imageSize": picture.size_bytes,
        "views": picture.views,
        "downloads": picture.downloads,
        "collections": picture.collections,
        "likes": picture.likes,
        "comments": picture.comments,
        "user_id": picture.user_id,
        "user": picture.user,
        "userImageURL": "",
        "noAiTraining": False,
        "isAiGenerated": False,
        "isGRated": True,
        "isLowQuality": 0,  # the protocol's own oddity: a number where its neighbours are booleans
        "userURL": origin + links.user_page_path(picture.user, picture.user_id),
    }


def _one_of(parameters: Mapping[str, str], name: str, allowed: Collection[str], default: str) -> str:
    value = parameters.get(name, default)
    if value not in allowed:
        raise OutOfRangeError(name)
    return value


def _number(parameters: Mapping[str, str], name: str, least: int, most: int | None = None, *, default: int = 0) -> int:
    text = parameters.get(name, str(default))
    if _WHOLE_NUMBER.fullmatch(text) is None or int(text) < least or (most is not None and int(text) > most):
        raise OutOfRangeError(name)
    return int(text)
