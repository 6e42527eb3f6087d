"""The gallery of counterexamples: one of every control, made as small as it gets. `python -m
benchmarks.gallery [CLAIM ...]`
"""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from pathlib import Path

from ncfcheck.core.claims import Claim, Kind, select
from ncfcheck.core.loading import load_claims
from ncfcheck.run import counterexamples
from ncfcheck.run.batches import check_batch, cut
from ncfcheck.verdicts import witness

EXAMPLES = 50
SECONDS = 60.0  # of shrinking one of them


def add(claim: Claim, folder: Path, seed: int = 0) -> Path | None:
    """Store the smallest counterexample that the worst of a few instances leads to, in place of
    those in the folder.
    """
    batch = replace(cut([claim], EXAMPLES)[0], examples=EXAMPLES)
    found = check_batch(batch, seed).tallies[claim.id].violation
    small = found and counterexamples.smaller(claim, found, seed, seconds=SECONDS)
    if small is None:
        return None
    for path in witness.stored(claim.id, folder):
        path.unlink()
    return witness.store(small, folder)


def main(patterns: list[str], folder: Path = witness.FOLDER) -> None:
    """Add the controls of these patterns to the gallery; a line for each."""
    load_claims()
    for claim in select(patterns):
        if claim.kind is Kind.CONTROL:
            start = time.process_time()
            path = add(claim, folder)
            size = (
                "no violation"
                if path is None
                else f"{path.stat().st_size} bytes, {len(witness.read(path).rendering)} lines"
            )
            print(f"{claim.id:32} {time.process_time() - start:6.1f} s  {size}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
