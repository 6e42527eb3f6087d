"""Seeds of parts of the work: whatever is random depends on a run's seed and on nothing else."""

from __future__ import annotations

import hashlib


def derive(seed: int, *path) -> int:
    """A seed for the part of the work that `path` names, in any process and version of Python."""
    return int.from_bytes(hashlib.sha256(repr((seed, *path)).encode()).digest()[:8])
