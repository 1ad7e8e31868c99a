"""The command line. Nothing heavy is imported before it is needed: `--help` does not wait for torch."""

from phrasepix.cli.main import main

__all__ = ["main"]
