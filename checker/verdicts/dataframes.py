"""Results as pandas DataFrames: `results("reports/latest.json")`, a row a claim; `margins(…)`, a
row an instance of the sample.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import pandas as pd

from ncfcheck.core.stated import shown
from ncfcheck.verdicts.report import Report, read
from ncfcheck.verdicts.results import ClaimResult

NESTED = (
    "why_unresolved",
    "why_errors",
    "why_inapplicable",
    "why_refused",
    "why_uncertified",
    "why_unproved",
    "coverage",
    "uncovered",
    "lowest",
    "margins",
    "pairs",
)


Source = Report | Iterable[ClaimResult] | str | Path


def results(source: Source) -> pd.DataFrame:
    """A row for each claim of a report, of its results, or of the file it is in, with the id as
    index; nested fields are left out.

    Raises FileNotFoundError, ValueError for a file that is no report, TypeError for what is none
    of this.
    """
    columns = [name for name in ClaimResult.__struct_fields__ if name not in NESTED]
    rows = [[getattr(claim, name) for name in columns] for claim in _claims(source)]
    return pd.DataFrame(rows, columns=columns).set_index("id")


def margins(source: Source) -> pd.DataFrame:
    """A row for each instance in the samples of margins: claim, margin, error."""
    rows = [(claim.id, *margin) for claim in _claims(source) for margin in claim.margins]
    return pd.DataFrame(rows, columns=["claim", "margin", "error"])


def coverage(source: Source) -> pd.DataFrame:
    """A row for each stratum of each claim: claim, key, value, instances."""
    rows = [
        (claim.id, key, value, count)
        for claim in _claims(source)
        for key, counts in claim.coverage.items()
        for value, count in counts.items()
    ]
    return pd.DataFrame(rows, columns=["claim", "key", "value", "instances"])


def _claims(source: Source) -> Sequence[ClaimResult]:
    found = read(source) if isinstance(source, str | Path) else source
    if found is None and source is not None:
        raise FileNotFoundError(
            f"{source} is not there: `ncfcheck check --json {source}` writes it"
        )
    rows = found.claims if isinstance(found, Report) else found
    rows = tuple(rows) if isinstance(rows, Iterable) else None
    if rows is None or not all(isinstance(row, ClaimResult) for row in rows):
        raise TypeError(
            f"expected a report, its claims or the path of a file of results, not {shown(source)}"
        )
    return rows
