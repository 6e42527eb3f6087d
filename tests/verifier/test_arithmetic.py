"""The verifier's arithmetic holds exact numbers and the engine's, and proves nothing that is not
so; mistakes planted in it are caught by that.
"""

from __future__ import annotations

import functools
import json
import os
from fractions import Fraction

import numpy as np
import pytest

from ncfcheck.certify import Certificate, certify, document
from ncfcheck.certify.boxes import Box, enclose, exactly, found_near, net_of
from ncfcheck.core.claims import registered
from ncfcheck.core.loading import load_claims
from ncfcheck.model.encoding import encode
from ncfcheck.model.ncf import Ncf
from ncfcheck.model.networks import DENSE, Network, convolution, dense, masked
from ncfcheck.theory.starts import unit
from ncfcheck.verifier.boxes import boxed, equations, is_below, is_positive, slopes
from ncfcheck.verifier.identities import (
    euler_fails,
    expansion_fails,
    gradients_fail,
    layers_fail,
    outputs_fail,
)
from ncfcheck.verifier.networks import Case
from ncfcheck.verifier.numbers import Ball, Dual, Rejected, ball, bend, dot, limits, power
from ncfcheck.verifier.symmetries import symmetry
from tests.support.adversarial import KINDS, adversarial
from tests.support.certified import is_caught, is_rejected
from tests.support.exact_networks import continuum, drawn, first_violation, limit
from tests.support.planting import in_verifier

load_claims()
SEEDS = (1, 2, 3, 5, 8)
COUNT = 3000 if os.environ.get("NCFCHECK_FULL") else 40
CERTIFIED = (
    "control.nonuniform",
    "control.signless",
    "control.equal_entries",
    "control.two_sided",
    "control.biases",
    "control.saddles",
    "control.positive_unstable",
    "control.zero_points",
    "control.wrong_labels",
)
# Claims of which certificates of these others would be accepted but for one condition.
BORROWED = {
    "rank_one.perturbed_fails": "control.nonuniform",
    "rank_one.mixed_sign_even_p": "control.two_sided",
    "rank_one.sufficient": "control.any_direction",
}


@pytest.fixture(autouse=True)
def _bits(monkeypatch):
    monkeypatch.setattr(limits, "bits", 192)


@functools.cache
def violation(id: str):
    claim = registered()[id]
    for seed in range(9):
        instance = first_violation(claim, seed)
        found = certify(claim, instance)
        if isinstance(found, Certificate):
            return instance, json.dumps(document(claim, instance, found))
    raise AssertionError(id)


def case_of(instance) -> Case:
    return Case(json.loads(json.dumps(encode(instance))))


def ends(x) -> tuple[Fraction, Fraction]:
    x = x.v if isinstance(x, Dual) else x
    return Fraction(x.lo) * Fraction(2) ** x.e, Fraction(x.hi) * Fraction(2) ** x.e


def contains(x, value) -> bool:
    low, high = ends(x)
    return low <= Fraction(value) <= high


def fractions(values) -> np.ndarray:
    return np.vectorize(Fraction, otypes=[object])(np.asarray(values, dtype=float))


def exact(instance) -> list[Fraction]:
    """N and ∇N in fractions, σ' at a kink that of slope 1."""
    network, ncf = instance.network, instance.ncf
    theta, h, bends = fractions(instance.start), [fractions(ncf.X).T], []
    shapes = [*zip(network.patterns, network.slices, network.widths[1:], network.widths)]
    places = [pattern.expand(rows, columns) for pattern, _, rows, columns in shapes]
    W = [np.where(k >= 0, theta[s][k], Fraction(0)) for k, (_, s, *_) in zip(places, shapes)]
    for w, q, alpha in zip(W, network.powers, map(Fraction, network.slopes)):
        z = w @ h[-1]
        scale = np.where(z >= 0, Fraction(1), alpha**q)
        h.append(scale * z**q)
        bends.append(q * scale * z ** (q - 1))
    delta, gradient = fractions(ncf.ybar).T, []
    value = (delta * (W[-1] @ h[-1])).sum()
    for l in reversed(range(network.depth)):
        own = delta @ h[l].T
        gradient.insert(0, [own[places[l] == k].sum() for k in range(network.parameter_counts[l])])
        delta = (W[l].T @ delta) * bends[l - 1] if l else delta
    return [value, *(each for part in gradient for each in part)]


