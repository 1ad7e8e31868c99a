"""A request: every option declared once for all faces, checked when it is made, the same after a way through JSON."""

import dataclasses
import inspect
import json
import pickle
from collections.abc import Iterator
from dataclasses import FrozenInstanceError, fields, replace
from datetime import date
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import numpy as np
import pytest
from PIL import Image

from phrasepix import Filters, Phrase, PhrasepixError, Query, SearchRequest, find_images, stream_images
from phrasepix.cli.find import COMMAND
from phrasepix.cli.parameters import as_typed, flag_of, request_of
from phrasepix.request import GROUPS, SCHEMA_VERSION, request_options
from phrasepix.request_schema import request_schema
from phrasepix_core.messages import Hint
from phrasepix_core.options import options_of
from reranker.errors import WrongQueryError
from reranker.query import Example
from reranker.testing import ColourEncoder
from retriever.errors import WrongParameterError
from tests.picture_tree import picture, write
from tests.test_several_sources import OwnSource

if TYPE_CHECKING:
    from jsonschema import Draft202012Validator

OF_THE_CALL = {"key", "base_url", "on_progress"}
"""What a function takes besides a request's options."""

OPTIONS = {one.name: one for one in request_options()}


def asked(**changes: Any) -> SearchRequest:
    return SearchRequest(**{"phrase": "a lighthouse in fog"} | changes)


# Every option is declared once.


@pytest.mark.parametrize("declaring", [SearchRequest, Filters])
def test_every_field_is_an_option(declaring: type) -> None:
    declared = {one.name for one in options_of(declaring)}
    assert {one.name for one in fields(declaring)} - {"filters"} == declared


@pytest.mark.parametrize("name", OPTIONS)
def test_an_option_says_what_every_face_needs(name: str) -> None:
    option, default = OPTIONS[name].option, OPTIONS[name].default
    assert option.help.endswith(".")
    assert option.group in GROUPS
    option.help.format_map({one.rpartition(".")[2]: one for one in OPTIONS})  # names no option that is none
    if isinstance(default, bool | int | float | str) and option.parse is None:
        assert isinstance(default, option.kind)
    assert not option.choices or default in (*option.choices, ())
    for value in (option.least, option.most):
        assert value is None or option.kind in (int, float)


@pytest.mark.parametrize("function", [find_images, stream_images])
def test_the_functions_take_the_options_by_name_with_their_defaults(function: Any) -> None:
    parameters = inspect.signature(function).parameters
    assert parameters.keys() == {one.name for one in fields(SearchRequest)} | OF_THE_CALL
    for one in fields(SearchRequest):
        assert parameters[one.name].default == one.default
        is_first = one.name == "phrase"
        kind = inspect.Parameter.POSITIONAL_OR_KEYWORD if is_first else inspect.Parameter.KEYWORD_ONLY
        assert parameters[one.name].kind is kind


def parameter_of(name: str) -> click.Option:
    (found,) = [one for one in COMMAND.params if one.name == name.replace(".", "__")]
    assert isinstance(found, click.Option)
    return found


ON_THE_COMMAND_LINE = [name for name, one in OPTIONS.items() if one.option.on_command_line and name != "phrase"]


@pytest.mark.parametrize("name", ON_THE_COMMAND_LINE)
def test_the_command_line_has_the_option_under_the_flag_that_errors_name(name: str) -> None:
    declared, parameter = OPTIONS[name], parameter_of(name)
    assert flag_of(declared) in parameter.opts
    assert as_typed(Hint(name, "x y")) == f"{flag_of(declared)} 'x y'"
    assert parameter.multiple == declared.option.repeats
    assert parameter.is_flag == (declared.option.kind is bool)
    assert all(choice in str(parameter.help) for choice in declared.option.choices)


def test_what_is_not_on_the_command_line_is_what_nobody_types() -> None:
    assert OPTIONS.keys() - {*ON_THE_COMMAND_LINE} == {"phrase", "words_for_tags", "filters.language_is_found"}


def test_a_command_line_without_options_makes_the_request_of_the_defaults() -> None:
    context = COMMAND.make_context("phrasepix", ["a lighthouse", "in fog"])
    assert request_of(context.params["phrase_words"], context.params) == asked()


