"""What a search is asked for: every option declared once, for all faces."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self, TypeAlias

from phrasepix import request_json
from phrasepix.given import (
    demand_directory,
    demand_filters,
    demand_flag,
    demand_library,
    demand_model,
    demand_text,
    demand_texts,
    sources_given,
    tags_given,
    whole_number,
)
from phrasepix_core.cached_property import cached_property
from phrasepix_core.messages import Hint
from phrasepix_core.options import DeclaredOption, option, options_of
from reranker.errors import WrongQueryError
from reranker.finish import demand_share
from reranker.ranks import COSINE, RANKS
from retriever.errors import WrongParameterError
from retriever.filters import CANDIDATES, NO_FILTERS, Filters
from retriever.protocol import Retriever

if TYPE_CHECKING:  # bring NumPy and Pillow: the command line reads the options without them
    from phrasepix.query_inputs import Like, Minus
    from phrasepix.request_json import PictureAt
    from reranker.encoder import Encoder
    from reranker.ordering import Ordering
    from reranker.query import Query

SCHEMA_VERSION: Final = 1
"""Of the JSON of a request; it grows when a field changes its meaning or goes."""

USUAL_REQUESTS = 4
"""Requests to each source for the tags of one phrase, unless somebody says how many."""

SEARCH, MODEL, OUTPUT, SAVING = "The search", "The model", "What comes out", "Saving"
GROUPS = (SEARCH, CANDIDATES, MODEL, OUTPUT, SAVING)
"""The headings that options stand under, in order."""

SourceChoice: TypeAlias = str | Retriever
"""A source's name, or a retriever of one's own."""


@dataclass(frozen=True, kw_only=True)
class SearchRequest:
    """What a search is asked for, checked when it is made.

    Each field is an option of every face: of `find_images`, of the command line and of what else searches. What may be
    given as one value or several is kept as a tuple, files to compare with are read at once.

    Raises `WrongQueryError` and `WrongParameterError`, which name the option, what was given, and what is allowed.
    """

    phrase: "str | Query | None" = field(
        default=None,
        kw_only=False,
        metadata=option("The sentence the picture should show; may be left out with {like}.", SEARCH, metavar="PHRASE"),
    )
    tag: str | Sequence[str] | None = field(
        default=None,
        metadata=option(
            "The coarse tag that sources are asked for, or several with commas between; may be repeated. Without one, "
            "tags are found in the phrase, and a folder is looked through as a whole.",
            SEARCH,
            "--tag",
            "-t",
            metavar="TAG",
            repeats=True,
        ),
    )
    like: "Like | Sequence[Like] | None" = field(
        default=None,
        metadata=option(
            "A picture that what is looked for should resemble, by file or address, alone or beside the phrase; may be "
            "repeated. It is left out of what is found.",
            SEARCH,
            metavar="FILE_OR_URL",
            repeats=True,
        ),
    )
    by: "str | Encoder | None" = field(
        default=None,
        metadata=option(
            "The encoder that pictures are compared with {like} by, in place of {model}; no phrase is read then. "
            "`phrasepix encoders` lists them, such as sift, colour or phash.",
            SEARCH,
            metavar="NAME",
        ),
    )
    minus: "Minus | Sequence[Minus] | None" = field(
        default=None,
        metadata=option(
            "What should not be there, such as people; may be repeated.", SEARCH, metavar="TEXT", repeats=True
        ),
    )
    top: int = field(
        default=10, metadata=option("How many to show.", SEARCH, "--top", "-n", kind=int, least=1, metavar="N")
    )
    limit: int | None = field(
        default=None,
        metadata=option(
            "How many candidates of each source to look at for each tag (without a tag: in all).",
            SEARCH,
            kind=int,
            least=1,
            metavar="N",
            shown_default="200, all of a folder",
        ),
    )
    requests: int = field(
        default=USUAL_REQUESTS,
        metadata=option(
            "How many requests to send to each source for tags found in the phrase.",
            SEARCH,
            kind=int,
            least=1,
            metavar="N",
        ),
    )
    source: SourceChoice | Path | Sequence[SourceChoice | Path] | None = field(
        default=None,
        metadata=option(
            "Where to look, side by side: a name that `phrasepix sources` lists, a folder, or library:NAME; may be "
            "repeated.",
            SEARCH,
            "--source",
            "-s",
            metavar="NAME",
            repeats=True,
            shown_default="pixabay, without a key for it openverse and commons",
        ),
    )
    rank: str = field(
        default=COSINE,
        metadata=option(
            "What ranks go by: cosine, or normalised, which is less what makes a picture near every text.",
            SEARCH,
            metavar="WAY",
            choices=RANKS,
        ),
    )
    words: float = field(
        default=0.0,
        metadata=option(
            "How much the source's tags and title for a picture count: from 0, not at all, to 1.",
            SEARCH,
            kind=float,
            least=0,
            most=1,
            metavar="0…1",
        ),
    )
    offline: bool = field(
        default=False, metadata=option("Send nothing to anybody; answer from what is remembered.", SEARCH, kind=bool)
    )
    filters: Filters | Mapping[str, Any] = NO_FILTERS
    model: "str | Encoder | None" = field(
        default=None,
        metadata=option(
            "multilingual, best, clip-multilingual-v1, sample, an open_clip model, hf-hub:…, local-dir:…, TEXT+MODEL.",
            MODEL,
            metavar="NAME",
            shown_default="ViT-B-32 (English), for the sample its own",
        ),
    )
    pretrained: str | None = field(
        default=None, metadata=option("The tag of the weights, for an open_clip model.", MODEL, metavar="TAG")
    )
    device: str = field(default="auto", metadata=option("auto, cpu, cuda or mps.", MODEL, metavar="DEVICE"))
    engine: str = field(
        default="auto",
        metadata=option("auto, torch, or openvino (the default on a CPU).", MODEL, metavar="ENGINE"),
    )
    refine: "str | Encoder | None" = field(
        default=None,
        metadata=option(
            "A second, heavier model that ranks the best again; an open_clip one with its tag as NAME/TAG.",
            MODEL,
            metavar="NAME",
        ),
    )
    refine_top: int = field(
        default=30, metadata=option("How many of the best it ranks.", MODEL, kind=int, least=1, metavar="N")
    )
    fold: bool = field(
        default=True,
        metadata=option("Show the same picture once, with its likes listed.", OUTPUT, "--fold", "--no-fold", kind=bool),
    )
    diverse: float = field(
        default=0.0,
        metadata=option(
            "How far the best are spread: from 0, the plain order, to 1, as different as can be.",
            OUTPUT,
            kind=float,
            least=0,
            most=1,
            metavar="0…1",
        ),
    )
    explain: bool = field(
        default=False, metadata=option("Say how each match shows each part of the phrase.", OUTPUT, kind=bool)
    )
    project: str | Path | None = field(
        default=None,
        metadata=option("A directory saved into before, whose pictures are marked.", SAVING, kind=Path, metavar="DIR"),
    )
    unused: bool = field(
        default=False, metadata=option("Whether what was saved in {project} before is left out.", SAVING, kind=bool)
    )
    remember_in: str | None = field(
        default=None,
        metadata=option(
            "A library of this machine, by its name such as seen, in which what the sources offered is remembered as "
            "far as their terms allow: facts, addresses and embeddings, no pictures.",
            SAVING,
            metavar="NAME",
            shown_default="nothing is remembered",
        ),
    )
    words_for_tags: str = field(
        default="",
        metadata=option(
            "The text that tags are found in, if it is not the phrase: that of the search that a picture comes from.",
            SEARCH,
            on_command_line=False,
        ),
    )

    def __post_init__(self) -> None:
        from phrasepix.query_inputs import (  # bring Pillow: the options are read without it
            pictures_given,
            unwanted_given,
        )

        self._keep("tag", tags_given(self.tag))
        if not all(self.tags):
            raise WrongParameterError(
                "the tag is empty; give the main noun of what you look for, such as ", Hint("tag", "tiger")
            )
        self._keep("top", whole_number("top", self.top, WrongQueryError))
        self._keep("requests", whole_number("requests", self.requests))
        self._keep("refine_top", whole_number("refine_top", self.refine_top, WrongQueryError))
        if self.limit is not None:
            self._keep("limit", whole_number("limit", self.limit))
        if self.source is not None:
            self._keep("source", sources_given(self.source))
        if self.like is not None:
            self._keep("like", pictures_given(self.like))
        if self.minus is not None:
            self._keep("minus", unwanted_given(self.minus))
        demand_share(self.diverse)
        _ = self.ordering  # which demands its own
        for name in ("diverse", "words"):
            self._keep(name, float(getattr(self, name)))
        if isinstance(self.filters, Mapping):
            self._keep("filters", request_json.filters_of(self.filters))
        demand_filters(self.filters)
        demand_model("model", self.model)
        demand_model("refine", self.refine)
        demand_model("by", self.by)
        demand_directory("project", self.project)
        if self.project is not None:
            self._keep("project", Path(self.project))
        demand_texts(pretrained=self.pretrained)
        for name in ("device", "engine", "words_for_tags"):
            demand_text(name, getattr(self, name))
        for name in ("offline", "fold", "explain", "unused"):
            demand_flag(name, getattr(self, name))
        if self.remember_in is not None:
            demand_library("remember_in", self.remember_in)
        if self.unused and self.project is None:
            raise WrongParameterError(
                Hint("unused"), " needs the ", Hint("project"), " whose pictures are left out; say which directory"
            )
        if self.by is not None:
            self._demand_a_picture_to_compare_by()
        _ = self.query  # which demands its own, and is kept

    def _demand_a_picture_to_compare_by(self) -> None:
        from reranker.query import Query

        if self.model is not None:
            raise WrongParameterError(Hint("by"), " takes the place of ", Hint("model"), "; give one of the two")
        if self.like is None and not isinstance(self.phrase, Query):
            raise WrongParameterError(
                Hint("by"),
                " compares pictures with a picture, and there is none; give one by ",
                Hint("like", "photo.jpg"),
            )
        if any(self.query.phrases):
            raise WrongParameterError(
                Hint("by"),
                " compares pictures with pictures alone; leave out the text, or have it read by ",
                Hint("model", "ViT-B-32"),
                " instead",
            )

    @property
    def encoder(self) -> "str | Encoder | None":
        """What ranks: the encoder to compare `by`, or the model; None if the usual one does."""
        return self.model if self.by is None else self.by

    def _keep(self, name: str, value: object) -> None:
        self.__dict__[name] = value  # frozen to everybody else

    @cached_property
    def query(self) -> "Query":
        """All that is wanted and not wanted, its files read."""
        from phrasepix.query_inputs import parse_query

        return parse_query(self.phrase, self.like, self.minus)

    @property
    def tags(self) -> tuple[str, ...]:
        """The tags that were given, each once."""
        return self.tag  # type: ignore[return-value]  # as it is kept

    @property
    def wishes(self) -> Filters:
        """The filters, also those that were given as a dictionary."""
        return self.filters  # type: ignore[return-value]  # as they are kept

    @property
    def sources(self) -> tuple[SourceChoice, ...] | None:
        """The sources that were chosen, each once; None if the usual ones are to be asked."""
        return self.source  # type: ignore[return-value]  # as it is kept

    @property
    def ordering(self) -> "Ordering":
        """What ranks go by. Raises `WrongQueryError`."""
        from reranker.ordering import Ordering

        return Ordering(self.rank, self.words)

    @property
    def text_for_tags(self) -> str:
        """The text that tags are found in if none is given; empty if a picture alone is the question."""
        return self.words_for_tags or self.query.words

    def with_query(self, query: "Query") -> Self:
        """Return the request for another query, which replaces phrase, pictures and what is not wanted."""
        return replace(self, phrase=query, like=None, minus=None)

    def to_json(self) -> str:
        """Return the request as one JSON object: what differs from the defaults, with the schema's `version`.

        Raises `WrongParameterError` for what JSON cannot hold: a picture, an encoder or a retriever of this process.
        """
        stated = request_json.stated(self)
        if filters := request_json.stated(self.wishes):
            stated["filters"] = filters
        return json.dumps({"version": SCHEMA_VERSION} | stated, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Return the request that a JSON object describes, as `to_json` writes it.

        Raises `WrongParameterError` and `WrongQueryError`, which name what is not known or not of its kind.
        """
        try:
            described = json.loads(text)
        except (ValueError, RecursionError) as error:  # the latter: of thousands of brackets
            raise WrongParameterError(f"the request is no JSON: {error}") from None
        if not isinstance(described, dict):
            raise WrongParameterError("the request is no JSON object")
        return cls.from_dict(described)

    @classmethod
    def from_dict(cls, described: Mapping[str, Any], *, picture_at: "PictureAt" = request_json.as_named) -> Self:
        """Return the request that a JSON object describes, as Python holds it.

        `picture_at` gives the picture that a text names: by default the text itself, if it is an address, or a path.
        Raises as `from_json`, and what `picture_at` raises.
        """
        described = dict(described)
        version = described.pop("version", SCHEMA_VERSION)
        if version != SCHEMA_VERSION or isinstance(version, bool):
            raise WrongParameterError(f"the request has version {version!r}; this phrasepix reads {SCHEMA_VERSION}")
        return cls(**request_json.arguments(cls, described, picture_at))


def request_options() -> tuple[DeclaredOption, ...]:
    """Return all options of a search: those of the request, then those of its filters, named `filters.…`."""
    own = tuple(options_of(SearchRequest))
    return (*own, *(replace(one, name=f"filters.{one.name}") for one in options_of(Filters)))
