"""`python -m benchmarks.speed`: measure, and write RESULTS.md, speed.svg and README's speed lines."""

import argparse
import shlex
import sys
import time
from dataclasses import replace
from pathlib import Path

from platformdirs import user_cache_path

from benchmarks.speed.chart import chart
from benchmarks.speed.measured import Measured
from benchmarks.speed.pictures import PHOTOGRAPHS, ROOT
from benchmarks.speed.places import Places
from benchmarks.speed.report import readme_lines, report, write_between_markers
from benchmarks.speed.run import QUICK, Plan, measure

OUTPUT = ROOT / "benchmarks"


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.speed", description="How fast phrasepix is beside others, in one run."
    )
    parser.add_argument("--quick", action="store_true", help="few pictures and rounds: whether it runs, not how fast")
    parser.add_argument("--rounds", type=int, metavar="N", help="how many rounds, instead of the usual number")
    parser.add_argument(
        "--work", type=Path, metavar="DIR", help="where models and pictures are prepared, and found again"
    )
    parser.add_argument(
        "--photographs",
        type=Path,
        default=PHOTOGRAPHS,
        metavar="DIR",
        help="JPEGs to make the pictures from; drawn where there are none",
    )
    parser.add_argument("--rclip-venv", type=Path, metavar="DIR", help="an environment with rclip 3; made if missing")
    parser.add_argument("--no-rclip", action="store_true", help="leave rclip out")
    parser.add_argument("--output", type=Path, default=OUTPUT, metavar="DIR", help="where the results are written")
    parser.add_argument("--report-only", action="store_true", help="write anew what the last run measured")
    options = parser.parse_args()
    places = Places((options.work or user_cache_path("phrasepix-benchmarks")).resolve())
    kept = places.work / "measured.json"
    if not options.report_only:
        begun = time.perf_counter()
        without = "left out by --no-rclip" if options.no_rclip else ""
        if options.quick and options.rclip_venv is None:
            without = "left out of quick runs"
        venv = None if without else options.rclip_venv or places.work / "rclip-venv"
        flags: list[str] = [flag for flag in ("--quick", "--no-rclip") if flag in sys.argv]
        plan = QUICK if options.quick else Plan()
        if options.rounds is not None:
            plan = replace(plan, rounds=options.rounds, slow_rounds=min(plan.slow_rounds, options.rounds))
            flags += ["--rounds", str(options.rounds)]
        command = shlex.join(["python", "-m", "benchmarks.speed", *flags])
        measure(plan, places, options.photographs, command, venv, without).write(kept)
        print(f"measured in {time.perf_counter() - begun:.0f} s", file=sys.stderr)
    measured = Measured.read(kept)
    page = report(measured)
    (options.output / "RESULTS.md").write_text(page, encoding="utf-8")
    (options.output / "speed.svg").write_text(chart(measured), encoding="utf-8")
    if options.output == OUTPUT:
        write_between_markers(ROOT / "README.md", readme_lines(measured))
    print(page)


if __name__ == "__main__":
    main()
