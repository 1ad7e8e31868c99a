"""Which command is meant, and how one is run: its errors of usage are said like all others."""

import re
import shlex
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


_OF_A_FILE = re.compile(r"[/\\]|^~|\.[A-Za-z0-9]{2,5}$")
"""What the names of files and addresses have, and no word of a phrase."""


def command_named(name: str) -> click.Command:
    """Return one of `COMMANDS`, imported now."""
    match name:
        case "adapt":
            from phrasepix.cli import adapt

            return adapt.adapt
        case "cache":
            from phrasepix.cli import cache

            return cache.show
        case "compare":
            from phrasepix.cli import compare

            return compare.compare
        case "encoders":
            from phrasepix.cli import encoders

            return encoders.show
        case "library":
            from phrasepix.cli import library

            return library.library
        case "mcp":
            from phrasepix.cli import assistant

            return assistant.serve
        case "serve":
            from phrasepix.cli import serve

            return serve.run_server
        case "sources":
            from phrasepix.cli import sources

            return sources.show
        case "teach":
            from phrasepix.cli import teach

            return teach.teach
        case _:
            from phrasepix.cli import find

            return find.COMMAND


def run(command: click.Command, arguments: list[str], program: str) -> None:
    """Run the command and leave with its exit code; what is wrong with its arguments is one message on stderr."""
    try:
        code = command.main(arguments, prog_name=program, standalone_mode=False)
    except click.Abort:
        fail("nothing was done: it was not agreed to")
    except click.exceptions.NoArgsIsHelpError as error:  # the name of a group alone: as `phrasepix` alone
        click.echo(error.ctx.get_help() if error.ctx else "")
        sys.exit(WRONG_USAGE)
    except click.ClickException as error:
        context = getattr(error, "ctx", None)
        listed = f"{context.command_path if context else program} --help lists what there is"
        instead = _behind_dashes(error, arguments, program) or _instead(command, arguments, program)
        fail(f"{_in_our_words(error)}; {listed}{instead}")
    sys.exit(code or 0)


def _in_our_words(error: click.ClickException) -> str:
    """Return what is wrong with the arguments, worded as all other errors are."""
    from phrasepix_core.messages import nearest_in_words

    if isinstance(error, click.NoSuchOption):
        return f"there is no option {error.option_name}{nearest_in_words(error.option_name, error.possibilities or ())}"
    if isinstance(error, click.NoSuchCommand):
        name = error.command_name
        return f"there is no command {name}{nearest_in_words(name, error.possibilities or ())}"
    if isinstance(error, click.MissingParameter) and error.param is not None:
        option = next((name for name in error.param.opts if name.startswith("--")), "")
        return f"{option} {error.param.metavar or error.param.human_readable_name}".strip() + " is missing"
    if isinstance(error, click.BadParameter):
        option = next((name for name in error.param.opts if name.startswith("--")), "") if error.param else ""
        message = f"{option}: {error.message}" if option else error.message
    else:
        message = error.format_message()
        message = message[:1].lower() + message[1:]
        context = getattr(error, "ctx", None)
        if message.startswith("got unexpected extra") and context is not None and _takes_words(context.command):
            message += "; what has spaces needs quotes"
    return " ".join(message.split()).rstrip(".")


def _instead(command: click.Command, arguments: Sequence[str], program: str) -> str:
    """How to search for the words behind a command that takes none: they may be a phrase, such as `serve tea`."""
    name = program.rpartition(" ")[2]
    if name not in COMMANDS or _takes_words(command) or not arguments or arguments[0].startswith("-"):
        return ""
    return f"\nTo search for pictures of it: phrasepix find {shlex.quote(' '.join([name, *_words(arguments)]))}"


def _behind_dashes(error: click.ClickException, arguments: Sequence[str], program: str) -> str:
    """How to search for a phrase that begins with a dash, which was taken for an option."""
    if program != "phrasepix" or not isinstance(error, click.NoSuchOption):
        return ""
    phrase = next((one for one in arguments if one.startswith("-") and " " in one.partition("=")[0].strip()), None)
    return "" if phrase is None else f"\nTo search for pictures of it: phrasepix -- {shlex.quote(phrase)}"


def _takes_words(command: click.Command) -> bool:
    return isinstance(command, click.Group) or any(isinstance(one, click.Argument) for one in command.params)


def _words(arguments: Sequence[str]) -> list[str]:
    return [one for one in arguments if not one.startswith("-")]


def fail(message: str) -> NoReturn:
    """Say what is wrong with the command, and leave."""
    print(f"Error: {message}", file=sys.stderr)
    sys.exit(WRONG_USAGE)


def check_command(arguments: Sequence[str]) -> None:
    """Leave with a question if the arguments look like a misspelt command rather than a phrase.

    A phrase may be a single word. So a word is taken for a command only if it is one of those that people type for
    one, or nearly spelt like one and no English word, and nothing else says that something is searched for: no option
    but those that commands have too, and no further word, unless that is part of a command as well (`cahce clear`), a
    file or an address (`compar a.jpg`), a quoted phrase (`serach "a tiger in the snow"`) or another command (`help
    sources`). An option that the command alone has says that it is meant (`serv --port 80`). `find WORD` searches for
    any word.
    """
    words = _words(arguments)
    if not words or (meant := _meant_by(words[0])) is None:
        return
    word, *others = words
    if arguments[0] == word and _belong_to(meant, arguments[1:]):
        _ask(word, shlex.join([*meant.split(), *arguments[1:]]), f"phrasepix find {shlex.quote(' '.join(words))}")
    options = [one for one in arguments if one.startswith("-")]
    if any(one.partition("=")[0] not in {"--json", "--debug", "--header"} for one in options):
        return
    if not others:
        _ask(word, meant, f"phrasepix find {word}")
    elif len(others) == 1 and " " in others[0] and meant in {"phrasepix find", _MEANT_BY["search"]}:
        _ask(word, f'phrasepix "{others[0]}"', f'phrasepix find "{word} {others[0]}"')
    elif word == "help" and len(others) == 1 and others[0] in COMMANDS:
        _ask(word, f"phrasepix {others[0]} --help", f'phrasepix find "{word} {others[0]}"')


def _belong_to(meant: str, arguments: Sequence[str]) -> bool:
    """Whether what follows a word is what follows a command: its own commands or options, a file or an address."""
    name = meant.rpartition(" ")[2]
    if not arguments or name not in COMMANDS or name == "find":
        return False
    command = command_named(name)
    if isinstance(command, click.Group) and arguments[0] in command.commands:
        return True
    if _takes_words(command) and not arguments[0].startswith("-") and _OF_A_FILE.search(arguments[0]):
        return True
    searching = {flag for option in command_named("find").params for flag in option.opts}
    own = {flag for option in command.params for flag in option.opts if flag.startswith("--")} - searching
    return any(one.partition("=")[0] in own for one in arguments)


def _meant_by(word: str) -> str | None:
    if word in _MEANT_BY:
        return _MEANT_BY[word]
    from difflib import get_close_matches

    near = get_close_matches(word, [*COMMANDS, "search"], n=1, cutoff=_ALIKE)
    if not near:
        return None
    from phrasepix.tags.lexicon import english_word

    if english_word(word.lower()) is not None:  # a beach is no misspelling of teach
        return None
    return _MEANT_BY.get(near[0], f"phrasepix {near[0]}")


def _ask(word: str, meant: str, search: str) -> NoReturn:
    fail(f"there is no command {word!r}; did you mean: {meant}\nTo search for pictures of it: {search}")
