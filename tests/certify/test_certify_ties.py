"""False claims planted with margins down to 1e-300, and exact ties: refuted, and never "not
refuted" where they were tested.
"""

from __future__ import annotations

import json

import pytest

from ncfcheck.certify import NotProved
from ncfcheck.certify.certificate import asked
from ncfcheck.core import claims
from ncfcheck.core.claims import THEOREM, Claim, Inapplicable, Margin, Outcome, Verdict
from ncfcheck.run.batches import check_batch, cut
from ncfcheck.run.check import check_claim
from ncfcheck.run.counterexamples import smaller
from ncfcheck.strategies.draw import draw
from ncfcheck.strategies.instances import instances
from ncfcheck.verdicts import witness
from ncfcheck.verifier import REFUTATIONS, verify
from ncfcheck.verifier.numbers import ball, limits, need
from ncfcheck.verifier.numbers import dot as exact_dot

SMALL = (1, 6, 9, 14, 16, 17, 100, 300)  # exponents of the relative gaps by which a claim is false
ROUNDING = 1e-12  # of Euler's identity in floats, relative to ‖∇N‖ ‖u‖


def gap(instance) -> tuple[float, float, float]:
    """⟨u, ∇N⟩ − D·N in floats with a bound on its rounding, and N."""
    value, gradient = instance.ncf.value_and_gradient(instance.start)
    error = ROUNDING * float(
        abs(gradient) @ abs(instance.start) + instance.network.order * abs(value)
    )
    if not abs(value) > 1e-6 * error / ROUNDING:
        raise Inapplicable("N is about 0")
    return float(gradient @ instance.start) - instance.network.order * value, error, value


def is_planted(instance) -> bool:
    return instance.network.depth == 2


def equality(exponent: int, only_some: bool) -> Claim:
    """⟨u, ∇N⟩ = (D + 10^-exponent) N; `only_some`: on networks of two layers, and nothing of
    others.
    """

    def margin(instance):
        if only_some and not is_planted(instance):
            return Margin(1.0, 0.0)
        difference, error, value = gap(instance)
        size = abs(difference - 10.0**-exponent * value)
        return Margin(-size, error)

    def find(instance):
        if only_some and not is_planted(instance):
            raise NotProved("nothing is claimed")
        return asked(instance)

    return Claim(
        "planted.equality", THEOREM, "an equality", "", (), instances(), margin, refute=find
    )


def refutes_equality(exponent: int):
    """What the verifier needs to know of the claim."""

    def verified(case, data):
        limits.bits = 10**6
        _, value, G = case.net.run(case.theta, case.X, case.Y)
        off = (exact_dot(G, case.theta) - value * case.net.order) * ball(10**exponent) - value
        need(off.nonzero, "the equality holds")

    return verified


def strict() -> Claim:
    """⟨u, ∇N⟩ ≠ D·N, which is false by an exact tie everywhere."""

    def margin(instance):
        difference, error, _ = gap(instance)
        return Margin(abs(difference), error)

    return Claim(
        "planted.strict", THEOREM, "a strict inequality", "", (), instances(), margin, refute=asked
    )


def refutes_strict(case, data):
    limits.bits = 10**6
    _, value, G = case.net.run(case.theta, case.X, case.Y)
    off = exact_dot(G, case.theta) - value * case.net.order
    need(off.lo == off.hi == 0, "no tie")


def checked(monkeypatch, claim: Claim, verified, examples: int = 12):
    monkeypatch.setitem(claims._registry, claim.id, claim)
    monkeypatch.setitem(REFUTATIONS, claim.id, verified)
    return check_claim(claim, examples, 0)


@pytest.mark.parametrize("only_some", (False, True))
@pytest.mark.parametrize("exponent", SMALL)
def test_a_claim_false_by_any_little_is_refuted(exponent, only_some, monkeypatch):
    result = checked(
        monkeypatch,
        equality(exponent, only_some),
        refutes_equality(exponent),
        30 if only_some else 12,
    )
    assert result.verdict is Verdict.REFUTED and result.certified, result.why_unresolved
    assert not only_some or result.holds


def test_a_hunt_keeps_what_only_a_proof_finds_false(monkeypatch):
    claim = equality(30, False)
    monkeypatch.setitem(claims._registry, claim.id, claim)
    monkeypatch.setitem(REFUTATIONS, claim.id, refutes_equality(30))
    tally = check_batch(cut([claim], 3)[0], 0).tallies[claim.id]
    small = smaller(claim, tally.violation, 0, seconds=1.0)
    assert verify(json.loads(witness.dumps(small)))
    again = witness.replay(small)
    assert again.still_violates and "proved" in again.words
    monkeypatch.delitem(REFUTATIONS, claim.id)
    assert not witness.replay(small).still_violates


def test_an_exact_tie_of_a_strict_claim_is_refuted(monkeypatch):
    assert checked(monkeypatch, strict(), refutes_strict).verdict is Verdict.REFUTED


@pytest.mark.parametrize("exponent", SMALL)
def test_without_a_proof_an_instance_false_by_little_counts_as_violating_or_unresolved(
    exponent, monkeypatch
):
    claim = equality(exponent, False)
    monkeypatch.setitem(claims._registry, claim.id, claim)
    result = check_claim(claim, 12, 0)  # the verifier does not know it
    assert result.verdict in (Verdict.POTENTIAL, Verdict.UNRESOLVED) and result.holds == 0


def test_a_true_equality_is_never_refuted(monkeypatch):
    def margin(instance):
        difference, error, _ = gap(instance)
        return Margin(-abs(difference), error)

    def differs(case, data):
        limits.bits = 10**6
        _, value, G = case.net.run(case.theta, case.X, case.Y)
        need((exact_dot(G, case.theta) - value * case.net.order).nonzero, "the identity holds")

    claim = Claim(
        "planted.true", THEOREM, "Euler's identity", "", (), instances(), margin, refute=asked
    )
    result = checked(monkeypatch, claim, differs)
    assert result.verdict is Verdict.UNRESOLVED and result.certified == 0


def test_the_margins_planted_are_violations_that_floats_see_and_others_that_they_do_not():
    found = list(draw(instances().strategy(), 6, 0, simplest=False))
    outcomes = {equality(exponent, False).judge(each)[0] for exponent in SMALL for each in found}
    assert Outcome.HOLDS not in outcomes and {Outcome.VIOLATES, Outcome.UNRESOLVED} <= outcomes
