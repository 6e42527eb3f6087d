"""Certificates in numbers: `python -m benchmarks.certificates [controls|theorems|conclusions|boxes]
[N] [CLAIM ...] [--seed K]`.

controls: share of the first N violations of every control that is certified, and CPU times of the
    finder and of verification; all on layered networks of the square or logistic loss, of which
    there are certificates.
theorems: certificates of every theorem on N instances with adversarial floats (there must be none),
    beside verdicts in floats alone; `compared` are those that the verifier rejects for their
    conclusion alone.
conclusions: on how many such instances of N its conclusion is proved, of every theorem about flows,
    within as much CPU time as `check` has.
boxes: share of KKT points at p = 2 that a box is found around, and CPU times.
"""

from __future__ import annotations

import argparse
import contextlib
import time
from collections import Counter
from dataclasses import dataclass, replace
from itertools import islice
from unittest import mock

import numpy as np

from ncfcheck.certify import SECONDS, Certificate, NotProved, certify, document, within
from ncfcheck.certify.certificate import is_provable
from ncfcheck.core.claims import Claim, Inapplicable, Kind, Outcome, select
from ncfcheck.core.loading import load_claims
from ncfcheck.run.hunting.changes import rebuilt
from ncfcheck.strategies.draw import draw
from ncfcheck.verdicts.judging import examine, judge
from ncfcheck.verdicts.tallies import Tally
from ncfcheck.verifier import PROOFS, REFUTATIONS, Rejected, verify
from tests.support.adversarial import KINDS, adversarial
from tests.support.layered import layered

# What the verifier says of instances whose conclusion does not fail.
COMPARED = (
    "the identity holds",
    "the scaling holds",
    "λ may be D·N",
    "layers may be balanced",
    "neurons may be balanced",
    "an eigenvalue may be 2|λ|",
    "the point may be KKT",
    "the KKT equation of a layer is not met",
)


def violations(claim: Claim, count: int, seed: int = 0) -> list:
    """The first instances drawn that violate the claim, at most `count`."""
    drawn = draw(claim.strategy(), 6 * count, seed, simplest=True)
    return list(
        islice((each for each in drawn if judge(claim, each)[0] is Outcome.VIOLATES), count)
    )


def controls(count: int, patterns: list[str], seed: int) -> None:
    """One line per control with an exact counterpart."""
    print(
        f"{'control':28} {'certified':>10} {'median ms':>10} {'verify ms':>10} {'max s':>7}  why "
        "not"
    )
    for claim in map(provable, select(patterns)):
        if claim.kind is Kind.CONTROL and claim.refute is not None:
            _control(claim, violations(claim, count, seed))


def _control(claim: Claim, instances: list) -> None:
    found = [_attempt(claim, claim.refute, each, REFUTATIONS, 30) for each in instances]
    checks = [each.verification for each in found if not each.why]
    share = f"{len(checks)}/{len(found)}"
    times = (
        f"{1e3 * np.median([each.finder for each in found]):>10.1f} "
        f"{1e3 * np.median(checks or [np.nan]):>10.1f} "
        f"{max(each.finder + each.verification for each in found):>7.2f}"
    )
    reasons = Counter(each.why for each in found if each.why)
    print(f"{claim.id:28} {share:>10} {times}  {dict(reasons) or ''}", flush=True)


@dataclass(frozen=True)
class Attempt:
    """CPU seconds that finder and verification took, and why nothing is proved, if so."""

    finder: float
    verification: float = 0.0
    why: str = ""


@mock.patch("time.monotonic", time.process_time)
@mock.patch("ncfcheck.verifier.numbers.monotonic", time.process_time)
def _attempt(claim: Claim, finder, instance, known, seconds: float) -> Attempt:
    """What comes of an instance; by clocks that other programs do not make run fast."""
    start = time.process_time()
    within(seconds)
    try:
        found = finder(instance)
    except (NotProved, Rejected) as reason:
        return Attempt(time.process_time() - start, why=str(reason)[:60])
    finally:
        within(float("inf"))
    middle, why = time.process_time(), ""
    try:
        verify(document(claim, instance, found), known)
    except Rejected as reason:
        why = str(reason)[:60]
    return Attempt(middle - start, time.process_time() - middle, why)


def theorems(count: int, patterns: list[str], seed: int) -> int:
    """Certificates of each theorem over `count` instances, a seventh of each kind of floats; all of
    them, which must be none.
    """
    claims = [
        each for each in select(patterns) if each.kind is Kind.THEOREM and each.refute is not None
    ]
    print(
        f"{'theorem':28} {'instances':>10} {'compared':>9} {'certified':>10} "
        f"{'⟨u, ∇N⟩ ≠ D·N in floats':>25}"
    )
    rows = [_theorem(claim, count, seed) for claim in claims]
    tried, compared, certified, floats = map(sum, zip(*rows))
    print(f"{'all':28} {tried:>10} {compared:>9} {certified:>10} {floats:>25}")
    return certified


