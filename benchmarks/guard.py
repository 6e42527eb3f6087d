"""Whether a ratio was lost since the results that are committed: `python -m benchmarks --compare
benchmarks/results.json`.
"""

from __future__ import annotations

import json
from pathlib import Path

from benchmarks.measure import Row
from benchmarks.pairing import Spread


def lost(rows: list[Row], committed: Path) -> list[str]:
    """A line for every contest whose ratio now lies wholly below what it was, or that can no longer
    be measured.

    Ratios are of paired times, so a slower machine moves both sides; ranges that overlap are noise.
    Raises ValueError for a file that holds no such results.
    """
    try:
        before = {
            _key(row): Spread(**row["ratio"])
            for row in json.loads(committed.read_text("utf-8"))["rows"]
            if row["ratio"]
        }
    except (KeyError, TypeError) as error:
        raise ValueError(f"{committed} holds no results of these benchmarks") from error
    now = {(row.case, row.what, row.peer): row for row in rows}
    return [
        line
        for key, spread in before.items()
        if key in now
        for line in _told(key, spread, now[key])
    ]


def _key(row: dict) -> tuple[str, str, str]:
    return row["case"], row["what"], row["peer"]


def _told(key: tuple, before: Spread, row: Row) -> list[str]:
    if row.ratio is None:
        return [f"{', '.join(key)}: {row.note}, was {_range(before)}"]
    return (
        [f"{', '.join(key)}: {_range(row.ratio)}, was {_range(before)}"]
        if row.ratio.max < before.min
        else []
    )


def _range(ratio: Spread) -> str:
    return f"{ratio.median:.2f} × ({ratio.min:.2f}…{ratio.max:.2f})"
