"""The options of a search as text, made of their declarations."""

import textwrap
from collections.abc import Iterator

from phrasepix_core.options import DeclaredOption, options_of

_WIDTH = 118


def in_python(text: str) -> str:
    """Return a help text with the options it names, such as `{like}`, as arguments."""
    return text.replace("{", "`").replace("}", "`")


def options_as_list(declaring: type) -> str:
    """Return the options a dataclass declares as lists in Markdown, one below each heading."""
    return "\n\n".join(_lists(declaring))


def _lists(declaring: type) -> Iterator[str]:
    by_group: dict[str, list[DeclaredOption]] = {}
    for declared in options_of(declaring):
        by_group.setdefault(declared.option.group, []).append(declared)
    for group, several in by_group.items():
        yield f"{group}:\n\n" + "\n".join(_line(declared) for declared in several)


def _line(declared: DeclaredOption) -> str:
    option = declared.option
    default = f" By default {option.shown_default}." if option.shown_default else ""
    line = f"- `{declared.name}`: {in_python(option.help)}{default}"
    return textwrap.fill(line, _WIDTH, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False)