def test_a_command_line_makes_the_request_that_its_options_say() -> None:
    typed = (
        "a lighthouse in fog -t tower,sea --tag fog --minus people -n 3 --limit 40 --requests 2 -s sample "
        "--source pexels --rank normalised --words 0.25 --offline --model best --no-fold --diverse 0.5 --explain "
        "--project saved --unused --type vector --aspect 3:2 --min-width 640 --color red --colour blue "
        "--licence modification --since 2021-02 --until 2021-02 --no-ai --no-safe-search --creator Ann --lang de "
        "--order latest"
    )
    context = COMMAND.make_context("phrasepix", typed.split())
    assert request_of(context.params["phrase_words"], context.params) == asked(
        tag=["tower", "sea", "fog"],
        minus="people",
        top=3,
        limit=40,
        requests=2,
        source=("sample", "pexels"),
        rank="normalised",
        words=0.25,
        offline=True,
        model="best",
        fold=False,
        diverse=0.5,
        explain=True,
        project=Path("saved"),
        unused=True,
        filters=Filters(
            media_type="vector",
            aspect_ratio=1.5,
            min_width=640,
            colours=("red", "blue"),
            licence=("modification",),
            since=date(2021, 2, 1),
            until=date(2021, 2, 28),
            exclude_ai=True,
            safe_search=False,
            creator="Ann",
            language="de",
            order="latest",
        ),
    )


# Checked when it is made.


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"phrase": " \u200b"}, "the phrase is empty"),
        ({"phrase": None}, "nothing is asked for; give a phrase, or a picture"),
        ({"tag": ", ;"}, 'the tag is empty; give .* tag="tiger"'),
        ({"top": 0}, "top 0 is out of range; allowed: whole numbers from 1"),
        ({"limit": True}, "limit True is out of range; allowed: whole numbers from 1"),
        ({"requests": "many"}, "requests 'many' is out of range"),
        ({"refine_top": -4}, "refine_top -4 is out of range"),
        ({"rank": "best"}, "rank 'best' is not known; allowed: cosine, normalised"),
        ({"rank": ["cosine"]}, r"rank \['cosine'\] is not known; allowed: cosine, normalised"),
        ({"words": 1.01}, r"words 1\.01 is out of range; allowed: 0, .* to 1"),
        ({"words": "much"}, "words 'much' is out of range"),
        ({"words": True}, "words True is out of range"),
        ({"words": float("nan")}, "words nan is out of range"),
        ({"diverse": float("inf")}, "diverse inf is out of range"),
        ({"diverse": False}, "diverse False is out of range"),
        ({"offline": 1}, "offline 1 is not known; allowed: True, False"),
        ({"fold": None}, "fold None is not known; allowed: True, False"),
        ({"explain": "yes"}, "explain 'yes' is not known; allowed: True, False"),
        ({"unused": True}, "unused needs the project"),
        ({"device": None}, "device None is no text"),
        ({"engine": 4}, "engine 4 is no text"),
        ({"pretrained": Path("x")}, "pretrained .* is no text"),
        ({"words_for_tags": None}, "words_for_tags None is no text"),
        ({"project": ["a"]}, r"project \['a'\] is no path; give a str or a Path"),
        ({"minus": "\t"}, "what is not wanted is empty"),
        ({"minus": "a lighthouse IN fog"}, "both wanted and not wanted"),
        ({"minus": ("people", -1)}, "the weight -1 of the phrase “people” is out of range; allowed: numbers above 0"),
        ({"minus": Path("no such file.png")}, "there is no file .*no such file.png; compare"),
        ({"like": ""}, "'' is no picture to compare with"),
        ({"like": "ftp://x.example/a.png"}, "is not an http or https address"),
        ({"like": "no such file.png"}, "there is no file .*no such file.png; compare"),
        ({"like": ["https://x.example/a.png", 7]}, "7 is no picture to compare with; give a file"),
    ],
    ids=repr,
)
def test_a_wrong_value_is_refused_by_option_value_and_what_is_allowed(wrong: dict[str, Any], words: str) -> None:
    with pytest.raises(PhrasepixError, match=words) as raised:
        asked(**wrong)
    assert isinstance(raised.value, WrongParameterError | WrongQueryError)
    assert isinstance(raised.value, ValueError)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"media_type": "drawing"}, "media type 'drawing' is not known; allowed: all, photo, "),
        ({"orientation": 4}, "orientation 4 is not known; allowed: all, horizontal, "),
        ({"order": None}, "order None is not known; allowed: popular, latest"),
        ({"colours": "mauve"}, "colour 'mauve' is not known; allowed: .*, red, "),
        ({"colours": 5}, "colour 5 is not known; allowed: "),
        ({"colours": [["red"]]}, r"colour \['red'\] is not known; allowed: "),
        ({"licence": None}, "licence None is not known; allowed: commercial, modification, any"),
        ({"aspect_ratio": 0}, r"aspect ratio 0 is out of range; allowed: 0\.01 to 100"),
        ({"aspect_ratio": "16:9"}, "aspect ratio '16:9' is out of range"),
        ({"min_width": -1}, "min_width -1 is out of range; allowed: whole numbers from 0"),
        ({"min_height": 1.5}, r"min_height 1\.5 is out of range"),
        ({"since": "2024"}, "since '2024' is not a day; give a datetime.date"),
        ({"since": date(2024, 2, 2), "until": date(2024, 2, 1)}, "since 2024-02-02 lies after until 2024-02-01"),
        ({"exclude_ai": 1}, "exclude_ai 1 is not known; allowed: True, False"),
        ({"creator": " "}, "the creator is empty"),
        ({"language": 5}, "language 5 is no text"),
        ({"category": ["animals"]}, r"category \['animals'\] is no text"),
    ],
    ids=repr,
)
def test_a_wrong_filter_is_refused_by_name_value_and_what_is_allowed(wrong: dict[str, Any], words: str) -> None:
    with pytest.raises(WrongParameterError, match=words):
        Filters(**wrong)


