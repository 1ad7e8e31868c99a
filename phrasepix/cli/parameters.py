"""The command line's parameters, made of the options where they are declared."""

import shlex
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from phrasepix.cli.help_text import UNBROKEN, HelpedCommand, write_lines
from phrasepix.cli.value_types import Number, PathValue, WholeNumber
from phrasepix.request import GROUPS, SEARCH, SearchRequest, request_options
from phrasepix_core.messages import Hint
from phrasepix_core.options import DeclaredOption, options_of
from retriever.filters import CANDIDATES, Filters

_FILTER = "filters."
_OTHERS = "Other options"


def flag_of(declared: DeclaredOption) -> str:
    """Return what an option is called on the command line."""
    own = "--" + declared.name.removeprefix(_FILTER).replace("_", "-")
    return next((flag for flag in declared.option.flags if flag.startswith("--")), own)


def as_typed(hint: Hint) -> str:
    """Return a hint as it is typed on the command line."""
    flag = _flags().get(hint.option, "--" + hint.option.rpartition(".")[2].replace("_", "-"))
    if hint.value is None or hint.value is True:
        return flag
    return f"{flag} {shlex.quote(str(hint.value))}"


def _flags() -> Mapping[str, str]:
    return {declared.name: flag_of(declared) for declared in request_options()}


def parameters(*declaring: type) -> list[click.Parameter]:
    """Return the parameters of a command: those of a search and those that the dataclasses `declaring` add."""
    flags = {name.removeprefix(_FILTER): flag for name, flag in _flags().items()}
    flags |= {one.name: flag_of(one) for each in declaring for one in options_of(each)}
    declared = [*request_options(), *(one for each in declaring for one in options_of(each))]
    return [
        click.Argument(["phrase_words"], nargs=-1, metavar="PHRASE"),
        *(_parameter(one, flags) for one in declared if one.option.on_command_line and one.name != "phrase"),
    ]


def search_parameters(names: Collection[str]) -> list[click.Parameter]:
    """Return the parameters of some options of a search, in the order of `names`, for a command that has not all."""
    declared = {one.name: one for one in options_of(SearchRequest)}
    return [_parameter(declared[name], _flags()) for name in names]


def filter_parameters(*declaring: type) -> list[click.Parameter]:
    """Return the parameters of a search's filters, and of those options of dataclasses that stand among them."""
    declared = [*request_options(), *(one for each in declaring for one in options_of(each))]
    wanted = (one for one in declared if one.option.group == CANDIDATES and one.option.on_command_line)
    return [_parameter(one, _flags()) for one in wanted]


