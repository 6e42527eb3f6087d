"""Results as pandas frames: `results("reports/latest.json")`, a row a claim; `margins(…)`, a row an
instance of the sample.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from ncfcheck.report.json_file import ClaimRow, Report, read

NESTED = (
    "why_unresolved",
    "why_inapplicable",
    "why_uncertified",
    "why_unproved",
    "coverage",
    "uncovered",
    "lowest",
    "margins",
    "pairs",
)


def results(source: Report | str | Path) -> pd.DataFrame:
    """A row for each claim of a report, or of the file it is in, with the id as index; nested
    fields are left out.

    Raises FileNotFoundError, and ValueError for a file that is no report.
    """
    columns = [name for name in ClaimRow.__struct_fields__ if name not in NESTED]
    rows = [[getattr(claim, name) for name in columns] for claim in _report(source).claims]
    return pd.DataFrame(rows, columns=columns).set_index("id")


def margins(source: Report | str | Path) -> pd.DataFrame:
    """A row for each instance in the samples of margins: claim, margin, error."""
    rows = [(claim.id, *margin) for claim in _report(source).claims for margin in claim.margins]
    return pd.DataFrame(rows, columns=["claim", "margin", "error"])


def coverage(source: Report | str | Path) -> pd.DataFrame:
    """A row for each stratum of each claim: claim, key, value, instances."""
    rows = [
        (claim.id, key, value, count)
        for claim in _report(source).claims
        for key, counts in claim.coverage.items()
        for value, count in counts.items()
    ]
    return pd.DataFrame(rows, columns=["claim", "key", "value", "instances"])


def _report(source) -> Report:
    found = source if isinstance(source, Report) else read(source)
    if found is None:
        raise FileNotFoundError(
            f"{source} is not there: `ncfcheck check --json {source}` writes it"
        )
    return found
