"""A run beside a baseline: read before it, compared when it is finished, written anew if asked."""

from __future__ import annotations

import fnmatch
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

import msgspec

from ncfcheck.verdicts.baseline import Baseline, read, save, updated
from ncfcheck.verdicts.regressions import compare
from ncfcheck.verdicts.report import Report


@dataclass(frozen=True)
class Comparison:
    """The baseline of `path`; `old` is None where it is to be written for the first time.

    `gone` are the claims of it that were asked for and are no more.
    """

    path: Path
    old: Baseline | None
    gone: tuple[str, ...] = ()
    update: bool = False

    def of(self, report: Report) -> Report:
        """The report with its regressions; a run stopped, or to be the baseline, has none."""
        if report.stopped or self.update or self.old is None:
            return report
        found = tuple(map(str, compare(self.old, report, self.gone)))
        return msgspec.structs.replace(report, regressions=found, baseline=str(self.path))

    def keep(self, report: Report) -> list[str]:
        """Write a complete run as baseline, if asked; changes, one a line. Raises Unwritable."""
        if report.stopped or not self.update:
            return []
        changes = compare(self.old, report, self.gone) if self.old else []
        save(self.path, updated(self.old, report, self.gone))
        return [*map(str, changes), f"{self.path}: {len(report.claims)} claims written"]


def comparison(
    path, update: bool, patterns: Collection[str], known: Collection[str], part: str = ""
) -> Comparison:
    """The baseline at `path`, to be compared with a run of the claims of the patterns among those
    known, or of a part of it.

    Entries that are stale are told by the first part. Raises BadBaseline; only one to be updated
    need not be there.
    """
    old = None if update and not Path(path).exists() else read(path)
    is_later = bool(part) and not part.startswith("1/")
    gone = () if old is None or is_later else _gone(old.claims, patterns, known)
    return Comparison(Path(path), old, gone, update)


def _gone(
    entries: Iterable[str], patterns: Collection[str], known: Collection[str]
) -> tuple[str, ...]:
    unknown = sorted(set(entries) - set(known))
    return tuple(
        id for id in unknown if not patterns or any(fnmatch.fnmatch(id, each) for each in patterns)
    )
