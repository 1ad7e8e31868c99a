"""The options of a search as text, made of their declarations."""

import textwrap
from collections.abc import Collection, Iterator

from phrasepix_core.options import DeclaredOption, options_of

_WIDTH = 118


def in_python(text: str) -> str:
    """Return a help text with the options it names, such as `{like}`, as arguments."""
    return text.replace("{", "`").replace("}", "`")


def options_as_list(declaring: type, only: Collection[str] | None = None) -> str:
    """Return the options a dataclass declares, or some of them, as lists in Markdown, one below each heading."""
    return "\n\n".join(_lists(declaring, only))


def _lists(declaring: type, only: Collection[str] | None) -> Iterator[str]:
    by_group: dict[str, list[DeclaredOption]] = {}
    for declared in (one for one in options_of(declaring) if only is None or one.name in only):
        by_group.setdefault(declared.option.group, []).append(declared)
    for group, several in by_group.items():
        yield f"{group}:\n\n" + "\n".join(_line(declared) for declared in several)


def _line(declared: DeclaredOption) -> str:
    option = declared.option
    default = f" By default {option.shown_default}." if option.shown_default else ""
    line = f"- `{declared.name}`: {in_python(option.help)}{default}"
    return textwrap.fill(line, _WIDTH, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False)
