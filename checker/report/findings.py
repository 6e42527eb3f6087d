"""What earlier work left in the folder of reports: counterexamples, and hunts in the ledger."""

from __future__ import annotations

import json
import shlex
import sqlite3
from collections.abc import Callable
from pathlib import Path

from ncfcheck.report import words
from ncfcheck.verdicts.ledger_file import PATH as LEDGER
from ncfcheck.verdicts.ledger_file import LedgerError, to_read
from ncfcheck.verdicts.witness import FOLDER, BadWitness, Witness, read, replay_command

MOST = 200  # counterexamples shown

HUNTS = """
SELECT hunt, claim, seed, started, count(*) AS instances,
       sum(outcome = 'violates') AS violates, sum(outcome = 'unresolved') AS unresolved,
       min(CASE WHEN outcome IN ('holds', 'violates') THEN margin END) AS worst,
       sum(seconds) AS seconds
FROM hunts JOIN instances USING (hunt) GROUP BY hunt ORDER BY hunt
"""


def counterexamples(
    folder: Path = FOLDER, warn: Callable[[str], None] = lambda message: None
) -> list[dict]:
    """Witnesses in a folder, by file name, as the report shows them; `warn` is told of others."""
    found = []
    for path in sorted(Path(folder).glob("*.json"))[:MOST]:
        try:
            found.append(_told(path, read(path)))
        except BadWitness as reason:
            warn(str(reason))
    return found


def _told(path: Path, witness: Witness) -> dict:
    given = f" --claims {shlex.quote(witness.claims)}" if witness.claims else ""
    file = shlex.quote(str(path))
    return {
        "name": path.stem,
        "claim": witness.claim,
        "kind": str(witness.kind),
        "statement": witness.statement,
        "rendering": "\n".join(witness.rendering),
        "margin": f"{witness.judged.value:+.4g} ± {witness.judged.error:.1g}",
        "note": witness.note,
        "certificate": summary(witness.certificate),
        "replay": replay_command(path, witness.claims, witness.model),
        "verify": f"ncfcheck verify {file}{given}" if witness.certificate else "",
        "plot": f"ncfcheck plot {file}{given} -o {shlex.quote(path.stem + '.svg')}",
        "versions": ", ".join(f"{name} {version}" for name, version in witness.versions.items()),
    }


def summary(certificate: dict | None, width: int = 90) -> list[tuple[str, str]]:
    """What a certificate says in pairs (name, value): short values as they are, long by size."""
    found = []
    for name, value in (certificate or {}).items():
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        if len(text) > width:
            has_entries = isinstance(value, list | dict)
            size = f"{len(value)} entries" if has_entries else f"{len(text)} characters"
            text = f"{size}, in the file"
        found.append((name, text))
    return found


def hunts(path: Path = LEDGER, warn: Callable[[str], None] = lambda message: None) -> list[dict]:
    """Every hunt in a ledger: claim, seed, counts, the smallest margin; none without a ledger."""
    if not Path(path).is_file():
        return []
    try:
        with to_read(path) as database:
            database.row_factory = sqlite3.Row
            return [_hunt(dict(row)) for row in database.execute(HUNTS)]
    except LedgerError as error:
        warn(str(error))
        return []


def _hunt(row: dict) -> dict:
    id, claim = row["claim"], shlex.quote(row["claim"])
    worst = "none decided" if row["worst"] is None else f"{row['worst']:+.2g}"
    return row | {
        "worst": worst,
        "seconds": f"{row['seconds']:.0f} s",
        "command": f"ncfcheck hunt {claim} --seed {row['seed']}{words.claims_of(id)} --resume",
    }
