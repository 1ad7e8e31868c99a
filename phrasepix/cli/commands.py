"""Which command is meant, and how one is run: its errors of usage are said like all others."""

import sys
from collections.abc import Sequence
from typing import NoReturn

import click

from phrasepix.cli.errors import WRONG_USAGE

COMMANDS = ("adapt", "cache", "compare", "encoders", "find", "library", "mcp", "serve", "sources", "teach")

_MEANT_BY = {
    "source": "phrasepix sources",
    "encoder": "phrasepix encoders",
    "models": "phrasepix encoders",
    "help": "phrasepix --help",
    "usage": "phrasepix --help",
    "version": "phrasepix --version",
    "clear": "phrasepix cache clear",
    "search": 'phrasepix "PHRASE"',
}
"""What people type in place of a command, and what they mean."""

_ALIKE = 0.8
"""How alike a word and a command are, at least, of which the word is taken for a misspelling (`difflib`)."""


def run(command: click.Command, arguments: list[str], program: str) -> None:
    """Run the command and leave with its exit code; what is wrong with its arguments is one message on stderr."""
    try:
        code = command.main(arguments, prog_name=program, standalone_mode=False)
    except click.Abort:
        fail("nothing was done: it was not agreed to")
    except click.ClickException as error:
        context = getattr(error, "ctx", None)
        fail(f"{_in_our_words(error)}; {context.command_path if context else program} --help lists what there is")
    sys.exit(code or 0)


def _in_our_words(error: click.ClickException) -> str:
    """Return what is wrong with the arguments, worded as all other errors are."""
    from phrasepix_core.messages import nearest_in_words

    if isinstance(error, click.NoSuchOption):
        return f"there is no option {error.option_name}{nearest_in_words(error.option_name, error.possibilities or ())}"
    if isinstance(error, click.NoSuchCommand):
        name = error.command_name
        return f"there is no command {name}{nearest_in_words(name, error.possibilities or ())}"
    if isinstance(error, click.BadParameter):
        option = next((name for name in error.param.opts if name.startswith("--")), "") if error.param else ""
        message = f"{option}: {error.message}" if option else error.message
    else:
        message = error.format_message()
        message = message[:1].lower() + message[1:]
    return " ".join(message.split()).rstrip(".")


def fail(message: str) -> NoReturn:
    """Say what is wrong with the command, and leave."""
    print(f"Error: {message}", file=sys.stderr)
    sys.exit(WRONG_USAGE)


def check_command(arguments: Sequence[str]) -> None:
    """Leave with a question if the arguments look like a misspelt command rather than a phrase.

    A phrase may be a single word. So a word is taken for a command only if it is one of those that people type for
    one, or nearly spelt like one, and nothing else says that something is searched for: no option but those that
    commands have too, and no further word, unless that is part of a command as well (`cahce clear`), a quoted phrase
    (`serach "a tiger in the snow"`) or another command (`help sources`). `find WORD` searches for any word.
    """
    words = [one for one in arguments if not one.startswith("-")]
    options = [one for one in arguments if one.startswith("-")]
    if not words or any(one.partition("=")[0] not in {"--json", "--debug", "--header"} for one in options):
        return
    word, *others = words
    if (meant := _meant_by(word)) is None:
        return
    if not others:
        _ask(word, meant, f"phrasepix find {word}")
    elif len(others) == 1 and " " in others[0] and meant in {"phrasepix find", _MEANT_BY["search"]}:
        _ask(word, f'phrasepix "{others[0]}"', f'phrasepix find "{word} {others[0]}"')
    elif others == ["clear"] and meant == "phrasepix cache":
        _ask(word, "phrasepix cache clear", f'phrasepix find "{word} clear"')
    elif word == "help" and len(others) == 1 and others[0] in COMMANDS:
        _ask(word, f"phrasepix {others[0]} --help", f'phrasepix find "{word} {others[0]}"')


def _meant_by(word: str) -> str | None:
    if word in _MEANT_BY:
        return _MEANT_BY[word]
    from difflib import get_close_matches

    near = get_close_matches(word, [*COMMANDS, "search"], n=1, cutoff=_ALIKE)
    if not near:
        return None
    return _MEANT_BY.get(near[0], f"phrasepix {near[0]}")


def _ask(word: str, meant: str, search: str) -> NoReturn:
    fail(f"there is no command {word!r}; did you mean: {meant}\nTo search for pictures of it: {search}")
