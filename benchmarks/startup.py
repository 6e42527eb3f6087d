"""Seconds until a new process is of use: with nothing compiled yet, with everything compiled, and
for `ncfcheck --version`.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.pairing import Spread, spread

ROOT = Path(__file__).parent.parent
# A claim that needs all that is compiled; its simplest instance is inapplicable at once, so the
# second is judged too.
FIRST_INSTANCES = """
from ncfcheck.core import claims
from ncfcheck.run import check
from ncfcheck.strategies.draw import draw
check.load_claims()
claim = claims.registered()["early.direction_aligns"]
for instance in draw(claim.strategy(), 2, 0, simplest=True):
    claim.judge(instance)
"""
VERSION = "from ncfcheck.app.cli import main; main(['--version'])"


@dataclass(frozen=True)
class Startup:
    """Wall and processor seconds of fresh processes, imports included."""

    name: str
    wall: Spread
    processor: Spread


def startups(rounds: int = 5) -> list[Startup]:
    """The three; the first is measured once, on an empty cache of its own, which then is warm for
    the second.
    """
    with tempfile.TemporaryDirectory() as cache:
        cold = _started("first instances, nothing compiled yet", FIRST_INSTANCES, 1, cache)
        warm = _started("first instances, compiled before", FIRST_INSTANCES, rounds, cache)
        return [cold, warm, _started("ncfcheck --version", VERSION, rounds, cache)]


def _started(name: str, code: str, rounds: int, cache: str) -> Startup:
    wall, processor = zip(*(_process(code, cache) for _ in range(rounds)))
    return Startup(name, spread(wall), spread(processor))


def _process(code: str, cache: str) -> tuple[float, float]:
    before, start = _children(), time.perf_counter()
    environment = {**os.environ, "NUMBA_CACHE_DIR": cache}
    subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.DEVNULL,
        check=True,
    )
    return time.perf_counter() - start, _children() - before


def _children() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
