"""Mistakes planted in the certifier: each is caught by the engine's numbers, by sampled boxes, or
by the verifier.
"""

from __future__ import annotations

import functools

import numpy as np
import pytest
from flint import arb

from ncfcheck.certify import Certificate, NotProved, certify, points
from ncfcheck.certify.boxes import found_near
from ncfcheck.certify.evaluate import Evaluation, bend
from ncfcheck.certify.krawczyk import enclose, is_positive_definite
from ncfcheck.certify.reduced import Reduced
from ncfcheck.certify.rings import Balls, Rationals, precision
from ncfcheck.certify.structured import Structure, balanced, mixed_columns, reduced_box
from ncfcheck.certify.symmetries import turned
from ncfcheck.certify.system import System
from ncfcheck.core.claims import registered
from ncfcheck.model.ncf import Ncf
from ncfcheck.model.networks import DENSE, Network, convolution, dense, masked
from ncfcheck.properties.homogeneity import exact as homogeneity
from ncfcheck.properties.rank_one import exact_kkt
from ncfcheck.theory.starts import unit
from tests.support.certified import is_caught
from tests.support.exact_networks import as_float, drawn, first_violation, limit, numbers
from tests.support.planting import Mutant

SEEDS = (1, 2, 3, 5, 8)
CERTIFIED = (
    "control.nonuniform",
    "control.signless",
    "control.equal_entries",
    "control.two_sided",
    "control.biases",
)
CERTIFIED += (
    "control.saddles",
    "control.positive_unstable",
    "control.zero_points",
    "control.wrong_labels",
)


@functools.cache
def violation(id: str):
    claim = registered()[id]
    for seed in range(9):
        instance = first_violation(claim, seed)
        if isinstance(certify(claim, instance), Certificate):
            return instance
    raise AssertionError(id)


def numbers_agree() -> bool:
    """Values, gradients and Hessians over both rings are the engine's."""
    for seed in SEEDS:
        instance = drawn(seed)
        ncf, u = instance.ncf, instance.start
        expected = np.concatenate([[ncf.value(u)], ncf.gradient(u), ncf.hessian(u).ravel()])
        found = [
            [as_float(each) for each in numbers(Rationals, instance)],
            [float(each.mid()) for each in numbers(Balls, instance)],
        ]
        if not np.allclose(found, expected, rtol=1e-9, atol=1e-11 * np.abs(expected).max()):
            return False
    return True


def kinks_are_enclosed() -> bool:
    """σ, σ' and σ'' of a ball across a kink contain those of its points, and p = 1 has no σ''."""
    for power, alpha in ((1, 0.3), (2, 0.5), (2, -0.3), (3, -1.0)):
        found = bend(Balls, arb(0.05, 0.3), power, arb(alpha))
        for z in (-0.2, -0.1, 0.1, 0.3):
            side = 1.0 if z > 0 else alpha**power
            exact = (
                side * z**power,
                power * side * z ** (power - 1),
                power * (power - 1) * side * z ** max(power - 2, 0),
            )
            if any(
                ball is not None and not ball.contains(arb(value))
                for ball, value in zip(found, exact)
            ):
                return False
        if (found[2] is None) != (power == 1):
            return False
    return all(_deep_kink(sign) for sign in (-1.0, 1.0))


def _deep_kink(sign: float) -> bool:
    """The same for a kink of p = 1 above one of p = 2, which sees inputs of one sign."""
    network = dense((1, 1, 1, 1), (2, 1), (0.5, 0.3))
    wide, thin = (
        Evaluation(Balls, network, [u, sign, 1.0], [[1.0]], [[1.0]])
        for u in (arb(0, 0.2), arb(0.1))
    )
    return all(
        a.contains(b) for a, b in zip([wide.value, *wide.gradient], [thin.value, *thin.gradient])
    )


