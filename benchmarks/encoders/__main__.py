"""Measure and write the report and its chart: see `benchmarks.encoders`."""

import argparse
import tempfile
from pathlib import Path

from benchmarks.encoders import many
from benchmarks.encoders.changes import CHANGES
from benchmarks.encoders.costs import cost_of
from benchmarks.encoders.measured import Measuring
from benchmarks.encoders.pictures import picture_sets
from benchmarks.encoders.report import Measured, chart_of, report
from benchmarks.encoders.subjects import EncoderSubject, loaded, names

REPORT = Path(__file__).parent.parent / "ENCODERS.md"
WORK = Path(tempfile.gettempdir()) / "phrasepix-encoders"
GOAL = tuple(title for title in CHANGES if title.startswith("rotation") or title in ("crop to 60 %", "crop to 40 %"))
"""After which SIFT must find all but two of a hundred; all pictures are asked for."""


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.encoders", description=__doc__)
    parser.add_argument("--work", type=Path, default=WORK, help="where what was measured is kept; another run goes on")
    parser.add_argument("--pictures", type=int, default=90, help="of each set, at most")
    parser.add_argument("--asked", type=int, default=20, help="how many of them are changed and looked for")
    parser.add_argument("--many", type=int, default=10_000, help="pictures of the large pool; 0 leaves it out")
    parser.add_argument("--kept", action="store_true", help="measure nothing, write the report of what is kept")
    parser.add_argument("--report", type=Path, default=REPORT)
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    subjects, missing = loaded(names())
    sets = picture_sets(options.pictures)
    measurings = [Measuring(one, one.asked(options.asked), options.work, subjects) for one in sets]
    of_goal = [Measuring(one, range(len(one.pictures)), options.work, subjects) for one in sets]
    if not options.kept:
        for subject in subjects:
            print(cost_of(subject, options.work), flush=True)
        for measuring in measurings:
            for subject in subjects:
                if isinstance(subject, EncoderSubject):
                    measuring.same_thing(subject)
            for title in measuring.changed(subjects, list(CHANGES)):
                print(f"{measuring.of.title}: {title}", flush=True)
        for measuring in of_goal:
            for title in measuring.changed([one for one in subjects if one.name == "sift"], GOAL):
                print(f"{measuring.of.title}, all of them: {title}", flush=True)
        if options.many:
            print(many.measured(options.many, options.work), flush=True)
    measured = Measured(subjects, missing, measurings, of_goal, GOAL, options.work, options.many)
    options.report.write_text(report(measured), encoding="utf-8")
    options.report.with_name("encoders.svg").write_text(chart_of(measured), encoding="utf-8")
    print(f"{options.report} is written")


if __name__ == "__main__":
    main()
