"""The report as a page: what its template gets from results, claims, findings and portraits."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import groupby

from markupsafe import Markup, escape

from ncfcheck.core.claims import Claim
from ncfcheck.core.coverage import PAIRED, coarse
from ncfcheck.core.necessity import needs
from ncfcheck.report import charts, words
from ncfcheck.report.necessity import FOUND, state
from ncfcheck.verdicts.report import Report
from ncfcheck.verdicts.results import ClaimResult

EXPONENT = re.compile(r"\^(?:\{([^{}&<>]{1,30})\}|([A-Za-z0-9]{1,3}\b))")
VALUES = 16  # of one coverage key shown for a claim


@dataclass(frozen=True)
class Extras:
    """What a page shows besides the results of a run.

    `claims` the claims by id, for statements and the necessity map; `counterexamples` and `hunts`
    as `ncfcheck.report.findings` tells them; `figures` by claim: lists of (title, SVG), and
    `pictured` the instance they show.
    """

    claims: Mapping[str, Claim] = field(default_factory=dict)
    counterexamples: Sequence[Mapping] = ()
    hunts: Sequence[Mapping] = ()
    figures: Mapping[str, Sequence[tuple[str, str]]] = field(default_factory=dict)
    pictured: Mapping[str, str] = field(default_factory=dict)


def render(report: Report, extras: Extras, strict: bool = False) -> str:
    """The page, one file that needs nothing else."""
    results = report.claims
    bad = [
        {"id": result.id, "lines": words.unexpected(result, report)}
        for result in results
        if not result.as_expected(strict)
    ]
    template = _environment().get_template("report.html")
    return template.render(
        report=report,
        rows=[_row(result, extras, strict) for result in results],
        bad=bad,
        map=_map(extras.claims, results),
        pairs=heat_maps(results),
        strata=strata(results),
        extras=extras,
        instances=sum(result.instances for result in results),
        certified=any(_certified(result) is not None for result in results),
    )


@cache
def _environment():
    """Everything that a template prints is escaped unless it is Markup."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    found = Environment(
        loader=PackageLoader("ncfcheck.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters |= {
        "percent": words.percent,
        "slug": slug,
        "margin": words.margin,
        "mathematics": mathematics,
    }
    return found


def mathematics(text: str) -> Markup:
    """The text with x^{…} and x^2 as superscripts, everything else in it escaped."""
    return Markup(EXPONENT.sub(lambda each: f"<sup>{each[1] or each[2]}</sup>", str(escape(text))))


def slug(text: str) -> str:
    """The text as part of an id of the page; different texts have different ones."""
    return "".join(
        each if each.isascii() and (each.isalnum() or each in "._-") else f":{ord(each):x}:"
        for each in text
    )


def _row(result: ClaimResult, extras: Extras, strict: bool) -> dict:
    """All that is told of one claim."""
    claim, expected = extras.claims.get(result.id), result.as_expected(strict)
    worst = words.margin(result.worst)
    told = f"Margins of {result.id} against their error bounds: worst {worst}"
    verdict = str(result.verdict).replace(" ", "-")
    return {
        "result": result,
        "claim": claim,
        "question": claim.summary if claim else "",
        "expected": expected,
        "kind": words.kind_in_short(result),
        "verdict_class": verdict if expected else f"{verdict} unexpected",
        "sentence": words.sentence(result),
        "worst": worst,
        "bound": words.percent(result.bound95),
        "unresolved": _share(result.unresolved, result.instances),
        "certified": _certified(result),
        "reasons": words.reasons(result, 5),
        "uncertified": words.uncertified(result, 5),
        "proved": words.proved(result),
        "unproved": words.unproved(result, 5),
        "chart": charts.margins(result.margins, told),
        "strata": strata([result]),
        "figures": extras.figures.get(result.id, ()),
        "pictured": extras.pictured.get(result.id, ""),
    }


def _share(count: int, whole: int) -> str:
    return f"{count} ({words.percent(count / whole)})" if count else "0"


def _certified(result: ClaimResult) -> str | None:
    """Of violations tried how many are certified, or of all how many hold; None if none tried."""
    if words.proved(result):
        return f"{result.proved} of {result.instances} hold"
    tried = result.certified + sum(result.why_uncertified.values())
    return f"{result.certified} of {tried}" if tried else None


def _map(claims: Mapping[str, Claim], results: Iterable[ClaimResult]) -> list[dict]:
    """Theorems with their hypotheses, the controls that drop each, and whether found false."""
    verdicts = {result.id: str(result.verdict) for result in results}
    blocks = []
    for theorem, rows in groupby(needs(claims), key=lambda need: need.theorem):
        by_hypothesis: dict[str, list[dict]] = {}
        for need in rows:
            told = {"control": need.control, "state": state(need, verdicts) or "no control"}
            by_hypothesis.setdefault(need.hypothesis, []).append(told)
        states = [{each["state"] for each in controls} for controls in by_hypothesis.values()]
        found = sum(FOUND in each for each in states)
        blocks.append({"theorem": theorem, "hypotheses": by_hypothesis, "found": found})
    return blocks


def heat_maps(results: Iterable[ClaimResult]) -> list[dict]:
    """Instances by two of D, p, α and data: header, rows of (name, cells), count of empty cells."""
    total: dict[str, Counter[str]] = {}
    for result in results:
        for key, counts in result.pairs.items():
            total.setdefault(key, Counter()).update(counts)
    return [_heat_map(*key.split(" × "), counts) for key, counts in total.items()]


def _heat_map(across: str, down: str, counts: Counter[str]) -> dict:
    cells = {tuple(each.split(" × ", 1)): count for each, count in counts.items()}
    columns = sorted({column for column, _ in cells}, key=words.natural)
    names, most = sorted({row for _, row in cells}, key=words.natural), max(cells.values())
    rows = [(name, [_cell(cells.get((each, name), 0), most) for each in columns]) for name in names]
    every = len(columns) * len(names)
    about = {"across": across, "down": down, "all": every, "empty": every - len(cells)}
    return about | {"columns": columns, "rows": rows}


def _cell(count: int, most: int) -> tuple[int, str]:
    """A count and how strongly its cell is coloured, from 0 to 1."""
    return count, f"{(count / most) ** 0.5:.2f}"


def strata(results: Iterable[ClaimResult]) -> list[tuple[str, list[tuple[str, int]], int]]:
    """(key, most frequent classes with counts, how many more), first those that heat maps show."""
    total: dict[str, Counter[str]] = {}
    for result in results:
        for key, counts in result.coverage.items():
            for value, count in counts.items():
                total.setdefault(key, Counter())[coarse(key, value)] += count
    order = sorted(total, key=lambda key: PAIRED.index(key) if key in PAIRED else len(PAIRED))
    return [
        (
            key,
            sorted(total[key].most_common(VALUES), key=lambda item: words.natural(item[0])),
            max(0, len(total[key]) - VALUES),
        )
        for key in order
    ]