def _theorem(claim: Claim, count: int, seed: int) -> tuple[int, int, int, int]:
    """Instances tried, those whose conclusion was compared, those certified to fail, those where
    floats fail Euler's identity.
    """
    certified, floats, reasons, rng = [], [], Counter(), np.random.default_rng(seed)
    drawn = draw(provable(claim).strategy(), -(-count // len(KINDS)), seed, simplest=True)
    for instance in drawn:
        for kind in KINDS:
            hard = adversarial(instance, rng, kind)
            with np.errstate(all="ignore"):
                with contextlib.suppress(Inapplicable):
                    hard = rebuilt(claim, hard)
                found = certify(claim, hard)
                if isinstance(found, Certificate):
                    certified.append(found)
                else:
                    reasons[
                        found.reason.removeprefix("the verifier rejects the certificate: ")
                    ] += 1
                floats.append(is_violated_in_floats(hard))
    found = (
        len(floats),
        sum(reasons[each] for each in COMPARED) + len(certified),
        len(certified),
        sum(floats),
    )
    print(f"{claim.id:28} {found[0]:>10} {found[1]:>9} {found[2]:>10} {found[3]:>25}", flush=True)
    return found


def is_violated_in_floats(instance) -> bool:
    """Whether Euler's identity fails if floats are compared as they are."""
    value, gradient = instance.ncf.value_and_gradient(instance.start)
    return bool(gradient @ instance.start != instance.network.order * value)


def conclusions(count: int, patterns: list[str], seed: int) -> None:
    """On how many of `count` instances the conclusion of each theorem is proved, and why not on
    the others.
    """
    proofs = tried = 0
    for claim in map(provable, select(patterns)):
        if claim.prove is None:
            continue
        tally, reasons = Tally(asked=count), Counter()
        for instance in draw(claim.strategy(), 4 * count, seed, simplest=True):
            if examine(claim, instance, tally)[0] is Outcome.HOLDS:
                found = _attempt(claim, claim.prove, instance, PROOFS, SECONDS)
                reasons[found.why] += 1
            if tally.applicable == count:
                break
        proved = reasons.pop("", 0)
        proofs, tried = proofs + proved, tried + tally.applicable
        print(f"{claim.id:32} {proved:>4}/{tally.applicable}  {dict(reasons)}", flush=True)
    print(f"{'all':32} {proofs:>4}/{tried}")


def provable(claim: Claim) -> Claim:
    """The claim on layered networks and losses of which there are certificates."""
    on_layers = layered(claim)
    return replace(on_layers, given=on_layers.given.assuming(is_provable))


def boxes(count: int, patterns: list[str], seed: int) -> None:
    """Share and time of boxes around limits of flows, two and three layers, p = 2."""
    from ncfcheck.certify.boxes import found_near
    from ncfcheck.core.claims import Inapplicable, Unresolved
    from ncfcheck.core.tolerances import Numerics
    from ncfcheck.model.ncf import Ncf
    from ncfcheck.model.networks import dense
    from ncfcheck.theory.kkt.points import positive_limit
    from ncfcheck.theory.starts import gaussian_start

    for depth in (2, 3):
        rng, times, done = np.random.default_rng(depth + seed), [], 0
        while len(times) < count:
            d, slopes = int(rng.integers(2, 6)), tuple(rng.uniform(-1, 1, depth - 1))
            network = dense(
                (d, *(int(k) for k in rng.integers(1, 6, depth - 1)), 1), (2,) * (depth - 1), slopes
            )
            ncf = Ncf(network, rng.standard_normal((10, d)), rng.standard_normal((10, 1)))
            try:
                u = positive_limit(ncf, gaussian_start(rng, ncf), Numerics()).point.u
            except (Inapplicable, Unresolved):
                continue
            start = time.process_time()
            try:
                found_near(network, ncf, u)
                done += 1
            except NotProved as reason:
                print(f"    {reason}")
            times.append(time.process_time() - start)
        print(
            f"{depth} layers: {done}/{count} boxed, median {1e3 * np.median(times):.1f} ms, "
            f"slowest {1e3 * max(times):.1f} ms"
        )


def main() -> None:
    """Read the command line and print one of the tables."""
    tables = {
        "controls": controls,
        "theorems": theorems,
        "boxes": boxes,
        "conclusions": conclusions,
    }
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("table", nargs="?", choices=tables, default="controls")
    parser.add_argument("count", nargs="?", type=int, default=40)
    parser.add_argument("claims", nargs="*", help="ids or patterns; all")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_intermixed_args()
    load_claims()
    tables[given.table](given.count, given.claims, given.seed)


if __name__ == "__main__":
    main()