def structures_are_their_points() -> bool:
    """Weights made of exact profiles and a boxed direction are those of the instance."""
    for id in ("control.nonuniform", "control.signless", "control.two_sided"):
        instance = violation(id)
        rows, columns = ([list(map(float, each)) for each in instance.profiles] for _ in range(2))
        if id == "control.two_sided":
            layer = next(l for l, each in enumerate(instance.profiles) if (each < 0).any())
            rows[layer], columns[layer] = mixed_columns(instance, layer)
        with precision(128):
            u = reduced_box(instance, instance.u, instance.signs).theta
            theta = Structure(
                instance.network, u, instance.signs, rows, columns, balanced(instance.network)
            ).weights()
        if not np.allclose([float(each.mid()) for each in theta], instance.start, atol=1e-9):
            return False
    return True


def slopes_are_those_of_the_residual() -> bool:
    """DF is the derivative of F, symmetries included."""
    rng = np.random.default_rng(1)
    network = dense((3, 2, 1), (1,), (1.0,))
    system = System(
        network,
        rng.standard_normal((4, 3)),
        rng.standard_normal((4, 1)),
        rng.standard_normal(8),
        ((0, 0, 1),),
    )
    x, step = rng.standard_normal(10), 1e-6

    def residual(x):
        return np.array(
            [float(each.mid()) for each in system.residual(list(map(arb, map(float, x))))]
        )

    found = np.array(
        [
            [float(each.mid()) for each in row]
            for row in system.jacobian(list(map(arb, map(float, x))))
        ]
    )
    slopes = [(residual(x + step * e) - residual(x - step * e)) / (2 * step) for e in np.eye(10)]
    return np.allclose(found, np.transpose(slopes), atol=1e-6)


def certificates_are_accepted() -> bool:
    """Violations are still certified, by certificates that the verifier accepts."""
    return all(
        isinstance(certify(registered()[id], violation(id)), Certificate) for id in CERTIFIED
    )


def nothing_is_proved_of_what_is_not_so() -> bool:
    """Points that are no KKT points are not boxed, forms with a negative eigenvalue not positive,
    ties not inequalities.
    """
    network, ncf, u = limit(2, 5)
    rng = np.random.default_rng(0)
    with precision(128):
        for size in (1e-2, 1e-4, 1e-6):
            near = u + size * rng.standard_normal(u.size)
            try:
                box = enclose(System(network, ncf.X, ncf.ybar, near / np.linalg.norm(near)))
            except NotProved:
                continue
            if np.abs(np.array(box.centre[: u.size]) - u).max() > box.radius:
                return False
        saddle, bowl = ([[arb(a), arb(b)], [arb(b), arb(a)]] for a, b in ((1, 2), (2, 1)))
        if is_positive_definite(saddle) or not is_positive_definite(bowl):
            return False
    true = (
        (exact_kkt.not_spoilt, violation("control.nonuniform")),
        (homogeneity.loss_expansion, drawn(1)),
    )
    for certifier, instance in true:
        try:
            certifier(instance)
        except NotProved:
            continue
        return False
    instance = drawn(1)
    statements = (
        points.euler_fails,
        points.layer_euler_fails,
        points.output_scaling_fails,
        points.gradient_scaling_fails,
    )
    return not any(statement(Rationals, instance, instance.start) for statement in statements)


def boxes_hold_their_points() -> bool:
    """A box at two layers holds the polished point, with the N and the curvature that the engine
    finds there.
    """
    for depth in (2, 3):
        network, ncf, u = limit(depth, 5)
        with precision(128):
            try:
                found = found_near(network, ncf, u)
            except NotProved:
                return False
            active = np.array([float(each.mid()) for each in found.box.theta])
            value = float((found.value * arb(2) ** -found.system.scale).mid())
            if (
                abs(np.linalg.norm(active) - 1) > 1e-12
                or abs(value / ncf.value(u) - 1) > 1e-9
                or not found.is_maximum()
            ):
                return False
    return True


