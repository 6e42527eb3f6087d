"""The map of theorems, hypotheses and controls as text."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import groupby

from ncfcheck.core.claims import Claim, Verdict
from ncfcheck.core.necessity import Need, controls_of

WIDTH, INDENT = 80, 2
FOUND, NOT_FOUND, NOT_RUN, NONE = "found", "not found", "not run", "none known"
REFUTED = {str(Verdict.REFUTED), str(Verdict.POTENTIAL)}


def state(need: Need, verdicts: Mapping[str, str]) -> str:
    """Whether the control's last verdict, by id in `verdicts`, shows the hypothesis needed."""
    if need.control is None:
        return ""
    if need.control not in verdicts:
        return NOT_RUN
    return FOUND if verdicts[need.control] in REFUTED else NOT_FOUND


def lines(needs: Iterable[Need], verdicts: Mapping[str, str]) -> list[str]:
    """A block a theorem: its hypotheses, the control that drops each, its state; then counts."""
    needs = list(needs)
    wide = max((len(need.control or NONE) for need in needs), default=0)
    room = WIDTH - INDENT - 2 - wide - len(NOT_RUN)
    found = []
    for theorem, rows in groupby(needs, key=lambda need: need.theorem):
        found.append(theorem)
        last = ""
        for need in rows:
            first, *rest = textwrap.wrap(need.hypothesis, room) if need.hypothesis != last else [""]
            last = need.hypothesis
            told = f"{need.control or NONE:{wide}} {state(need, verdicts)}"
            found.append(f"{'':{INDENT}}{first:{room}} {told}".rstrip())
            found += [f"{'':{INDENT}}{line}" for line in rest]
    return [*found, "", *_count(needs, verdicts)]


def _count(needs: list[Need], verdicts: Mapping[str, str]) -> list[str]:
    """A pair counts by the best of its controls."""
    order = (FOUND, NOT_FOUND, NOT_RUN, "")
    best: dict[tuple[str, str], str] = {}
    for need in needs:
        pair, own = (need.theorem, need.hypothesis), state(need, verdicts)
        best[pair] = min(own, best.get(pair, own), key=order.index)
    counts = Counter(best.values())
    told = [f"{counts[each]} {each}" for each in order[:3]] + [f"{counts['']} without a control"]
    return [f"{len(best)} pairs of a theorem and a hypothesis", ", ".join(told)]


def suppositions(claim: Claim, claims: Mapping[str, Claim]) -> list[str]:
    """Lines on what a claim supposes, what a control leaves out of which theorem, and the controls
    of a theorem.
    """
    if claim.of:
        return [
            f"drops         {claim.drops or 'nothing: it says more'}",
            f"of            {', '.join(claim.of)}",
        ]
    found = [f"hypotheses    {'; '.join(claim.hypotheses) or 'none stated'}"]
    for control in controls_of(claims, claim.id):
        told = f"without {control.drops}" if control.drops else "says more"
        found.append(f"{'controls' if len(found) == 1 else '':14}{control.id}: {told}")
    return found
