"""Results in words, the same in every writer."""

from __future__ import annotations

import math
import shlex

from ncfcheck.core.claims import EXPECTED, Kind, Verdict, registered
from ncfcheck.verdicts.events import Examined
from ncfcheck.verdicts.report import Report
from ncfcheck.verdicts.results import ClaimResult
from ncfcheck.verdicts.tallies import Case
from ncfcheck.verdicts.witness import home_of

SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
MEANING = {
    Kind.THEOREM: "must never be refuted",
    Kind.CONJECTURE: "open: any verdict is news",
    Kind.CONTROL: "false: must be refuted",
}


def kind(kind: Kind, expect: Verdict | None) -> str:
    """A kind with what is called for."""
    special = expect is not EXPECTED.get(kind)
    return f"{kind} ({f'expected: {expect}' if special else MEANING[kind]})"


def kind_in_short(result: ClaimResult) -> str:
    """The kind, and the verdict called for where that is not the kind's."""
    special = result.expect is not EXPECTED.get(result.kind)
    return f"{result.kind}, expected {result.expect}" if special else str(result.kind)


def margin(case: Case | None) -> str:
    """The margin with its error bound, `+1.2e-03 ± 4e-12`."""
    return "none decided" if case is None else f"{case.value:+.2g} ± {case.error:.1g}"


def examined(event: Examined) -> str:
    """An instance in a line: claim, outcome, margin or the reason why none, and the instance."""
    told = margin(Case(event.value, event.error, "")) if math.isfinite(event.value) else ""
    note = f"({event.note})" if event.note else ""
    return "  ".join(filter(None, [event.claim, f"{event.outcome:12}", told, note, event.instance]))


def percent(share: float) -> str:
    """A share as a percentage of two digits."""
    return f"{100 * share:.2g} %" if share < 0.995 else "100 %"


def sentence(result: ClaimResult) -> str:
    """The verdict with all that it must never be told without."""
    if result.violates:
        found = f"{result.violates} of {result.instances} instances violate it"
    elif result.confirmed:
        found = f"by a stored counterexample; on {result.instances} instances drawn"
    else:
        found = f"on {result.instances} instances"
    undecided = f", {result.unresolved} unresolved" if result.unresolved else ""
    undecided += f", {errors(result.errors)}" if result.errors else ""
    return (
        f"{result.verdict} ({found}{undecided}; violation rate at most {percent(result.bound95)} "
        "with 95 % confidence)"
    )


def worst(result: ClaimResult) -> str:
    """The worst margin with its instance, in one line."""
    instance = f"  {result.worst.instance}" if result.worst else ""
    return f"worst margin {margin(result.worst)}{instance}"


def errors(count: int) -> str:
    """How many instances show that a claim is at fault."""
    return f"{count} error{'s' * (count != 1)}"


def unjudged(id: str, why_errors: dict[str, int]) -> str:
    """Why a claim could not be judged at all."""
    return f"{id}: error: {next(iter(why_errors), 'unknown')}"


def reasons(result: ClaimResult, most: int = 3) -> list[str]:
    """Why so little was decided: the most frequent reasons of instances, with their counts."""
    lines = [f"no instance covers {missing}" for missing in result.uncovered]
    if result.evidence.too_few:
        drawn = result.evidence.drawn
        lines += [f"only {drawn} of {result.asked} instances met the hypotheses"]
        lines += _most(result.why_inapplicable, result.inapplicable, most)
    found = {f"error: {reason}": count for reason, count in result.why_errors.items()}
    lines += _most(found, result.errors, most)
    refused = list(result.why_refused.items())[:most] if result.evidence.says_nothing else []
    lines += [f"{count} draws turned down: {reason}" for reason, count in refused]
    return lines + _most(result.why_unresolved, result.unresolved, most)


def inapplicable(result: ClaimResult) -> list[str]:
    """The most frequent reason where fewer instances met the hypotheses than did not; nothing where
    that is told of a claim with too few.
    """
    few = not result.evidence.too_few and result.inapplicable > result.instances
    return _most(result.why_inapplicable, result.inapplicable, 1)[:1] if few else []