# One or several are kept alike, and nobody changes it.


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"tag": "fog"}, {"tag": ["fog"]}),
        ({"tag": "fog, sea ;tower"}, {"tag": ("fog", "sea", "tower", "fog")}),
        ({"tag": None}, {"tag": []}),
        ({"tag": "fog"}, {"tag": "fog,,"}),
        ({"tag": "fog\u3001sea"}, {"tag": ["fog", " sea "]}),
        ({"source": "sample"}, {"source": ["sample", "sample"]}),
        ({"source": Path("pictures")}, {"source": "folder:pictures"}),
        ({"source": ["sample", Path("a")]}, {"source": ("sample", "folder:a")}),
        ({"minus": "people"}, {"minus": [Phrase("people")]}),
        ({"minus": ("people", 0.5)}, {"minus": [Phrase("people", 0.5)]}),
        ({"like": "https://x.example/a.png"}, {"like": [("https://x.example/a.png", 1)]}),
        ({"project": "saved"}, {"project": Path("saved")}),
        ({"top": np.int64(4), "words": np.float32(0.5), "diverse": 1}, {"top": 4, "words": 0.5, "diverse": 1.0}),
    ],
    ids=repr,
)
def test_what_means_the_same_is_equal(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert asked(**one) == asked(**other)
    assert hash(asked(**one)) == hash(asked(**other))


def test_what_means_something_else_is_not_equal() -> None:
    requests = [
        asked(),
        asked(phrase="a pier"),
        asked(top=9),
        asked(minus="people"),
        asked(filters=Filters(order="latest")),
    ]
    assert len({*requests}) == len(requests)


def test_a_file_and_its_path_as_a_text_are_one_picture_and_read_at_once(tmp_path: Path) -> None:
    path = write(tmp_path / "a.png", picture(1))
    by_path, by_text = asked(like=path), asked(like=[str(path)])
    assert by_path == by_text
    path.unlink()
    (found,) = by_path.query.examples
    assert isinstance(found.picture, Image.Image)


def test_a_list_that_is_changed_later_changes_no_request() -> None:
    tags, unwanted, colours = ["fog"], ["people"], ["red"]
    request = asked(tag=tags, minus=unwanted, filters=Filters(colours=colours))  # type: ignore[arg-type]
    for one in (tags, unwanted, colours):
        one.append("more")
    assert request == asked(tag="fog", minus="people", filters=Filters(colours=("red",)))


@pytest.mark.parametrize("name", [one.name for one in fields(SearchRequest)])
def test_no_field_can_be_set(name: str) -> None:
    with pytest.raises(FrozenInstanceError):
        setattr(asked(), name, None)


SAID: dict[str, Any] = {
    "phrase": "a ferry at dusk",
    "tag": "ferry, dusk",
    "like": ["https://x.example/a.png", ("https://x.example/b.png", 0.25)],
    "minus": ["people", ("cars", 0.5), "https://x.example/c.png", Phrase("https://is.a/phrase", 2.0)],
    "top": 3,
    "limit": 50,
    "requests": 2,
    "source": ["sample", Path("some where")],
    "rank": "normalised",
    "words": 0.5,
    "offline": True,
    "filters": Filters(
        media_type="all",
        orientation="square",
        aspect_ratio=1.25,
        min_width=10,
        min_height=20,
        colours=("red", "blue"),
        licence=("commercial",),
        since=date(2020, 1, 2),
        until=date(2021, 3, 4),
        exclude_ai=True,
        safe_search=False,
        creator="Ünal “x”",
        months=(1, 12),
        on_day="02-29",
        any_tags=("a", "b"),
        all_tags=("c",),
        no_tags=("d, e",),
        camera="Canon EOS",
        min_rating=3,
        near="48.2,16.4,5.0",
        where="width > 10",
        language="de",
        category="animals",
        editors_choice=True,
        order="latest",
    ),
    "model": "multilingual",
    "pretrained": "laion2b",
    "device": "cpu",
    "engine": "torch",
    "refine": "ViT-L-14/openai",
    "refine_top": 7,
    "fold": False,
    "diverse": 0.125,
    "explain": True,
    "project": Path("saved"),
    "unused": True,
    "remember_in": "seen",
    "words_for_tags": "a boat",
}
"""A value other than the default for every field, but for `by`: it goes with no phrase and no model."""


def test_every_field_is_said_otherwise() -> None:
    assert SAID.keys() == {one.name for one in fields(SearchRequest)} - {"by"}
    for one in (one for one in fields(SearchRequest) if one.name in SAID):
        assert SAID[one.name] != one.default
    filters = SAID["filters"]
    for one in fields(Filters):
        assert getattr(filters, one.name) != one.default or one.name == "language_is_found"


@pytest.mark.parametrize("name", [name for name in SAID if name not in {"project", "unused"}])
def test_replacing_one_field_keeps_all_others(name: str) -> None:
    full = SearchRequest(**SAID)
    default: Any = next(one.default for one in fields(SearchRequest) if one.name == name)
    other = replace(full, **{name: default})
    kept = {one.name: getattr(other, one.name) for one in fields(other) if one.name != name}
    assert kept == {one: getattr(full, one) for one in kept}
    assert replace(other, **{name: SAID[name]}) == full


def test_another_query_replaces_phrase_pictures_and_what_is_not_wanted_alone() -> None:
    query = Query((Phrase("a pier"),), (Phrase("rain"),))
    other = SearchRequest(**SAID).with_query(query)
    assert other.query == query
    assert other == SearchRequest(**SAID | {"phrase": query, "like": None, "minus": None})


def test_a_pickled_request_is_the_same_with_its_pictures(tmp_path: Path) -> None:
    path = write(tmp_path / "a.png", picture(1))
    request = asked(like=path)
    path.unlink()
    again = pickle.loads(pickle.dumps(request))
    assert again == request
    assert [one.title for one in again.query.examples] == ["a.png"]


# JSON.


@cache
def check() -> "Draft202012Validator":
    """What tells whether JSON meets the schema."""
    from jsonschema import Draft202012Validator  # seconds, which only these tests need

    return Draft202012Validator(request_schema())


def test_the_schema_is_one_and_names_every_option_with_its_default_help_and_range() -> None:
    schema = request_schema()
    check().check_schema(schema)
    own, of_filters = schema["properties"], schema["properties"]["filters"]["properties"]
    assert schema["properties"]["version"]["const"] == SCHEMA_VERSION
    named = {*own, *(f"filters.{name}" for name in of_filters)} - {"version", "filters"}
    assert named == {name for name, one in OPTIONS.items() if one.option.in_json}
    for name in named:
        option, default = OPTIONS[name].option, OPTIONS[name].default
        described = (of_filters if name.startswith("filters.") else own)[name.removeprefix("filters.")]
        assert described["description"].startswith(option.help.split("{")[0])
        assert "{" not in described["description"]
        if default not in (None, (), ""):
            assert described["default"] == default
        form = next(iter(described.get("anyOf", [described])))
        assert form.get("enum", []) == list(option.choices)
        assert (form.get("minimum"), form.get("maximum")) == (option.least, option.most)
        assert any(one.get("type") == "array" for one in described.get("anyOf", [])) == option.repeats


def test_a_request_of_the_defaults_says_its_version_and_phrase_alone() -> None:
    assert json.loads(asked().to_json()) == {"version": 1, "phrase": "a lighthouse in fog"}


@pytest.mark.parametrize("name", ["everything", *SAID])
def test_what_json_can_hold_comes_back_equal_and_meets_the_schema(name: str) -> None:
    said = SAID if name == "everything" else {name: SAID[name]}
    if name == "unused":
        said |= {"project": "saved"}
    request = asked(**said)
    text = request.to_json()
    again = SearchRequest.from_json(text)
    assert again == request
    assert again.query == request.query
    assert again.to_json() == text
    check().validate(json.loads(text))


@pytest.mark.parametrize(
    "phrase",
    [
        Query((Phrase("a pier", 2.0), Phrase("rain")), (Phrase("people", 0.5),)),
        Query((Example.at_address("https://x.example/a.png", 0.5),)),
        '“Ä” \\ " \u2028 \U0001f600 {like}',
    ],
    ids=["weights", "picture", "characters"],
)
def test_a_phrase_of_any_kind_comes_back_equal(phrase: Any) -> None:
    request = SearchRequest(phrase)
    assert SearchRequest.from_json(request.to_json()).query == request.query
    check().validate(json.loads(request.to_json()))


def test_files_come_back_as_files(tmp_path: Path) -> None:
    one, other = write(tmp_path / "a.png", picture(1)), write(tmp_path / "b.png", picture(2))
    request = SearchRequest(like=(one, 0.5), minus=other)
    again = SearchRequest.from_json(request.to_json())
    assert again == request
    assert [part.title for part in again.query.parts] == ["a.png", "b.png"]
    check().validate(json.loads(request.to_json()))


def test_every_filter_comes_back_alone() -> None:
    for one in fields(Filters):
        if one.name != "language_is_found":
            request = asked(filters=Filters(**{one.name: getattr(SAID["filters"], one.name)}))
            assert SearchRequest.from_json(request.to_json()) == request
            assert json.loads(request.to_json())["filters"].keys() == {one.name}


@pytest.mark.parametrize(
    "written",
    [
        {"phrase": "fog", "tag": "sea", "source": "sample", "minus": "people", "like": "https://x.example/a.png"},
        {"version": 1, "phrase": "fog", "filters": {"aspect_ratio": "16:9", "since": "2024-05", "colours": "red"}},
        {"like": {"picture": "https://x.example/a.png"}, "minus": [{"phrase": "people"}, "cars"]},
        {"phrase": {"wanted": [{"phrase": "fog"}, {"picture": "https://x.example/a.png"}]}},
        {"phrase": "fog", "limit": None, "model": None, "source": None, "tag": None, "filters": {}},
    ],
    ids=str,
)
def test_what_people_write_by_hand_is_read(written: dict[str, Any]) -> None:
    check().validate(written)
    SearchRequest.from_json(json.dumps(written))


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ({}, "nothing is asked for"),
        ({"phrase": ""}, "the phrase is empty"),
        ({"phrase": 4}, "phrase 4 is no text"),
        ({"phrase": {"wanted": []}}, "nothing is asked for"),
        ({"phrase": {"wanted": 5}}, "wanted is 5; it must be a list"),
        ({"phrase": {"wished": []}}, "part of a query 'wished' is not known; allowed: unwanted, wanted"),
        ({"phrase": {"wanted": ["fog"]}}, "'fog' is no part of a query"),
        ({"phrase": {"wanted": [{"phrase": "fog", "wait": 1}]}}, "is no part of a query"),
        ({"phrase": {"wanted": [{"phrase": "fog", "weight": "1"}]}}, "the weight '1' of the phrase “fog”"),
        ({"phrase": {"wanted": [{"phrase": "fog", "weight": 0}]}}, "the weight 0 of the phrase “fog”"),
        ({"version": 2}, "version 2; this phrasepix reads 1"),
        ({"version": "1"}, "version '1'"),
        ({"version": True}, "version True"),
        ({"tags": "fog"}, "option 'tags' is not known \\(did you mean tag\\?\\); allowed: by, device, .*, tag, top"),
        ({"key": "31415926"}, "option 'key' is not known"),
        ({"filters": {"language_is_found": True}}, "filter 'language_is_found' is not known; allowed: all_tags"),
        ({"filters": {"colour": "red"}}, "filter 'colour' is not known"),
        ({"filters": []}, r"filters \[\] are no JSON object"),
        ({"filters": {"colours": 5}}, "colour 5 is not known"),
        ({"filters": {"colours": ["red", "mauve"]}}, "colour 'mauve' is not known"),
        ({"filters": {"since": 2024}}, "since 2024 is not a day"),
        ({"filters": {"aspect_ratio": 1000}}, "aspect ratio 1000 is out of range"),
        ({"filters": {"min_width": "wide"}}, "min_width 'wide' is out of range"),
        ({"tag": {"a": 1}}, "tag {'a': 1} is no text"),
        ({"tag": ["fog", 1]}, "tag .* is no text"),
        ({"source": []}, r"source \[\] names none"),
        ({"source": {"name": "sample"}}, "source .* is none"),
        ({"top": "3"}, "top '3' is out of range"),
        ({"top": 2.5}, r"top 2\.5 is out of range"),
        ({"words": "much"}, "words 'much' is out of range"),
        ({"diverse": 2}, "diverse 2 is out of range"),
        ({"rank": "best"}, "rank 'best' is not known"),
        ({"offline": "no"}, "offline 'no' is not known"),
        ({"model": ["best"]}, r"model \['best'\] is no model"),
        ({"device": None}, "device None is no text"),
        ({"project": 4}, "project 4 is no path"),
        ({"like": 5}, "5 is no picture to compare with"),
        ({"like": {"picture": "https://x.example/a.png", "weight": "2"}}, "the weight '2' of https://x.example/a.png"),
        ({"like": {"picture": "https://x.example/a.png", "weight": -2}}, "the weight -2 of a.png"),
        ({"like": {"phrase": "fog"}}, "is no picture to compare with"),
        ({"minus": {"text": "people"}}, "is nothing to compare with"),
        ({"minus": [{"phrase": "people", "weight": True}]}, "the weight True of the phrase “people”"),
    ],
    ids=str,
)
def test_what_is_wrong_in_json_is_named_and_meets_no_schema(written: dict[str, Any], words: str) -> None:
    whole = ({} if not written else {"phrase": "a lighthouse"}) | written
    with pytest.raises(PhrasepixError, match=words):
        SearchRequest.from_json(json.dumps(whole))
    assert not check().is_valid(whole)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "the request is no JSON"),
        ("{'phrase': 1}", "the request is no JSON"),
        ("[" * 100_000, "the request is no JSON"),
        ('["a boat"]', "the request is no JSON object"),
        ("null", "the request is no JSON object"),
        ('{"phrase": "fog", "words": NaN}', "words nan is out of range"),
    ],
    ids=["nothing", "quotes", "deep", "list", "null", "no number"],
)
def test_what_is_no_request_at_all_is_said(text: str, words: str) -> None:
    with pytest.raises(PhrasepixError, match=words):
        SearchRequest.from_json(text)