def values_of_search(names: Collection[str], values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of a request that were typed for some options; one that may repeat and was not is None."""
    declared = {one.name: one for one in options_of(SearchRequest)}
    return {name: (values[name] or None) if declared[name].option.repeats else values[name] for name in names}


def _parameter(declared: DeclaredOption, flags: Mapping[str, str]) -> click.Parameter:
    option = declared.option
    names = [declared.name.replace(".", "__"), *(option.flags or (flag_of(declared),))]
    if option.kind is bool and len(option.flags) == 2 and option.flags[1].startswith("--no-"):
        names = [names[0], "/".join(option.flags)]
    default: Any = declared.default
    help_text = option.help.format_map(flags)
    if option.choices and not all(choice in help_text for choice in option.choices[:2]):
        help_text = f"{help_text} One of: {', '.join(option.choices)}."
    if spellings := [flag for flag in option.flags[1:] if _is_another_spelling(flag)]:
        help_text = f"{help_text} Also spelt {', '.join(spellings)}."
    if default_in_words := option.shown_default or _in_words(default):
        between = " " if " " in default_in_words else UNBROKEN
        help_text = f"{help_text} [default:{between}{default_in_words}]"
    return GroupedOption(
        names,
        group=option.group,
        type=_type(declared),
        is_flag=option.kind is bool,
        multiple=option.repeats,
        metavar=option.metavar or None,
        default=default,
        help=help_text,
    )


def _is_another_spelling(flag: str) -> bool:
    return flag.startswith("--") and not flag.startswith("--no-")


def _in_words(default: object) -> str:
    """Return what holds without an option; empty if that is nothing to speak of."""
    if default is True:
        return "on"
    return "" if default in (None, (), "", False, 0) else str(default)


def _type(declared: DeclaredOption) -> Any:
    option = declared.option
    if option.kind is int:
        return WholeNumber(0 if option.least is None else int(option.least))
    if option.kind is Path:
        return PathValue(dir_okay=option.metavar != "FILE", file_okay=option.metavar != "DIR")
    if option.parse is not None:
        return str
    if option.kind is float:
        return Number()
    return option.kind


class GroupedOption(click.Option):
    """An option that is listed under a heading of its group."""

    def __init__(self, names: list[str], *, group: str = _OTHERS, **settings: Any) -> None:
        super().__init__(names, **settings)
        self.group = group

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        """Return the option as it is typed, in its first spelling, and what it does."""
        if self.hidden:
            return None
        short = [flag for flag in self.opts if not flag.startswith("--")]
        long = next(flag for flag in self.opts if flag.startswith("--"))
        if self.secondary_opts:
            long = f"--[no-]{long.removeprefix('--')}"
        named = ", ".join([*short, long])
        return (named if self.is_flag else f"{named} {self.make_metavar(ctx)}"), self.help or ""


class FilteringCommand(HelpedCommand):
    """A command whose help lists the filters of a search behind its other options, below a heading of their own."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options, then the filters."""
        sections: dict[str, list[tuple[str, str]]] = {"Options": [], CANDIDATES: []}
        for parameter in self.get_params(ctx):
            if isinstance(parameter, click.Option) and (record := parameter.get_help_record(ctx)) is not None:
                sections[CANDIDATES if getattr(parameter, "group", "") == CANDIDATES else "Options"].append(record)
        for heading, records in sections.items():
            with formatter.section(heading):
                formatter.write_dl(records)


class GroupedCommand(HelpedCommand):
    """A command whose help lists the options by their groups, and `examples` and `others` below them."""

    def __init__(self, name: str, *, examples: Sequence[str], others: Mapping[str, str], **settings: Any) -> None:
        super().__init__(name, **settings)
        self._examples = examples
        self._others = others

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write each group's options below its heading."""
        phrase = next(declared for declared in request_options() if declared.name == "phrase")
        flags = {name: flag for name, flag in _flags().items() if not name.startswith(_FILTER)}
        groups: dict[str, list[tuple[str, str]]] = {group: [] for group in GROUPS}
        groups[SEARCH].append((phrase.option.metavar, phrase.option.help.format_map(flags)))
        for parameter in self.get_params(ctx):
            if isinstance(parameter, click.Option) and (record := parameter.get_help_record(ctx)) is not None:
                groups.setdefault(getattr(parameter, "group", _OTHERS), []).append(record)
        for group, records in groups.items():
            with formatter.section(group):
                formatter.write_dl(records)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the examples, each on a line that can be copied, and the other commands."""
        with formatter.section("Examples"):
            write_lines(formatter, self._examples)
        with formatter.section("Other commands"):
            formatter.write_dl(list(self._others.items()))


def request_of(words: Sequence[str], values: Mapping[str, Any]) -> SearchRequest:
    """Return the request that was typed; `values` are those of the parameters by name.

    Raises `PhrasepixError`, naming what is wrong.
    """
    # The quotes are easily forgotten, and what was meant is plain.
    arguments: dict[str, Any] = {"phrase": " ".join(words) if words else None, "filters": filters_of(values)}
    names = [declared.name for declared in options_of(SearchRequest) if declared.name in values]
    return SearchRequest(**arguments, **values_of_search(names, values))


def filters_of(values: Mapping[str, Any]) -> Filters:
    """Return the filters that were typed. Raises `WrongParameterError`, naming what is wrong."""
    from retriever import filter_texts
    from retriever.errors import WrongParameterError

    stated: dict[str, Any] = {}
    for declared in (one for one in options_of(Filters) if one.option.on_command_line):
        value = values[f"{_FILTER}{declared.name}".replace(".", "__")]
        parse = declared.option.parse
        stated[declared.name] = parse(value) if parse is not None and isinstance(value, str) else value
    if (year := values.get("year")) is not None:
        if stated["since"] is not None or stated["until"] is not None:
            raise WrongParameterError("--year stands for --since and --until of that year; give the one or the others")
        stated["since"], stated["until"] = filter_texts.year(year)
    return Filters(**stated)
