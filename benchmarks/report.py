"""What was measured as Markdown for reading and JSON for comparing."""

from __future__ import annotations

import json
import os
import platform
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path

from benchmarks.bars import Bar
from benchmarks.measure import Row
from benchmarks.pairing import Spread
from benchmarks.startup import Startup


def machine() -> dict[str, str | int | None]:
    """What the figures depend on besides the code."""
    packages = {name: version(name) for name in ("numpy", "scipy", "numba")}
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        **packages,
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next(
        (line.split(": ", 1)[1] for line in lines if line.startswith("model name")),
        platform.machine(),
    )


def markdown(machine: dict, rows: list[Row], bars: list[Bar], startups: list[Startup]) -> str:
    """Three tables: contenders side by side, the bars, and fresh processes."""
    parts = [
        "Machine: "
        + ", ".join(f"{name} {value}" for name, value in machine.items())
        + "; BLAS on one thread.",
        "Times are processor time, medians with smallest…largest; ratios are theirs / ours, paired "
        "within each round.",
        _table(
            (
                "case",
                "what",
                "engine",
                "peer",
                "peer's time",
                "ratio",
                "error: engine",
                "peer",
                "calls: engine",
                "peer",
            )
        )
        + "".join(map(_contest, rows)),
        _table(("bar", "measured", "at least / at most", "")) + "".join(map(_judged, bars)),
        _table(("a fresh process", "wall", "processor"))
        + "".join(
            _line((each.name, seconds(each.wall), seconds(each.processor))) for each in startups
        ),
    ]
    return "\n\n".join(part.rstrip() for part in parts) + "\n"


def _table(heads: tuple[str, ...]) -> str:
    return _line(heads) + _line(["---"] * len(heads))


def _line(cells) -> str:
    return "| " + " | ".join(cells) + " |\n"


def _contest(row: Row) -> str:
    if row.ratio is None:
        return _line((row.case, row.what, "", row.peer, row.note, *[""] * 5))
    errors = ["" if error is None else f"{error:.1e}" for error in (row.our_error, row.their_error)]
    calls = ["" if count is None else str(count) for count in (row.our_calls, row.their_calls)]
    ratio = f"**{row.ratio.median:.1f}** ({row.ratio.min:.1f}…{row.ratio.max:.1f})"
    return _line(
        (
            row.case,
            row.what,
            seconds(row.ours),
            row.peer,
            seconds(row.theirs),
            ratio,
            *errors,
            *calls,
        )
    )


def _judged(bar: Bar) -> str:
    number = (lambda value: f"{value:.3g} ×") if bar.at_least else _scaled
    limit = f"{'≥' if bar.at_least else '≤'} {number(bar.limit)}"
    return _line((bar.what, number(bar.figure), limit, "met" if bar.is_met else "**missed**"))


def seconds(times: Spread) -> str:
    """Median and extremes of times in a fitting unit."""
    if times.min == times.max:
        return _scaled(times.median)
    return f"{_scaled(times.median)} ({_scaled(times.min)}…{_scaled(times.max)})"


def _scaled(time: float) -> str:
    for unit, size in (("s", 1.0), ("ms", 1e-3)):
        if time >= size:
            return f"{time / size:.3g} {unit}"
    return f"{time / 1e-6:.3g} µs"


def write_json(
    path: Path, machine: dict, rows: list[Row], bars: list[Bar], startups: list[Startup]
) -> None:
    """Everything, in seconds, to a file that is either whole or as it was."""
    judged = [{**asdict(bar), "is_met": bar.is_met} for bar in bars]
    told = {
        "machine": machine,
        "rows": list(map(asdict, rows)),
        "bars": judged,
        "startups": list(map(asdict, startups)),
    }
    beside = path.with_name(path.name + ".part")
    beside.write_text(json.dumps(told, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    beside.replace(path)
