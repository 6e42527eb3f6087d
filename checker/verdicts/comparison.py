"""A run beside a baseline: read before the run, compared when it is finished, and written anew
where asked for.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from ncfcheck.report.json_file import report
from ncfcheck.verdicts.baseline import Baseline, read, save, updated
from ncfcheck.verdicts.events import RunFinished, RunStarted
from ncfcheck.verdicts.regressions import compare


@dataclass(frozen=True)
class Comparison:
    """The baseline of `path`; `old` is None where it is to be written for the first time.

    `gone` are the claims of it that were asked for and are no more.
    """

    path: Path
    old: Baseline | None
    gone: tuple[str, ...] = ()
    update: bool = False

    def of(self, started: RunStarted, finished: RunFinished) -> RunFinished:
        """The end of a run with its regressions; a run that was stopped, or is to be the new
        baseline, has none.
        """
        if finished.stopped or self.update or self.old is None:
            return finished
        found = compare(self.old, report(started, finished), self.gone)
        return replace(finished, regressions=tuple(map(str, found)), baseline=str(self.path))

    def keep(self, started: RunStarted, finished: RunFinished) -> list[str]:
        """Write a complete run as the new baseline where that is asked for; what changed, one line
        each. Raises Unwritable.
        """
        if finished.stopped or not self.update:
            return []
        new = report(started, finished)
        changes = compare(self.old, new, self.gone) if self.old else []
        save(self.path, updated(self.old, new, self.gone))
        return [*map(str, changes), f"{self.path}: {len(new.claims)} claims written"]


def comparison(
    path, update: bool, patterns: Collection[str], known: Collection[str], shard: str = ""
) -> Comparison:
    """The baseline at `path`, to be compared with a run of the claims of the patterns among those
    known, or of a shard of it.

    Entries that are stale are told by the first shard. Raises BadBaseline; only one to be updated
    need not be there.
    """
    old = None if update and not Path(path).exists() else read(path)
    gone = (
        ()
        if old is None or (shard and not shard.startswith("1/"))
        else _gone(old.claims, patterns, known)
    )
    return Comparison(Path(path), old, gone, update)


def _gone(
    entries: Iterable[str], patterns: Collection[str], known: Collection[str]
) -> tuple[str, ...]:
    asked = [
        id
        for id in entries
        if not patterns or any(fnmatch.fnmatch(id, pattern) for pattern in patterns)
    ]
    return tuple(sorted(set(asked) - set(known)))
