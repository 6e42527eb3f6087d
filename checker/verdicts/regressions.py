"""What got worse since a baseline, or just changed: each difference in one line, old → new."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from ncfcheck.core.claims import Kind, Verdict, registered
from ncfcheck.verdicts.baseline import Baseline, ClaimBaseline, entry
from ncfcheck.verdicts.report import Report

VIOLATED = (Verdict.REFUTED, Verdict.POTENTIAL)
NOISE = 1e-3  # chance that a comparison in which nothing changed but the seed names anything
MOVED = 0.02  # relative change of margins and error bounds that is never worth a line
KEPT = 0.9  # share of the instances expected that a claim may fall to


@dataclass(frozen=True)
class Regression:
    """A difference to the baseline; `claim` is "run" for one that is not of a single claim."""

    claim: str
    what: str
    old: str
    new: str

    def __str__(self) -> str:
        return f"{self.claim}: {self.what}: {self.old} → {self.new}"


def compare(old: Baseline, report: Report, gone: Collection[str] = ()) -> list[Regression]:
    """Every difference of a run to a baseline beyond noise; `gone` are entries without a claim.

    Claims of the baseline that are neither in the report nor gone were not asked for, and are not
    compared.
    """
    found = [
        Regression(id, "claim missing, its entry is stale", old.claims[id].kind, "no such claim")
        for id in gone
    ]
    if report.examples < old.examples:
        found.append(
            Regression("run", "instances per claim", str(old.examples), str(report.examples))
        )
    new = {result.id: entry(result) for result in report.claims}
    found += [
        Regression(id, "claim new", "not in the baseline", each.kind)
        for id, each in new.items()
        if id not in old.claims
    ]
    both = {id: (old.claims[id], each) for id, each in new.items() if id in old.claims}
    share = min(1.0, report.examples / old.examples) if old.examples else 1.0
    for id, (before, after) in both.items():
        moves = _moves(before, after, NOISE / (4 * len(both)))
        found += [Regression(id, *each) for each in (*_changes(before, after, share), *moves)]
    return found + _uncovered(both)


def _changes(
    old: ClaimBaseline, new: ClaimBaseline, share: float
) -> Iterator[tuple[str, str, str]]:
    """(what, old, new) for kind, verdict, unresolved share and number of instances."""
    if old.kind != new.kind:
        yield "kind", old.kind, new.kind
    if old.verdict != new.verdict and (what := _verdict(Kind(new.kind), old.verdict, new.verdict)):
        yield what, old.verdict, new.verdict
    if new.kind == Kind.THEOREM and _exceeds(new.unresolved, new.instances, old.ceiling):
        what = f"unresolved share above its ceiling of {old.ceiling:.0%}"
        yield what, f"{old.unresolved} of {old.instances}", f"{new.unresolved} of {new.instances}"
    if new.instances < KEPT * share * old.instances:
        yield "instances lost", str(old.instances), str(new.instances)


def _verdict(kind: Kind, old: str, new: str) -> str:
    """What a change of verdict means; empty for one that is welcome."""
    if kind is Kind.CONJECTURE:
        return "verdict of a conjecture changed"
    if old == Verdict.REFUTED and new == Verdict.POTENTIAL:
        return "certificate lost"
    if kind is Kind.CONTROL:
        return "" if new in VIOLATED else "control no longer violated"
    if new in VIOLATED:
        return "new refutation" if old not in VIOLATED else ""
    return "theorem became unresolved" if new == Verdict.UNRESOLVED else ""


def _exceeds(unresolved: int, instances: int, ceiling: float) -> bool:
    """Whether so many unresolved instances are more than a share of `ceiling` explains."""
    if unresolved <= ceiling * instances:
        return False
    from scipy.special import bdtrc

    return bool(bdtrc(unresolved - 1, instances, ceiling) < NOISE)


def _moves(old: ClaimBaseline, new: ClaimBaseline, noise: float) -> Iterator[tuple[str, str, str]]:
    """(what, old, new) for margins and error bounds that became larger or smaller."""
    for name, before, after in (
        ("margins", old.margins, new.margins),
        ("error bounds", old.errors, new.errors),
    ):
        if before and after and (told := moved(before, after, noise)):
            direction, p = told
            median = f"{before[len(before) // 2]:.3g}", f"{after[len(after) // 2]:.3g}"
            yield f"{name} {direction} (two-sample test, p = {p:.0e}); median", *median


def moved(old: list[float], new: list[float], noise: float) -> tuple[str, float] | None:
    """("rose" or "fell", p) where a one-sided Kolmogorov–Smirnov test finds that even a sample put
    back by MOVED did.
    """
    from scipy.stats import ks_2samp

    for direction, sign, alternative in (("rose", -1, "less"), ("fell", 1, "greater")):
        back = [value + sign * MOVED * abs(value) for value in new]
        p = float(ks_2samp(back, old, alternative=alternative, method="asymp").pvalue)
        if p < noise:
            return direction, p
    return None


def _uncovered(both: Mapping[str, tuple[ClaimBaseline, ClaimBaseline]]) -> list[Regression]:
    """Strata that are rarer than chance explains, in all claims together or else in single ones.

    Of claims that share their instances only one counts: the others add nothing independent.
    """
    streams = {
        registered()[id].stream if id in registered() else id: pair
        for id, pair in reversed(both.items())
    }
    whole = _rarer([("run", *pair) for pair in _strata(streams.values()).items()])
    told = {what for _, what, *_ in whole}
    single = [(id, *pair) for id, each in both.items() for pair in _strata([each]).items()]
    others = [each for each in _rarer(single) if each[1] not in told]
    return [Regression(*each) for each in whole + others]


Counts = tuple[int, int, int, int]  # instances in a stratum and in all, before and after


def _strata(pairs: Iterable[tuple[ClaimBaseline, ClaimBaseline]]) -> dict[tuple[str, str], Counts]:
    """Counts of every stratum (key, value) of old entries, summed over the claims that had it."""
    total: dict[tuple[str, str], Counts] = {}
    for old, new in pairs:
        for key, counts in old.coverage.items():
            now = new.coverage.get(key, {})
            for value, count in counts.items():
                found = (count, old.instances, now.get(value, 0), new.instances)
                before = total.get((key, value), (0, 0, 0, 0))
                total[key, value] = tuple(map(sum, zip(before, found)))
    return total


def _rarer(strata: list[tuple[str, tuple[str, str], Counts]]) -> list[tuple[str, str, str, str]]:
    """(claim, what, old, new) of the strata that Fisher's exact test finds rarer than they were."""
    if not strata:
        return []
    import numpy as np
    from scipy.stats import hypergeom

    before, all_before, after, all_after = np.array([counts for *_, counts in strata]).T
    p = hypergeom.cdf(after, all_before + all_after, before + after, all_after)
    is_rare = p < NOISE / len(strata)
    return [
        (claim, f"coverage lost, {key} {value}", f"{a} of {all_a}", f"{b} of {all_b}")
        for (claim, (key, value), (a, all_a, b, all_b)), rare in zip(strata, is_rare)
        if rare
    ]
