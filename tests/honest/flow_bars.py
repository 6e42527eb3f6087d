"""Margins of claims about flows held against the truth, instance by instance.

    python -m tests.honest.flow_bars COUNT SEED [CLAIM …]

judges COUNT adversarial instances of every claim and tells what was found.
"""

from __future__ import annotations

import math
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from enum import StrEnum
from fnmatch import fnmatch
from unittest import mock

import numpy as np

from ncfcheck.core.claims import Claim, Inapplicable, Margin, Outcome, Unresolved, registered
from ncfcheck.core.loading import load_claims
from ncfcheck.core.tolerances import EPS, POLISHED
from ncfcheck.model.ncf import unit
from ncfcheck.properties.early import model_controls, theorems, tracking
from ncfcheck.properties.flow import margins as flow
from ncfcheck.properties.flow import theorems as flow_theorems
from ncfcheck.properties.hypotheses import HOMOGENEOUS
from ncfcheck.theory.early import training
from ncfcheck.theory.early.training import follow
from ncfcheck.theory.flow import plain, trajectories
from ncfcheck.theory.kkt.points import positive_limit
from tests.honest.adversarial import adversary
from tests.honest.precise import NotKnown, Steps, World, forget_flows
from tests.support.layered import layered

load_claims()
LARGEST = 30, 150  # weights, and weights times samples, of instances whose truth is told in time
FINE, COARSE = World(1e-17), World(1e-15, jitter=1.0)
# A margin that is the least of all steps is told of the engine's.
STEPS = "flow.monotone"
FINE_STEPS, COARSE_STEPS = Steps(1e-17), Steps(1e-15, jitter=1.0)
# What a theorem says of the limit δ → 0, or of every time, and its margin measures.
LIMITS = {
    "flow.balance": lambda _: 1.0,
    # 1 where the loss has no second order.
    "early.tracking_order": lambda instance: (
        0.25 if instance.problem.loss.curvature_at_zero(instance.problem.y).any() else 1.0
    ),
    "early.tracking_constant": lambda _: 1.0,
    "control.kinks": lambda instance: _on_the_kink(instance),
}
# A residual is that of the floats next to a KKT point, which are others in each world.
ROUNDED = {"flow.direction_converges": POLISHED / 1e-9}
ELSEWHERE = ("conjecture.rank_one_maxima", "conjecture.kinks_align")


class Found(StrEnum):
    """What was found of one margin."""

    HONEST = "honest"
    OUTSIDE = "outside its bar"
    UNDECIDED = "truth not known well enough"
    UNRESOLVED = "unresolved"
    INAPPLICABLE = "inapplicable"
    ERROR = "error"


@dataclass
class Tape:
    """What a judgement chose on its way: a later start, and margins at which it went on or not."""

    instance: object = None
    starts: list = field(default_factory=list)
    within: list[Margin] = field(default_factory=list)
    truths: list[float] = field(default_factory=list)


@contextmanager
def recording(tape: Tape):
    """The choices of a judgement are written to the tape."""
    within, resolved, timed = theorems._within, training.resolved, flow.blowup_time

    def taken_up(ncf, start, numerics):
        tape.starts.append(start)
        return timed(ncf, start, numerics)

    def judged(judge, instance):
        def listened(each):
            tape.instance, tape.within = each, []
            return judge(each)

        return resolved(listened, instance)

    def told(*arguments):
        tape.within.append(within(*arguments))
        return tape.within[-1]

    with _patched(judged, told, taken_up):
        yield


