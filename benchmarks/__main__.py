"""Measure everything, print it as Markdown and write it as JSON."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from threadpoolctl import threadpool_limits

from benchmarks import report
from benchmarks.bars import bars
from benchmarks.cases import all_cases
from benchmarks.guard import lost
from benchmarks.measure import measure
from benchmarks.startup import startups

RESULTS = Path(__file__).parent / "results.json"


def main() -> None:
    """Run every case and the start of fresh processes; a few minutes."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--json",
        type=Path,
        default=RESULTS,
        help="where to write the figures (default: %(default)s)",
    )
    parser.add_argument("--case", action="append", help="only this case; may be repeated")
    parser.add_argument(
        "--compare",
        type=Path,
        help="results to hold ratios against: exit code 1 if one was lost; writes nothing",
    )
    options = parser.parse_args()
    cases = [case for case in all_cases() if not options.case or case.name in options.case]
    rows = []
    with threadpool_limits(limits=1):
        for case in cases:
            print(f"{case.name}: {case.shape} …", file=sys.stderr)
            rows += measure(case)
    if options.compare:
        sys.exit(_compared(rows, options.compare))
    print("fresh processes …", file=sys.stderr)
    figures = report.machine(), rows, bars(rows), startups()
    report.write_json(options.json, *figures)
    print(report.markdown(*figures))


def _compared(rows, committed: Path) -> int:
    """Exit code: 1 if a ratio was lost, with a line for each."""
    found = lost(rows, committed)
    print("\n".join(found) or "no ratio was lost")
    return 1 if found else 0


if __name__ == "__main__":
    main()