def unwritable(tmp_path: Path) -> Iterator[tuple[str, dict[str, Any], str]]:
    red = Image.new("RGB", (8, 8), "red")
    yield "picture", {"like": red}, "the picture a picture|Image among the pictures"
    yield "weighed picture", {"minus": [(red, 2)]}, "Image among the pictures"
    yield "example", {"like": Example(red, title="mine")}, "the picture mine is of this process alone"
    yield "part", {"phrase": Query((Example(red, title="mine"),))}, "the picture mine is of this process alone"
    yield "encoder", {"model": ColourEncoder()}, "model holds ColourEncoder, which is of this process alone"
    yield "second encoder", {"refine": ColourEncoder()}, "refine holds ColourEncoder"
    yield "retriever", {"source": ["sample", OwnSource("own", [])]}, "source holds OwnSource"


def test_what_is_of_this_process_alone_is_refused_by_name(tmp_path: Path) -> None:
    for _, given, words in unwritable(tmp_path):
        with pytest.raises(WrongParameterError, match=words):
            asked(**given).to_json()


def test_no_subclass_writes_what_is_no_option() -> None:
    @dataclasses.dataclass(frozen=True, kw_only=True)
    class WithKey(SearchRequest):
        key: str = "31415926"

    assert "31415926" not in WithKey("fog").to_json()