def uncertified(result: ClaimResult, most: int = 3) -> list[str]:
    """The most frequent reasons why violations were not proved, with their counts."""
    return _most(result.why_uncertified, sum(result.why_uncertified.values()), most)


def proved(result: ClaimResult) -> str:
    """On how many of all instances the conclusion is proved; empty where no proof was tried."""
    tried = result.proved or result.why_unproved
    return f"certified on {result.proved} of {result.instances}" if tried else ""


def unproved(result: ClaimResult, most: int = 3) -> list[str]:
    """The most frequent reasons why conclusions that hold were not proved, with their counts."""
    return _most(result.why_unproved, sum(result.why_unproved.values()), most)


def _most(counts: dict[str, int], whole: int, most: int) -> list[str]:
    first = list(counts.items())[:most]
    rest = whole - sum(count for _, count in first)
    lines = [f"{count} × {reason}" for reason, count in first]
    return [*lines, f"{rest} × other reasons"] if rest else lines


def kept(result: ClaimResult) -> str:
    """Where a counterexample found in the run is, small and ready to be looked at again."""
    return f"smallest counterexample: {result.kept}"


def unexpected(result: ClaimResult, run: Report | None = None) -> list[str]:
    """Why a verdict is not what its kind calls for: lines with all that the report of a bug needs.

    Of the `run`, which the result is of, the commands that find the instance again.
    """
    id, given = shlex.quote(result.id), claims_of(result.id)
    what = f" is a {kind(result.kind, result.expect)}, but" if result.expect else ""
    lines = [f"{result.id}{what} is {sentence(result)}", worst(result)]
    if result.violates or result.confirmed:
        lines.append(f"certificate: {certificate(result)}")
    if run is not None:
        told = f" {shlex.join(run.options)}" if run.options else ""
        count = f"--seed {run.seed} --examples {run.examples}"
        lines.append(f"again: ncfcheck check {id} {count}{given}{told}")
    if result.kept:
        lines.append(kept(result))
    elif run is not None and result.violates:
        lines.append(f"shrink it: ncfcheck hunt {id} --seed {run.seed}{given}")
    if result.verdict is Verdict.UNRESOLVED or result.errors:
        lines += [f"unresolved: {line}" for line in reasons(result)]
    return lines


def claims_of(id: str) -> str:
    """The option that names the user's file that states a claim; empty for any other claim."""
    claim = registered().get(id)
    home = home_of(claim) if claim else None
    return f" --claims {shlex.quote(home)}" if home else ""


def conclusion(report: Report, bad: int) -> str:
    """How many verdicts are not as expected, and how many regressions there are, if looked for."""
    fine = "none unexpected" if report.stopped else "every verdict as expected"
    told = f"{bad} of {len(report.claims)} not as expected" if bad else fine
    count = len(report.regressions)
    return told + (f", {count or 'no'} regression{'s' * (count > 1)}" if report.baseline else "")


def certificate(result: ClaimResult) -> str:
    """Whether a violation is proved, and if not, why."""
    if result.certified:
        return f"{result.certified} of the violations proved"
    return f"none: {next(iter(result.why_uncertified), 'no proof was tried')}"


def facts(result: ClaimResult) -> dict[str, str]:
    """What a test report tells of a claim besides passed or failed, by name."""
    facts = {
        "kind": result.kind,
        "expected": result.expect or "any verdict",
        "verdict": result.verdict,
        "instances": result.instances,
        "unresolved": result.unresolved,
        "errors": result.errors,
        "inapplicable": result.inapplicable,
        "violates": result.violates,
        "worst_margin": margin(result.worst),
        "bound95": f"{result.bound95:.4g}",
        "worst_instance": result.worst.instance if result.worst else "none",
    }
    return {name: str(value) for name, value in facts.items()}


def natural(value: str) -> tuple:
    """Sorts numbers by value, before everything else."""
    try:
        return (0, float(value), "")
    except ValueError:
        return (1, 0.0, value)