def the_reduced_problem_is_the_engine_s() -> bool:
    """n(u), ∇n and ∇²n by the profile of a chain are those of the network with all widths one."""
    from ncfcheck.theory.rank_one.points import reduced_value

    network, X, y = drawn(4).network, drawn(4).ncf.X, drawn(4).ncf.ybar[:, :1]
    rng, signs = np.random.default_rng(2), tuple([-1.0, 1.0, -1.0, 1.0][: network.depth - 1])
    u = rng.standard_normal(X.shape[1])
    system = Reduced(network, X, y, u, signs=signs)
    value, gradient = reduced_value(network, X, y[:, 0], u, signs)
    found = [
        float(each.mid())
        for each in (system.value(list(map(arb, u))), *system.gradient(list(map(arb, u))))
    ]
    step = 1e-6
    slopes = [
        (
            reduced_value(network, X, y[:, 0], u + step * e, signs)[1]
            - reduced_value(network, X, y[:, 0], u - step * e, signs)[1]
        )
        / (2 * step)
        for e in np.eye(u.size)
    ]
    hessian = [[float(each.mid()) for each in row] for row in system.hessian(list(map(arb, u)))]
    return np.allclose(found, [value, *gradient], rtol=1e-9) and np.allclose(
        hessian, slopes, rtol=1e-4, atol=1e-6
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
    for network, generator in (
        (dense((3, 4, 2, 2), (1, 2), (1.0, 0.5)), (0, 1, 3)),
        (blocks, (0, 0, 1)),
        (circular, (1,)),
    ):
        ncf = Ncf(
            network, rng.standard_normal((5, 3)), rng.standard_normal((5, network.widths[-1]))
        )
        theta = rng.standard_normal(network.size)
        moved = np.array(turned(network, list(theta), generator))
        if not moved.any() or max(abs(moved @ theta), abs(moved @ ncf.gradient(theta))) > 1e-12:
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
    u = unit(network.flatten([sizes * turn, sizes.T / np.sqrt(2)]))
    with precision(128):
        try:
            box = found_near(network, ncf, u).box
        except NotProved:
            return False
    return any(box.fine) and box.radius < 1e-20


CHECKS = (
    numbers_agree,
    kinks_are_enclosed,
    nothing_is_proved_of_what_is_not_so,
    boxes_hold_their_points,
    the_reduced_problem_is_the_engine_s,
    slopes_are_those_of_the_residual,
    structures_are_their_points,
    symmetries_leave_n_and_the_norm,
    points_next_to_kinks_are_boxed,
    certificates_are_accepted,
)
EVALUATE, KRAWCZYK, REDUCED, SYSTEM = (
    f"ncfcheck.certify.{each}" for each in ("evaluate", "krawczyk", "reduced", "system")
)
STRUCTURED, POINTS, BOXES = (
    "ncfcheck.certify.structured",
    "ncfcheck.certify.points",
    "ncfcheck.certify.boxes",
)
MISTAKES = [
    (
        f"{EVALUATE}:bend",
        "scale if side == -1 else ring.number(1))",
        "scale)",
        "the flat side everywhere",
    ),
    (
        f"{EVALUATE}:_branch",
        "scale * power * times_power(one, z, power - 1)",
        "scale * times_power(one, z, power - 1)",
        "no p in σ'",
    ),
    (f"{EVALUATE}:_branch", "(power * (power - 1))", "power", "p for p(p − 1) in σ''"),
    (f"{EVALUATE}:_jumps", "power == 1 or", "False or", "σ'' at a kink of p = 1"),
    (
        f"{EVALUATE}:Evaluation._row",
        "part += deltas[l] * dvalues[l - 1].transpose()",
        "pass",
        "no change of the activations in ∇²N",
    ),
    (
        f"{EVALUATE}:Evaluation._backward",
        "turned if total is None else total + turned",
        "turned",
        "overwritten for added",
    ),
    (f"{EVALUATE}:Evaluation._backward", "if bend is not None:", "if False:", "no σ'' in ∇²N"),
    (
        f"{EVALUATE}:Evaluation._known_sides",
        "-1 if side == {-1}",
        "1 if side == {-1}",
        "a sign of the pre-activations",
    ),
    ("ncfcheck.certify.rings:halves", "below if below < 0 else zero", "zero", "no part below 0"),
    ("ncfcheck.certify.rings:Balls.hull", "arb(low).union(arb(high))", "arb(low)", "no hull"),
    (f"{SYSTEM}:System.residual", "g - multiplier * t", "g + multiplier * t", "sign of λ"),
    (
        f"{SYSTEM}:System.jacobian",
        "row[i] -= multiplier",
        "row[i] += multiplier",
        "sign of λ in DF",
    ),
    (f"{SYSTEM}:System.jacobian", "row += [-theta[i]", "row += [theta[i]", "sign of the border"),
    (
        f"{SYSTEM}:System.evaluate",
        "arb(2) ** self.scale",
        "arb(2) ** (2 * self.scale + 1)",
        "scale of N",
    ),
    (
        f"{KRAWCZYK}:_contracts",
        "if not abs(each) + defect * radius < radius:",
        "if False:",
        "no test of contraction",
    ),
    (
        f"{KRAWCZYK}:is_positive_definite",
        "if not rows[k][k] > 0:",
        "if rows[k][k] < -9:",
        "negative pivots pass",
    ),
    (
        f"{KRAWCZYK}:is_positive_definite",
        "rows[i][j] - factor",
        "rows[i][j] + factor",
        "sign of the elimination",
    ),
    (f"{REDUCED}:branches", "(slope * t) ** power", "slope * t**power", "α for α^p"),
    (
        f"{REDUCED}:_mirrored",
        "[value, -first, second]",
        "[value, first, second]",
        "sign of φ' below 0",
    ),
    (f"{REDUCED}:_monomial", "scale * q * powers[q - 1]", "scale * powers[q - 1]", "no q in φ'"),
    (
        "ncfcheck.certify.symmetries:_shifted",
        "sign = 1 if row else -1",
        "sign = 1",
        "W_2 turned the same way as W_1",
    ),
    (
        "ncfcheck.certify.symmetries:_rotated",
        "-theta[j], theta[i]",
        "theta[j], theta[i]",
        "no rotation",
    ),
    (f"{KRAWCZYK}:_sums", "arb(a) + arb(b)", "arb(a)", "half the digits of a centre"),
    (f"{STRUCTURED}:balanced", ".sqrt()", "", "c_l for c_l²"),
    (f"{STRUCTURED}:unit", "length = ", "length = 2 * ", "half a unit vector"),
    (f"{STRUCTURED}:mixed_columns", ".root(p - 1)", ".root(p)", "p for p − 1 in Q"),
    (f"{STRUCTURED}:_separated", "power * root * side", "root * side", "α for α^p in mixed layers"),
    (f"{STRUCTURED}:_parallel", "len(ratios) == 1 and", "", "unequal ratios pass"),
    (
        "ncfcheck.model.networks:times_power",
        "range(exponent)",
        "range(exponent + 1)",
        "one power too many",
    ),
    (f"{POINTS}:_second_order", "return 4, 4", "return 40, 40", "five times the loss"),
    (f"{BOXES}:prune", "> SILENT", "> 0.9", "neurons cut that are heard"),
    (
        f"{KRAWCZYK}:is_below",
        "bound * (i == j) - (",
        "-bound * (i == j) + (",
        "sign of the form",
    ),
]
MUTANTS = [
    Mutant(of, fragment, replacement, mistake, ())
    for of, fragment, replacement, mistake in MISTAKES
]


def test_everything_agrees_without_a_mistake():
    assert [check.__name__ for check in CHECKS if not check()] == []


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.id)
def test_a_mistake_in_the_certifier_is_caught(mutant, monkeypatch):
    for id in CERTIFIED:
        violation(id)
    assert is_caught(mutant, CHECKS, monkeypatch)
