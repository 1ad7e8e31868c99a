"""How long a library takes, as `benchmarks.library_add`, `library_fresh` and `library_sync` found it, in one report."""

import os
import platform
import re
import sys
from datetime import UTC, datetime
from pathlib import Path

REPORT = Path(__file__).with_name("LIBRARY_TIMES.md")
TITLES = {
    "library_add": "Photographs added, beside rclip",
    "library_fresh": "Phrase to answer in a fresh process",
    "library_sync": "A folder looked through that has not changed",
}
_HEAD = "# How long a library takes\n\nRecall and time of the search itself: [LIBRARY.md](LIBRARY.md).\n"


def machine() -> str:
    """Return what was measured on, and when."""
    return (
        f"{platform.system()} on {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, "
        f"{datetime.now(UTC):%Y-%m-%d}"
    )


def write(benchmark: str, table: str, report: Path = REPORT) -> None:
    """Put what a benchmark found into the report, in place of what it found before, with the command that was run."""
    before = report.read_text(encoding="utf-8") if report.exists() else ""
    sections = dict(re.findall(r"^## (.+)\n\n((?:(?!^## ).*\n?)*)", before, re.MULTILINE))
    arguments = " ".join("DIR" if "/" in word else word for word in sys.argv[1:])
    sections[TITLES[benchmark]] = f"`python -m benchmarks.{benchmark} {arguments}`: {machine()}.\n\n{table.strip()}\n\n"
    ordered = [f"## {title}\n\n{sections[title].strip()}\n" for title in TITLES.values() if title in sections]
    report.write_text("\n".join([_HEAD, *ordered]), encoding="utf-8")
