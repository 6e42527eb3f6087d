"""Results made by hand for the tests of pages: many claims with many margins, and texts that try to
break out.
"""

import math
import random
from collections import Counter

from msgspec.structs import replace

from ncfcheck.core.claims import Claim, Kind, Margin, Verdict
from ncfcheck.core.coverage import pairs
from ncfcheck.report.page import Extras
from ncfcheck.verdicts.tallies import Case
from tests.report.test_writers import GOOD, report

NASTY = """<script>alert("1")</script> 'quoted' "double" & </style><img src=x onerror=alert(1)> \
🦆 {{ 7 * 7 }} `tick` | pipe"""


def many(claims=40, margins=400, seed=0):
    """Results of a large run."""
    return [
        _result(f"area{i % 5}.claim{i}", list(Kind)[i % 3], margins, random.Random(f"{seed} {i}"))
        for i in range(claims)
    ]


def _result(id, kind, margins, chance):
    sizes = [
        (chance.choice((1, -1)) * math.exp(chance.gauss(0, 3)), math.exp(chance.gauss(-14, 4)))
        for _ in range(margins)
    ]
    cover, both = {}, {}
    for _ in range(300):
        drawn = {
            "D": str(chance.randint(3, 16)),
            "p": str(chance.randint(1, 4)),
            "α": f"{chance.randint(-10, 10) / 10:g}",
        }
        drawn["data"] = chance.choice(("gaussian", "sphere", "fan", "lattice", "sparse"))
        for key, value in drawn.items():
            cover.setdefault(key, Counter())[value] += 1
        for key, value in pairs(drawn):
            both.setdefault(key, Counter())[value] += 1
    lowest = tuple(
        Case(value, error, f"instance {i} " + "x" * 120)
        for i, (value, error) in enumerate(sorted(sizes)[:5])
    )
    verdict = Verdict.POTENTIAL if kind is not Kind.THEOREM else Verdict.NOT_REFUTED
    return replace(
        GOOD,
        id=id,
        kind=kind,
        verdict=verdict,
        instances=2000,
        coverage=cover,
        pairs=both,
        margins=tuple(sizes),
        lowest=lowest,
    )


def nasty():
    """One result whose texts are markup in whatever a page is made of, and claims and
    counterexamples like it.
    """
    result = replace(
        GOOD,
        id=f"area.{NASTY}",
        verdict=Verdict.POTENTIAL,
        worst_margin=-1.0,
        error=0.1,
        worst_instance=NASTY,
        lowest=(Case(-1.0, 0.1, NASTY),),
        coverage={NASTY: {NASTY: 3}, "data": {NASTY: 200}, "D": {"3": 200}},
        pairs={"D × data": {f"3 × {NASTY}": 200}},
        why_unresolved={NASTY: 2},
        margins=((-1.0, 0.1), (0.5, 1.0), (2.0, 0.1)),
    )
    claim = Claim(
        result.id, Kind.THEOREM, NASTY, NASTY, (NASTY,), None, lambda instance: Margin(1, 0)
    )
    return result, Extras({claim.id: claim}, [counterexample()], [])


def counterexample():
    """A counterexample as `ncfcheck.report.findings` tells it, with a command that has to be
    escaped.
    """
    return {
        "name": NASTY,
        "claim": NASTY,
        "kind": "theorem",
        "rendering": NASTY + "\nsecond line",
        "margin": "-1 ± 0.1",
        "note": NASTY,
        "certificate": [(NASTY, NASTY)],
        "replay": "ncfcheck replay 'reports/counterexamples/<b>\"x\".json'",
        "verify": "ncfcheck verify x.json",
        "plot": "ncfcheck plot x.json -o x.svg",
        "versions": NASTY,
        "statement": NASTY,
    }


def run(*results, **options):
    """The report of a large run with these results."""
    return report(*results, examples=2000, versions={"numpy": "2", NASTY: NASTY}, **options)
