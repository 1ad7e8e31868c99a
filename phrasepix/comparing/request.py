"""What a comparison is asked for: a picture, where to look, and the encoders to compare."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from phrasepix.given import demand_model
from phrasepix.models.catalogue import choose_model
from phrasepix.models.encoder_status import AT_HAND, NONE_NEEDED, encoder_statuses
from phrasepix.request import SearchRequest
from phrasepix.sample import SAMPLE_NAME, is_the_sample_alone
from phrasepix_core.messages import Hint
from reranker.encoder import Encoder
from reranker.errors import WrongQueryError
from reranker.models.model_spec import DEFAULT_MODEL
from reranker.query import Example, Query
from retriever.errors import WrongParameterError

CLIP: Final = "clip"
"""Names the model that a search would rank by, whichever that is."""

SEARCH_OPTIONS: Final = (
    "source",
    "tag",
    "top",
    "limit",
    "requests",
    "offline",
    "fold",
    "model",
    "pretrained",
    "device",
    "engine",
)
"""The options of a search that a comparison has, beside the filters; the others have nothing to do with encoders."""

EncoderChoice = str | Encoder

_NO_DOWNLOAD: Final = (NONE_NEEDED, AT_HAND)


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedEncoder:
    """An encoder to compare by: `name` for people, and what a search takes as `by`, with its `pretrained` tag."""

    name: str
    by: EncoderChoice
    pretrained: str | None = None


@dataclass(frozen=True, slots=True)
class CompareRequest:
    """A picture as the question, where to look, and the encoders that answer, in the order of their rows."""

    search: SearchRequest
    """What each encoder is asked, but for the encoder."""
    encoders: tuple[NamedEncoder, ...]

    @classmethod
    def of(
        cls, search: SearchRequest, by: EncoderChoice | Sequence[EncoderChoice] | None, cache_directory: Path
    ) -> Self:
        """Return the comparison that a search for what is like one picture becomes.

        `by` names encoders, one or several, each also with commas between; `clip` is the model of the search. Without
        any they are those that need no download. Raises `WrongQueryError` where the question is not one picture,
        `WrongParameterError` where no encoder is named, and `UnknownModelError`.
        """
        search = _about_one_picture(search)
        given = usual_encoders(cache_directory) if by is None else _each(by)
        if not given:
            raise WrongParameterError(
                Hint("by"), " names no encoder; give some, such as ", Hint("by", f"colour,phash,{CLIP}")
            )
        named = [_named(one, search) for one in given]
        return cls(search, tuple({one.by if isinstance(one.by, str) else id(one.by): one for one in named}.values()))

    @property
    def question(self) -> Example:
        """The picture."""
        (example,) = self.search.query.examples
        return example

    def search_by(self, encoder: NamedEncoder) -> SearchRequest:
        """Return what an encoder is asked."""
        same = {name: getattr(self.search, name) for name in SEARCH_OPTIONS}
        return SearchRequest(
            self.search.query,
            **(same | {"by": encoder.by, "model": None, "pretrained": encoder.pretrained}),
            filters=self.search.wishes,
            words_for_tags=self.search.words_for_tags,
        )


def compared_like(example: Example, of: SearchRequest, *, top: int | None = None) -> SearchRequest:
    """Return a search with a picture as the question, where another one looked and under its tags.

    It shows `top`, or as many as that one.
    """
    same = {name: getattr(of, name) for name in SEARCH_OPTIONS} | ({} if top is None else {"top": top})
    return SearchRequest(Query((example,)), **same, filters=of.wishes, words_for_tags=of.text_for_tags)


def usual_encoders(cache_directory: Path) -> list[str]:
    """Return the names of encoders of pictures alone that are ready and need no download, and `CLIP`."""
    ready = [
        one.name
        for one in encoder_statuses(cache_directory)
        if one.profile is not None
        and "texts" not in one.profile.encodes
        and not one.remedy
        and one.weights in _NO_DOWNLOAD
    ]
    return [*ready, CLIP]


def _about_one_picture(search: SearchRequest) -> SearchRequest:
    query = search.query
    if len(query.wanted) != 1 or query.unwanted or not isinstance(query.wanted[0], Example):
        raise WrongQueryError("a comparison asks with one picture, without a text; give a file or an address")
    return search


def _each(by: EncoderChoice | Sequence[EncoderChoice]) -> list[EncoderChoice]:
    """The encoders given, texts parted at commas. Raises `WrongParameterError` for what is none."""
    several = by if isinstance(by, Sequence) and not isinstance(by, str) else [by]
    found: list[EncoderChoice] = []
    for one in several:
        demand_model("by", one)
        found += filter(None, map(str.strip, one.split(","))) if isinstance(one, str) else [one]
    return found


def _named(one: EncoderChoice, search: SearchRequest) -> NamedEncoder:
    """Raises `UnknownModelError` for a name that nobody knows: before anything is loaded or asked."""
    if not isinstance(one, str):
        return NamedEncoder(name=one.name, by=one)
    if one != CLIP:
        choose_model(one, None, only_the_sample=False, option="by")
        return NamedEncoder(name=one, by=one)
    model = search.model
    if model is None:
        is_sample = search.sources is not None and is_the_sample_alone(search.sources)
        model = SAMPLE_NAME if is_sample and search.pretrained is None else DEFAULT_MODEL.model
    if isinstance(model, str):
        choose_model(model, search.pretrained, only_the_sample=False)
    return NamedEncoder(name=CLIP, by=model, pretrained=search.pretrained)
