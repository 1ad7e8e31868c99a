"""`find_images` and `stream_images`: a request made of arguments, given to the finder of the process."""

import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, fields
from typing import ParamSpec, TypeVar

from phrasepix.events import SearchProgress, ignore, listener_of
from phrasepix.finder import Finder, default_finder
from phrasepix.given import demand_key, demand_texts
from phrasepix.live_results import LiveResults
from phrasepix.reference import options_as_list
from phrasepix.request import SearchRequest
from phrasepix_core.messages import nearest_in_words

__all__ = ["SearchProgress", "find_images", "stream_images"]

Arguments = ParamSpec("Arguments")
Found = TypeVar("Found")


@dataclass(frozen=True, kw_only=True)
class _Call(SearchRequest):
    """The arguments of a function: a request, and what a finder would be configured by."""

    key: str | None = field(default=None, repr=False)
    base_url: str | None = None
    on_progress: Callable[[SearchProgress], None] = field(default=ignore, repr=False)

    def __post_init__(self) -> None:
        demand_key(self.key)
        demand_texts(base_url=self.base_url)
        super().__post_init__()

    @property
    def request(self) -> SearchRequest:
        """What is searched for, without the rest: as it was checked, for to make it anew would read its files again."""
        request = object.__new__(SearchRequest)
        vars(request).update((name, value) for name, value in vars(self).items() if name not in _OF_THE_CALL)
        return request

    @property
    def finder(self) -> Finder:
        """Who searches."""
        return default_finder().configured(key=self.key, base_url=self.base_url)


_OF_THE_CALL = {one.name for one in fields(_Call)} - {one.name for one in fields(SearchRequest)}


def _function(
    make: Callable[Arguments, _Call], run: Callable[[_Call], Found], name: str, text: str
) -> Callable[Arguments, Found]:
    """Return a function of the arguments that `make` takes; its signature and help are made of the options."""

    signature = inspect.signature(make)

    def function(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Found:
        try:
            signature.bind(*args, **kwargs)
        except TypeError as error:  # in the name of what was called
            unknown = next((one for one in kwargs if one not in signature.parameters), None)
            raise TypeError(f"{name}() {error}{nearest_in_words(unknown, signature.parameters)}") from None
        return run(make(*args, **kwargs))

    function.__name__ = function.__qualname__ = name
    function.__doc__ = text
    function.__signature__ = signature.replace(return_annotation=inspect.signature(run).return_annotation)  # type: ignore[attr-defined]
    return function


def _find(call: _Call) -> LiveResults:
    return call.finder.search(call.request, on_event=listener_of(call.on_progress))


def _stream(call: _Call) -> Iterator[LiveResults]:
    return call.finder.stream(call.request, on_event=listener_of(call.on_progress))


_FIND = f"""Find the pictures that show `phrase` best.

Example::

    from phrasepix import find_images

    results = find_images("a tiger playing in the snow", tag="tiger", top=5)
    for match in results:
        print(match.rank, match.fit, match.candidate.page_url, match.candidate.credit)
    results.save_gallery("tigers.html")

Each source is asked for `tag`; of what it offers, the pictures nearest to the phrase come first.

{options_as_list(SearchRequest)}

As a value may be given, besides what people type:

- `phrase`: a `Query`, which says all that is wanted and not wanted.
- `like`, `minus`: paths, http(s) addresses, matches, pictures of Pillow's; each alone or as (picture, weight).
- `tag`, `source`: one or a list; a source may be a `Path` or a `Retriever`.
- `filters`: `Filters(orientation="vertical", …)`, or a dictionary such as `{{"orientation": "vertical"}}`, of a
  library also with conditions on columns: `{{"year": {{"$in": [2019, 2020]}}, "rating": {{"$gte": 4}}}}`.
- `model`, `refine`: an `Encoder`.

Of this call alone:

- `key`, `base_url`: stand in for the only source's environment variables (such as `PIXABAY_API_KEY`,
  `PIXABAY_API_URL`) and the config file.
- `on_progress`: is told how far the search is.

Ranks go by the cosine of picture and phrase (`Match.score`), less `Match.penalty` for what is not wanted, less
`Match.nearness` if they are normalised, with `Match.bonus` for the source's words. `Match.stands_out` and
`Results.fits_well` say whether anything here shows the phrase at all. The order of several tags, and of sources,
decides ties; each picture comes once. One whose picture cannot be had is listed in `Results.skipped`, a source that
fails in `Results.failures`, what people should know in `Results.notices`. What was encoded is remembered in the
cache directory: another phrase over the same pictures encodes none of them again.

It is `Finder.search` of a finder that lives as long as the process. Raises `WrongQueryError`, `WrongParameterError` and
the other errors of `phrasepix.errors`; all of them are a `phrasepix.PhrasepixError`.
"""

_STREAM = """Yield the results as they firm up: the best so far, again and again, at last what `find_images` returns.

The parameters and errors are those of `find_images`. Only the last `Results` say `is_final`; the others count in
`pool_size` what was looked at so far, and their pictures may be small. Whoever leaves early keeps what was encoded.
"""

find_images = _function(_Call, _find, "find_images", _FIND)
stream_images = _function(_Call, _stream, "stream_images", _STREAM)
