"""Certificates in numbers: `python -m benchmarks.certificates [controls|theorems|boxes] [N]`.

controls: share of the first N violations of every static control that is certified, and times of proof and verification.
theorems: certificates of theorems on N instances with adversarial floats (there must be none), beside verdicts in floats alone.
boxes: share of KKT points at p = 2 that a box is found around, and times.
"""

from __future__ import annotations

import sys
import time
from collections import Counter

import numpy as np

from checker.certify import NotProved, document, within
from checker.check import load_claims
from checker.claims import Claim, Kind, Outcome, registered
from checker.generators.draw import draw
from checker.verifier.numbers import Rejected
from checker.verify import verify
from tests.adversarial import KINDS, adversarial


def violations(claim: Claim, count: int, seed: int = 0) -> list:
    """The first instances drawn that violate the claim, at most `count`."""
    found: list = []

    def visit(instance):
        if len(found) < count and claim.judge(instance)[0] is Outcome.VIOLATES:
            found.append(instance)

    draw(claim.strategy(), 6 * count, seed, visit, simplest=True)
    return found


def controls(count: int) -> None:
    """One line per control with an exact counterpart."""
    print(f"{'control':28} {'certified':>10} {'median ms':>10} {'verify ms':>10} {'max s':>7}  why not")
    for claim in registered().values():
        if claim.kind is Kind.CONTROL and claim.certify is not None:
            _control(claim, violations(claim, count))


def _control(claim: Claim, instances: list) -> None:
    proofs, checks, reasons = [], [], Counter()
    for instance in instances:
        start = time.perf_counter()
        try:
            within(30)
            found = claim.certify(instance)
            middle = time.perf_counter()
            verify(document(claim, instance, found))
            checks.append(time.perf_counter() - middle)
        except (NotProved, Rejected) as reason:
            middle = time.perf_counter()
            reasons[str(reason)[:60]] += 1
        proofs.append(middle - start)
    share = f"{len(checks)}/{len(instances)}"
    slowest = max(map(sum, zip(proofs, checks)), default=0.0)
    times = f"{1e3 * np.median(proofs):>10.1f} {1e3 * np.median(checks or [np.nan]):>10.1f} {slowest:>7.2f}"
    print(f"{claim.id:28} {share:>10} {times}  {dict(reasons) or ''}", flush=True)


def theorems(count: int) -> int:
    """Certificates over adversarial floats by theorem; their number in all, which must be 0."""
    claims = [each for each in registered().values() if each.kind is Kind.THEOREM and each.certify is not None]
    total, floats, tried = 0, 0, 0
    for claim in claims:
        wrong, rng = [], np.random.default_rng(0)

        def visit(instance, claim=claim, rng=rng, wrong=wrong):
            nonlocal tried, floats
            hard = adversarial(instance, rng, str(rng.choice(KINDS)))
            tried += 1
            try:
                wrong.append(claim.certify(hard))
            except (NotProved, ArithmeticError, ValueError, np.linalg.LinAlgError):
                pass
            with np.errstate(all="ignore"):
                floats += is_violated_in_floats(hard)

        draw(claim.strategy(), -(-count // len(claims)), 0, visit, simplest=True)
        total += len(wrong)
        print(f"{claim.id:28} {len(wrong)} certificates", flush=True)
    print(f"{total} certificates on {tried} instances; exact comparison in floats finds ⟨u, ∇N⟩ ≠ D·N on {floats} of them")
    return total


def is_violated_in_floats(instance) -> bool:
    """Whether Euler's identity fails if floats are compared as they are."""
    value, gradient = instance.ncf.value_and_gradient(instance.start)
    return bool(gradient @ instance.start != instance.network.order * value)


def boxes(count: int) -> None:
    """Share and time of boxes around limits of flows, two and three layers, p = 2."""
    from checker.certify.boxes import found_near
    from checker.certify.rings import precision
    from checker.claims import Inapplicable, Unresolved
    from checker.generators.starts import gaussian_start
    from checker.kkt import positive_limit
    from checker.ncf import Ncf
    from checker.networks import dense
    from checker.tolerances import Numerics

    for depth in (2, 3):
        rng, times, done = np.random.default_rng(depth), [], 0
        while len(times) < count:
            d, slopes = int(rng.integers(2, 6)), tuple(rng.uniform(-1, 1, depth - 1))
            network = dense((d, *(int(k) for k in rng.integers(1, 6, depth - 1)), 1), (2,) * (depth - 1), slopes)
            ncf = Ncf(network, rng.standard_normal((10, d)), rng.standard_normal((10, 1)))
            try:
                u = positive_limit(ncf, gaussian_start(rng, ncf), Numerics()).point.u
            except (Inapplicable, Unresolved):
                continue
            start = time.perf_counter()
            try:
                with precision(128):
                    found_near(network, ncf, u)
                done += 1
            except NotProved as reason:
                print(f"    {reason}")
            times.append(time.perf_counter() - start)
        print(f"{depth} layers: {done}/{count} boxed, median {1e3 * np.median(times):.1f} ms, slowest {1e3 * max(times):.1f} ms")


if __name__ == "__main__":
    load_claims()
    what, number, *_ = [*sys.argv[1:], *("controls", "40")[len(sys.argv) - 1 :]]
    {"controls": controls, "theorems": theorems, "boxes": boxes}[what](int(number))
