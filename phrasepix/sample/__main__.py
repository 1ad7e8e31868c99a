"""``python -m phrasepix.sample``: serve the built-in sample until Ctrl-C, for those who build a client against it."""

import argparse
import sys
import time
from pathlib import Path

from phrasepix.sample.catalogue import PICTURES_DIRECTORY, CatalogueError
from phrasepix.sample.site import StockSite

_INTERRUPTED = 130
_FAILED = 3


def _port(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 0 <= int(text[:6]) <= 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port from 0 to 65535")
    return int(text)


def main(arguments: list[str] | None = None) -> int:
    """Serve until Ctrl-C; returns the exit status: 130 after Ctrl-C, 3 if the site could not start."""
    parser = argparse.ArgumentParser(
        prog="python -m phrasepix.sample",
        description="Serve the drawn pictures of the built-in sample on this computer, in Pixabay's protocol, until "
        "Ctrl-C. The two lines on stdout are the settings that point phrasepix, or any Pixabay client, at it.",
    )
    parser.add_argument("--port", type=_port, default=0, help="where to listen on 127.0.0.1 (default: a free port)")
    parser.add_argument(
        "--pictures", type=Path, metavar="DIR", help="serve this directory of pictures with its catalogue.jsonl instead"
    )
    options = parser.parse_args(arguments)
    try:
        with StockSite(options.pictures or PICTURES_DIRECTORY, port=options.port) as site:
            print(f"PIXABAY_API_URL={site.api_url}\nPIXABAY_API_KEY={site.key}", flush=True)
            print(f"{len(site.catalogue)} pictures at {site.home_url}, until Ctrl-C", file=sys.stderr, flush=True)
            while True:
                time.sleep(3600)
    except KeyboardInterrupt:
        return _INTERRUPTED
    except CatalogueError as error:
        print(f"The sample site cannot start. {error}", file=sys.stderr)
    except OSError as error:
        print(f"The sample site cannot listen on port {options.port}: {error}. Try another --port.", file=sys.stderr)
    return _FAILED


if __name__ == "__main__":
    sys.exit(main())
