"""What the commands of a library share: its place or its keeper, and what reports on it and on what was done."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from phrasepix.cli.library_options import located
from phrasepix.cli.output import writing_to_stdout

if TYPE_CHECKING:
    from phrasepix.cli.reporter import Reporter
    from phrasepix.library.keeper import LibraryKeeper
    from phrasepix.library.location import Location


@contextmanager
def opening(name: str) -> Iterator[tuple["Location", "Reporter"]]:
    """Give the place of a library, and what reports on it: on a terminal that it is read, if that takes a while."""
    from phrasepix.cli.reporter import Reporter

    location = located(name)
    with Reporter() as reporter:
        reporter.expect(f"reading the library {location.name}")
        yield location, reporter


@contextmanager
def keeping(name: str) -> Iterator[tuple["LibraryKeeper", "Reporter"]]:
    """Give the keeper of a library, and what reports on it."""
    with opening(name) as (location, reporter):
        from phrasepix.finder import Finder
        from phrasepix.library.keeper import LibraryKeeper

        with Finder() as finder:
            yield LibraryKeeper(location, finder, reporter.show), reporter


def report(reporter: "Reporter", name: str, counts: dict[str, int], as_json: bool) -> None:
    """Say what was done, in words and as JSON on stdout if that is wanted."""
    if as_json:
        from phrasepix.views.plain_json import plain_json

        reporter.clear()
        with writing_to_stdout():
            sys.stdout.write(plain_json({"library": name} | counts) + "\n")
    reporter.say(
        f"The library {name}: {counts['written']} pictures written, {counts['unchanged']} unchanged, "
        f"{counts['deleted']} gone, {counts['skipped']} skipped; {counts['encoded']} encoded now"
    )
