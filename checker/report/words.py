"""Results in words, the same in every writer."""

from __future__ import annotations

import math
import shlex

from ncfcheck.core.claims import Kind, Verdict
from ncfcheck.verdicts.events import Examined
from ncfcheck.verdicts.results import ClaimResult
from ncfcheck.verdicts.tallies import Case

EXPECTED = {
    Kind.THEOREM: "must never be refuted",
    Kind.CONJECTURE: "open: any verdict is news",
    Kind.CONTROL: "false: must be refuted",
}


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
    else:
        found = f"on {result.instances} instances"
    undecided = f", {result.unresolved} unresolved" if result.unresolved else ""
    return (
        f"{result.verdict} ({found}{undecided}; violation rate at most {percent(result.bound95)} "
        "with 95 % confidence)"
    )


def worst(result: ClaimResult) -> str:
    """The worst margin with its instance, in one line."""
    return f"worst margin {margin(result.worst)}" + (
        f"  {result.worst.instance}" if result.worst else ""
    )


def reasons(result: ClaimResult, most: int = 3) -> list[str]:
    """The most frequent reasons why instances were unresolved, with their counts."""
    lines = [f"no instance covers {missing}" for missing in result.uncovered]
    return lines + _most(result.why_unresolved, result.unresolved, most)


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
    rest = whole - sum(list(counts.values())[:most])
    return [f"{count} × {reason}" for reason, count in list(counts.items())[:most]] + [
        f"{rest} × other reasons"
    ] * bool(rest)


def kept(result: ClaimResult) -> str:
    """Where a counterexample found in the run is, small and ready to be looked at again."""
    return f"smallest counterexample: {result.kept}"


def unexpected(
    result: ClaimResult, seed: int | None = None, examples: int | None = None
) -> list[str]:
    """Why a verdict is not the one its kind calls for, in a few lines: all that a report of a bug
    needs.

    `seed` and `examples` are those of the run, for the commands that find the instance again.
    """
    id = shlex.quote(result.id)
    again = (
        [] if seed is None else [f"again: ncfcheck check {id} --seed {seed} --examples {examples}"]
    )
    shrink = [f"shrink it: ncfcheck hunt {id} --seed {seed}"] if again and result.violates else []
    shrink = [kept(result)] if result.kept else shrink
    return [
        f"{result.id} is a {result.kind} ({EXPECTED[result.kind]}), but is {sentence(result)}",
        worst(result),
        *([f"certificate: {certificate(result)}"] if result.violates else []),
        *again,
        *shrink,
        *(
            f"unresolved: {line}"
            for line in reasons(result)
            if result.verdict is Verdict.UNRESOLVED
        ),
    ]


def certificate(result: ClaimResult) -> str:
    """Whether a violation is proved, and if not, why."""
    if result.certified:
        return f"{result.certified} of the violations proved"
    return f"none: {next(iter(result.why_uncertified), 'no proof was tried')}"


def facts(result: ClaimResult) -> dict[str, str]:
    """What a test report tells of a claim besides passed or failed, by name."""
    facts = {
        "kind": result.kind,
        "verdict": result.verdict,
        "instances": result.instances,
        "unresolved": result.unresolved,
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