@contextmanager
def replaying(tape: Tape):
    """The choices on the tape are made again, and the truth told of each margin on it."""
    tape.truths, starts, timed = [], iter(tape.starts), flow.blowup_time
    first = iter(tape.starts[:1])

    def tended(ncf, start, numerics):
        """Where the flow tends to that was taken up later: at a saddle rounding may decide."""
        return positive_limit(ncf, next(first, start), numerics)

    def taken_up(ncf, start, numerics):
        return timed(ncf, next(starts), numerics)

    def judged(judge, instance):
        return judge(tape.instance)

    def told(instance, delta, excess, until, *_):
        number = len(tape.truths)
        if number >= len(tape.within):
            raise NotKnown("another way")
        value = excess(follow(instance, delta, until))
        tape.truths.append(theorems.VANISHING - value)
        return tape.within[number]

    tending = mock.patch.object(flow_theorems, "positive_limit", tended)
    with _patched(judged, told, taken_up), tending:
        yield


@contextmanager
def _patched(judged, told, taken_up):
    with ExitStack() as stack:
        for module in (theorems, tracking):
            stack.enter_context(mock.patch.object(module, "resolved", judged))
        stack.enter_context(mock.patch.object(theorems, "_within", told))
        stack.enter_context(mock.patch.object(flow, "blowup_time", taken_up))
        yield


@dataclass(frozen=True)
class Held:
    """A margin and the truth: `truth` ± `known`; NaN where there is none."""

    found: Found
    margin: Margin | None = None
    truth: float = math.nan
    known: float = math.nan
    why: str = ""

    @property
    def share(self) -> float:
        """Of its bar that a margin is off by, for sure; 0 where that is not known."""
        off = 0.0 if self.margin is None else abs(self.margin.value - self.truth) - self.known
        return off / self.margin.error if off > 0 else 0.0

    def __str__(self):
        off = abs(self.margin.value - self.truth)
        return (
            f"{self.found}: {self.margin.value:.8g} ± {self.margin.error:.2g}, the truth "
            f"{self.truth:.8g} ± {self.known:.1g}, off by {off:.2g} {self.why}"
        )


def held(claim: Claim, instance) -> Held:
    """The claim's margin of an instance, against the truth."""
    tape = Tape()
    forget_flows()
    try:
        with recording(tape):
            outcome, margin = claim.judge(instance)
    except Exception as error:
        return Held(Found.ERROR, Margin(math.nan, math.inf), why=repr(error))
    if outcome is Outcome.INAPPLICABLE:
        return Held(Found.INAPPLICABLE, why=margin.note)
    if outcome is Outcome.UNRESOLVED:
        return Held(Found.UNRESOLVED, margin, why=margin.note)
    if claim.id in LIMITS:
        return _compared(margin, LIMITS[claim.id](instance), 64 * EPS)
    try:
        fine, coarse = (_truths(claim, instance, tape, world) for world in _worlds(claim))
    except NotKnown as reason:
        return Held(Found.UNDECIDED, margin, why=str(reason))
    except Unresolved as reason:
        return Held(Found.UNDECIDED, margin, why=f"unresolved: {reason}")
    except Inapplicable as reason:  # the engine's own steps may collapse on another gradient
        found = Found.UNDECIDED if "does not move" in str(reason) else Found.OUTSIDE
        return Held(found, margin, why=f"inapplicable: {reason}")
    margins = tape.within or [margin]
    worst = None
    for each, truth, other in zip(margins, fine, coarse, strict=True):
        if each.outcome is Outcome.UNRESOLVED:
            continue
        known = 10 * abs(truth - other) + 16 * EPS * (1 + abs(truth))
        one = _compared(each, truth, known, ROUNDED.get(claim.id, 0.0))
        rank = (Found.OUTSIDE, Found.UNDECIDED, Found.HONEST)
        worst = min((worst or one), one, key=lambda held: rank.index(held.found))
    return worst or Held(Found.UNRESOLVED, margin)


def _worlds(claim: Claim) -> tuple:
    if claim.id == STEPS:
        return FINE_STEPS, COARSE_STEPS
    return PLAIN if claim.drops == HOMOGENEOUS else (FINE, COARSE)


class PlainWorld:
    """Flows of models that are not homogeneous, by the engine at a much smaller tolerance."""

    def __init__(self, precision: float):
        self.precisions = (precision,) * len(model_controls.PRECISIONS)

    @contextmanager
    def entered(self):
        """Claims compute in this world."""
        with (
            mock.patch.object(model_controls, "PRECISIONS", self.precisions),
            mock.patch.object(plain, "EVALUATIONS", 50_000),
        ):
            yield


