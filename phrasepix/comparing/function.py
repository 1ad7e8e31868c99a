"""`compare`: a comparison made of arguments, by the finder of the process."""

import inspect
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

from phrasepix.comparing.comparing import Comparing
from phrasepix.comparing.live_comparison import LiveComparison
from phrasepix.comparing.request import SEARCH_OPTIONS, CompareRequest, EncoderChoice
from phrasepix.events import SearchProgress, ignore, listener_of
from phrasepix.finder import default_finder
from phrasepix.given import demand_key, demand_texts
from phrasepix.reference import options_as_list
from phrasepix.request import SearchRequest
from phrasepix_core.messages import nearest_in_words

if TYPE_CHECKING:
    from phrasepix.query_inputs import Picture

_OPTIONS: Final = (*SEARCH_OPTIONS, "filters")


def compare(  # noqa: D103  # its help is made of the options, below
    picture: "Picture",
    *,
    by: EncoderChoice | Sequence[EncoderChoice] | None = None,
    key: str | None = None,
    base_url: str | None = None,
    on_progress: Callable[[SearchProgress], None] = ignore,
    **options: Any,
) -> LiveComparison:  # its help is made of the options, below
    unknown = next((name for name in options if name not in _OPTIONS), None)
    if unknown is not None:
        meant = nearest_in_words(unknown, inspect.signature(compare).parameters)
        raise TypeError(f"compare() got an unexpected keyword argument {unknown!r}{meant}")
    demand_key(key)
    demand_texts(base_url=base_url)
    finder = default_finder().configured(key=key, base_url=base_url)
    request = CompareRequest.of(SearchRequest(like=picture, **options), by, finder.config.directory)
    return Comparing(finder, listener_of(on_progress)).compare(request)


def _signature() -> inspect.Signature:
    own, given = inspect.signature(compare), inspect.signature(SearchRequest).parameters
    first, *rest = [one for one in own.parameters.values() if one.kind is not inspect.Parameter.VAR_KEYWORD]
    return own.replace(parameters=[first, *rest, *(given[name] for name in _OPTIONS)])


compare.__doc__ = f"""Ask several encoders which pictures are like one, a row an encoder.

Example::

    from phrasepix import compare

    comparison = compare("photo.jpg", source="Pictures", by=["sift", "efficientnet-lite0", "clip"], top=5)
    for row in comparison:
        print(row.name, row.ms_per_picture, [match.candidate.title for match in row.matches])
    comparison.save_page("ways-of-seeing.html")

In a notebook it shows itself: the rows, what one encoder finds that no other does, and the key points that agree.

- `picture`: a path, an http(s) address, a match, or a picture of Pillow's.
- `by`: names of encoders, or encoders of your own, one or several; `clip` is the model of a search. By default those
  that need no download, and `clip`.
- `filters`, `key`, `base_url`, `on_progress`: as of `find_images`.

{options_as_list(SearchRequest, SEARCH_OPTIONS)}

An encoder that fails is a row that says why in `EncoderRow.problem`; if all do, their error is raised. Raises
`UnknownModelError`, `WrongQueryError`, `WrongParameterError` and the other errors of `phrasepix.errors`.
"""
compare.__signature__ = _signature()  # type: ignore[attr-defined]