def is_on_kink(instance) -> bool:
    """Whether a pre-activation is exactly 0 where σ' jumps."""
    case = case_of(instance)
    W = case.net.matrices(case.theta)
    for x in case.X:
        for w, law in zip(W, case.net.laws):
            z = [dot(row, x) for row in w]
            if law[0] == 1 and (law[2] - 1).nonzero and any(a.lo == a.hi == 0 for a in z):
                return True
            x = [bend(a, *law)[0] for a in z]
    return False


def numbers_are_exact_and_the_engine_s() -> bool:
    """Intervals hold N and ∇N in fractions; those and ∇²N are the engine's."""
    for seed in SEEDS:
        instance = drawn(seed)
        ncf, u, case = instance.ncf, instance.start, case_of(instance)
        _, value, gradient = case.net.run(case.theta, case.X, case.Y)
        if not all(map(contains, [value, *gradient], exact(instance))):
            return False
        H = slopes(lambda t, case=case: case.net.run(t, case.X, case.Y)[2], case.theta)
        found = [float(each) for each in [value, *gradient, *(v for row in H for v in row)]]
        expected = np.concatenate([[ncf.value(u)], ncf.gradient(u), ncf.hessian(u).ravel()])
        if not np.allclose(found, expected, rtol=1e-9, atol=1e-11 * np.abs(expected).max()):
            return False
    return True


def kinks_are_enclosed() -> bool:
    """σ, σ' and σ'' across a kink contain those of points on both sides; p = 1 has no σ''."""
    for q, alpha in ((1, 0.3), (1, 1.0), (2, 0.5), (2, -0.3), (3, -1.0), (4, 0.0)):
        law, wide = (q, Ball(1), power(ball(alpha), q)), Ball(-3, 5, -4)
        value, first = bend(wide, *law)
        try:
            second = bend(Dual(wide, {0: Ball(1)}), *law)[1].t[0]
        except Rejected:
            second = None
        if (second is None) != (q == 1 and alpha != 1):
            return False
        for z in map(Fraction, np.linspace(-3 / 16, 5 / 16, 25)):
            side = 1 if z >= 0 else Fraction(alpha) ** q
            wanted = (
                side * z**q,
                q * side * z ** (q - 1),
                q * (q - 1) * side * z ** max(q - 2, 0),
            )
            if not (contains(value, wanted[0]) and contains(first, wanted[1])):
                return False
            if second is not None and not contains(second, wanted[2]):
                return False
    return True


def only_definite_forms_are_positive() -> bool:
    """A saddle is not, whatever its pivots' signs; nor are forms one of which is none."""
    bowl, saddle = ([[ball(a), ball(b)], [ball(b), ball(a)]] for a, b in ((2, 1), (1, 2)))
    wide = [[Ball(1, 3), ball(1)], [ball(1), Ball(1, 3)]]
    truths = [is_positive(2, lambda i, j, form=form: form[i][j]) for form in (bowl, saddle, wide)]
    below = [is_below(bowl, ball(bound)) for bound in (4, 2)]
    # x² − y² is below 0 across (1, 0).
    across = [[ball(1), ball(0)], [ball(0), ball(-1)]]
    v = [ball(1), ball(0)]
    return (
        truths == [True, False, False]
        and below == [True, False]
        and is_below(across, ball(0), v, 2)
        and not is_below(across, ball(0), v[::-1], 2)
    )


def slopes_are_those_of_the_equations() -> bool:
    """DF is the derivative of F, symmetries included, and F = 0 only at KKT points."""
    rng, network = np.random.default_rng(1), dense((3, 2, 1), (1,), (1.0,))
    X, Y, theta = (rng.standard_normal(shape) for shape in ((4, 3), (4, 1), 8))
    F = equations(net_of(network), exactly(X), exactly(Y), [[0, 0, 1]], exactly(theta))

    def residual(x):
        return np.array([float(each) for each in F(exactly(x))])

    x, step = rng.standard_normal(10), 1e-6
    J = np.array([[float(each) for each in row] for row in slopes(F, exactly(x))])
    found = [(residual(x + step * e) - residual(x - step * e)) / (2 * step) for e in np.eye(10)]
    network, ncf, u = limit(2, 5)
    F = equations(net_of(network), exactly(ncf.X), exactly(ncf.ybar), [], exactly(u))
    multiplier = network.order * ncf.value(u)
    return np.allclose(J, np.transpose(found), atol=1e-6) and all(
        (np.abs(residual([*point, factor * multiplier])).max() < 1e-10) == is_one
        for point, factor, is_one in ((u, 1, True), (u, -1, False), (unit(u + 0.01), 1, False))
    )


