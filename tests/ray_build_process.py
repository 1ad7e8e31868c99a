"""Builds a library by a cluster, committing each second: `python -m tests.ray_build_process ADDRESS TO PREFIX PIECE`.

Says after each piece how many pictures are done.
"""

import sys

from phrasepix.events import Event, Notice
from phrasepix.library.location import Location
from phrasepix.library.object_prefix import ObjectPrefix
from phrasepix.library.ray_build import RayBuilder
from phrasepix.library.table import Library


def main() -> None:
    """Build the library that the arguments name."""
    address, to, prefix, piece = sys.argv[1:]
    location = Location.of(to)
    (column,) = Library.open(location).description.encoders

    def on_event(event: Event) -> None:
        print(event.parts if isinstance(event, Notice) else event.done, flush=True)

    builder = RayBuilder(location, column, address, on_event=on_event, piece=int(piece), commit_every_s=1.0)
    print(builder.run([ObjectPrefix.of(prefix)]), flush=True)


if __name__ == "__main__":
    main()