PLAIN = PlainWorld(1e-11), PlainWorld(1e-10)


def _truths(claim: Claim, instance, tape: Tape, world: World) -> list[float]:
    with world.entered(), replaying(tape):
        margin = claim.function(instance)
    if tape.within and len(tape.truths) != len(tape.within):
        raise NotKnown("another way")
    return tape.truths or [margin.value]


def _compared(margin: Margin, truth: float, known: float, rounded: float = 0.0) -> Held:
    off = abs(margin.value - truth)
    if math.isnan(off):
        return Held(Found.UNDECIDED, margin, truth, known)
    if off > margin.error + known + rounded:
        return Held(Found.OUTSIDE, margin, truth, known)
    decided = known <= max(margin.error, 64 * EPS * (1 + abs(truth)))
    return Held(Found.HONEST if decided else Found.UNDECIDED, margin, truth, known)


def _on_the_kink(instance) -> float:
    """What control.kinks says of where the flow tends to: the balanced point on sample 0's kink
    along the rest of sample 1, with the slopes of the side where that is less.
    """
    engine = trajectories.ncf_flow(
        instance.ncf, instance.start, replace(instance.numerics, calls=3000)
    )
    kink, other = instance.problem.X[:2]
    kink = unit(kink)
    q, above = np.split(engine.direction, [kink.size])
    along = unit(other - (other @ kink) * kink)
    q = np.sign(q @ along) * along
    points = [unit(np.concatenate([q + side * kink, np.sign(above)])) for side in (-1e-12, 1e-12)]
    with FINE.entered():
        return 1 - min(map(instance.ncf.residual, points)) / 0.01


def is_small(instance) -> bool:
    """Whether the truth of an instance can be told in time."""
    size = instance.network.size
    return size <= LARGEST[0] and size * len(instance.problem.X) <= LARGEST[1]


def claims(*patterns: str) -> list[Claim]:
    """The claims that this holds, by name."""
    chapters = [f"ncfcheck.properties.{name}" for name in ("flow", "early", "conjectures")]
    return [
        layered(claim)
        for claim in registered().values()
        if claim.function.__module__.rpartition(".")[0] in chapters
        and claim.id not in ELSEWHERE
        and (not patterns or any(fnmatch(claim.id, pattern) for pattern in patterns))
    ]


def hold(claim: Claim, count: int, seed: int) -> Iterator[tuple[str, object, Held]]:
    """What was done, the instance, and what was found, of `count` small adversarial instances: as
    many as there are among fifty times as many.
    """
    strategy, done = claim.strategy(), 0
    for number in range(50 * count):
        how, instance = adversary(claim, strategy, number, seed)
        if not is_small(instance):
            continue
        done += 1
        yield f"{seed}/{number} [{how}]", instance, held(claim, instance)
        if done == count:
            break


def main(count: int, seed: int, *patterns: str) -> int:
    """Hold the bars, and tell; how many margins are outside theirs."""
    outside = 0
    for claim in claims(*patterns):
        tally, began, most = Counter(), time.process_time(), 0.0
        for name, _, found in hold(claim, count, seed):
            tally[found.found] += 1
            most = max(most, found.share)
            if found.found in (Found.OUTSIDE, Found.UNDECIDED, Found.ERROR):
                print(f"  {claim.id} {name} {found}", flush=True)
        told = ", ".join(f"{key}: {tally[key]}" for key in Found if tally[key])
        pace = (time.process_time() - began) / tally.total()
        print(f"{claim.id}: {told}; up to {most:.0%} of a bar; {pace:.2f} s each", flush=True)
        outside += tally[Found.OUTSIDE] + tally[Found.ERROR]
    return outside


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), int(sys.argv[2]), *sys.argv[3:]) > 0)