def symmetries_leave_n_and_the_norm() -> bool:
    """∇N and θ are orthogonal to Aθ, for rotations of neurons that are connected alike and for
    shifts of a circular layer.
    """
    rng = np.random.default_rng(3)
    circular = Network((3, 3, 2, 1), (1, 2), (1.0, 0.5), (convolution(3, 3, 3), DENSE, DENSE))
    blocks = Network(
        (3, 2, 2, 1), (1, 2), (1.0, 0.5), (masked([[1, 0, 1]] * 2), masked([[1, 1], [0, 0]]), DENSE)
    )
    for network, turn in (
        (dense((3, 4, 2, 2), (1, 2), (1.0, 0.5)), [0, 1, 3]),
        (blocks, [0, 0, 1]),
        (circular, [1]),
    ):
        X, Y = rng.standard_normal((5, 3)), rng.standard_normal((5, network.widths[-1]))
        theta = exactly(rng.standard_normal(network.size))
        moved = symmetry(net_of(network), turn)(theta)
        G = net_of(network).run(theta, exactly(X), exactly(Y))[2]
        off = [abs(float(dot(moved, each))) for each in (theta, G)]
        if not any(each.nonzero for each in moved) or max(off) > 1e-12:
            return False
    return True


def accepts(network: Network, ncf: Ncf, box: Box):
    """The verifier's point in a box, if it finds one there."""
    try:
        return boxed(box.plain(), net_of(network), exactly(ncf.X), exactly(ncf.ybar))
    except Rejected:
        return None


def boxes_hold_their_points_and_no_others() -> bool:
    """A box holds the polished point and its N; moved aside, of another λ or scale, none."""
    for network, ncf, u in (limit(2, 5), limit(3, 5), continuum()):
        found = found_near(network, ncf, u)
        network, ncf, u, box = found.pruned.network, found.ncf, found.point.u, found.box
        point = accepts(network, ncf, box)
        if point is None:
            return False
        value = float(point[2]) * 2.0**-box.scale
        if abs(value / ncf.value(u) - 1) > 1e-9 or np.abs(box.theta - u).max() > 1e-9:
            return False
        for k in range(len(box.centre)):
            centre = list(box.centre)
            centre[k] += 1e-6
            moved = Box(tuple(centre), box.fine, box.radius, box.scale, box.turns, box.free)
            if accepts(network, ncf, moved):
                return False
    return True


def points_next_to_kinks_are_boxed() -> bool:
    """Two neurons along orthogonal samples, each within rounding of the other's kink, are boxed to
    twice as many digits.
    """
    network, turn = (
        dense((2, 2, 1), (2,), (-0.7,)),
        np.array([[np.cos(0.5), np.sin(0.5)], [-np.sin(0.5), np.cos(0.5)]]),
    )
    ncf = Ncf(network, turn * [[1.0], [1.7]], np.array([[1.0], [0.9]]))
    sizes = 1 / (ncf.ybar * np.array([[1.0], [1.7**2]]))
    box = enclose(ncf, unit(network.flatten([sizes * turn, sizes.T / np.sqrt(2)])))
    return any(box.fine) and box.radius < 1e-20 and accepts(network, ncf, box) is not None


def identities_do_not_fail() -> bool:
    """Of networks without biases none does, to whatever little."""
    for seed in SEEDS:
        case = case_of(drawn(seed))
        at = case.net, case.theta, case.X, case.Y, Fraction(1, 10**40)
        if any(each(*at) for each in (euler_fails, layers_fail, outputs_fail, gradients_fail)):
            return False
        if expansion_fails(case, case.net, case.theta, case.Y):
            return False
    return True


def certificates_are_accepted_and_no_others() -> bool:
    """Violations are certified; what would refute a theorem is rejected."""
    if not all(
        isinstance(certify(registered()[id], violation(id)[0]), Certificate) for id in CERTIFIED
    ):
        return False
    for id, other in BORROWED.items():
        found = json.loads(violation(other)[1])
        if not is_rejected(found | {"claim": id}):
            return False
    return True


