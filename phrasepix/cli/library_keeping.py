"""What the commands that fill a library share: its keeper, and what they say of what they did."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from phrasepix.cli.library_options import located
from phrasepix.cli.output import writing_to_stdout

if TYPE_CHECKING:
    from phrasepix.cli.reporter import Reporter
    from phrasepix.library.keeper import LibraryKeeper


@contextmanager
def keeping(name: str) -> Iterator[tuple["LibraryKeeper", "Reporter"]]:
    """Give the keeper of a library, and what reports on it."""
    from phrasepix.cli.reporter import Reporter

    location = located(name)
    from phrasepix.finder import Finder
    from phrasepix.library.keeper import LibraryKeeper

    with Finder() as finder, Reporter() as reporter:
        yield LibraryKeeper(location, finder, reporter.show), reporter


def report(reporter: "Reporter", name: str, counts: dict[str, int], as_json: bool) -> None:
    """Say what was done, in words and as JSON on stdout if that is wanted."""
    if as_json:
        from phrasepix.views.plain_json import plain_json

        with writing_to_stdout():
            sys.stdout.write(plain_json({"library": name} | counts) + "\n")
    reporter.say(
        f"The library {name}: {counts['written']} pictures written, {counts['unchanged']} unchanged, "
        f"{counts['deleted']} gone, {counts['skipped']} skipped; {counts['encoded']} encoded now"
    )
