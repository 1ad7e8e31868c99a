"""The command line. Nothing heavy is imported before it is needed: `--help` does not wait for torch."""

import os
import sys

try:
    from phrasepix.cli.main import main
except KeyboardInterrupt:  # before there is anything that could say so otherwise
    os.write(2, b"Interrupted.\n")
    sys.exit(130)

__all__ = ["main"]