CHECKS = (
    numbers_are_exact_and_the_engine_s,
    kinks_are_enclosed,
    only_definite_forms_are_positive,
    slopes_are_those_of_the_equations,
    symmetries_leave_n_and_the_norm,
    boxes_hold_their_points_and_no_others,
    points_next_to_kinks_are_boxed,
    identities_do_not_fail,
    certificates_are_accepted_and_no_others,
)
MISTAKES = [
    ("numbers:bend", "math.perm(q, k)", "1", "no p in σ'"),
    ("numbers:bend", "each[0] if len(each) == 1 else each[0].hull(each[1])", "each[0]", "no hull"),
    ("numbers:bend", "parts += [(minus,", "parts += [(plus,", "one law on both sides"),
    ("numbers:bend", "len(parts) == 1 or q > 1 or", "True or", "σ'' at a kink of p = 1"),
    ("numbers:Dual.__mul__", "{k: a * v for k, a in other.t.items()}", "{}", "half a product rule"),
    ("numbers:dot", "((x, w), (y, v))", "((x, w),)", "half a product rule of sums"),
    ("numbers:_dot", "high + (max(ends)", "high + (min(ends)", "the lower end for the upper one"),
    ("networks:Net.run", "delta) * slope\n", "delta)\n", "no σ' in ∇N"),
    ("networks:Net.run", "value + dot(Y[i]", "dot(Y[i]", "N of the last sample"),
    ("boxes:is_positive", "if not pivot > 0:", "if pivot < -9:", "negative pivots pass"),
    ("boxes:is_positive", "a - factor * b", "a + factor * b", "sign of the elimination"),
    ("boxes:is_below", "bound * (i == j) - (H", "-bound * (i == j) + (H", "sign of the form"),
    ("boxes:is_below", "rest + lift", "rest - lift", "sign of the lift"),
    ("boxes:equations", "g - multiplier * t", "g + multiplier * t", "sign of λ"),
    ("boxes:equations", "dot(turned(middle[:free]), theta)", "theta[0]", "no phase fixed"),
    ("boxes:boxed", "+ defect * radius < radius", "* 0 < radius", "no test of contraction"),
    ("boxes:boxed", "ball(c) + ball(f)", "ball(c)", "half the digits of a centre"),
    ("boxes:defects", "- (i == j)", "", "A·J for A·J − I"),
    ("symmetries:symmetry", "out[i] - theta[j]", "out[i] + theta[j]", "no rotation"),
    (
        "symmetries:symmetry",
        "(k * own + j, k * own + (j + turn[0]) % own)",
        "(k * own + j, k * own + (j - turn[0]) % own)",
        "W_2 turned the same way as W_1",
    ),
    ("structures:layers", "ball([1.0, *case.signs][l])", "1", "no signs"),
    ("structures:placed", ").root(2)", ")", "c_l² for c_l"),
    ("structures:reduced", "Fraction(alpha) * t) ** q", "t) ** q", "slope 1 on both sides"),
    ("structures:mixing", "max(case.powers[l] - 1, 1)", "case.powers[l]", "p for p − 1 in Q"),
    ("structures:exact_kkt", "len(ratios) == 1 and", "", "unequal ratios pass"),
    ("identities:expansion_fails", "(4, 4)", "(40, 40)", "five times the loss"),
    ("identities:is_aside", "> gg", ">= 0 * gg", "any angle"),
    ("kkt_points:filled", "kept[l], row", "kept[0], row", "neurons at the wrong place"),
]
MUTANTS = [in_verifier(*each) for each in MISTAKES]


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_everything_agrees_without_a_mistake(check):
    assert check()


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.id)
def test_a_mistake_in_the_verifier_s_arithmetic_is_caught(mutant, monkeypatch):
    for id in (*CERTIFIED, *BORROWED.values()):
        violation(id)
    assert is_caught(mutant, CHECKS, monkeypatch)


@pytest.mark.parametrize("kind", KINDS)
def test_intervals_contain_the_exact_fractions_at_every_precision(kind, monkeypatch):
    evaluated = 0
    for seed in range(COUNT // 4):
        instance = adversarial(drawn(seed), np.random.default_rng(seed), kind)
        if is_on_kink(instance):
            continue
        case, wanted = case_of(instance), exact(instance)
        for bits in (24, 64, 192):
            monkeypatch.setattr(limits, "bits", bits)
            _, value, gradient = case.net.run(case.theta, case.X, case.Y)
            evaluated += 1
            assert all(map(contains, [value, *gradient], wanted))
    assert evaluated > COUNT // 8
