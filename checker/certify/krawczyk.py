"""Boxes that hold exactly one KKT point, by the Krawczyk operator (theory §9).

If |Y F(x_0)|_i + ‖(I − Y·DF(box))_i‖₁ r < r for every i, F has exactly one zero within r of x_0,
whatever the matrix Y. There μ = 0 (`ncfcheck.certify.system`).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from flint import arb

from ncfcheck.certify.certificate import NotProved, check_time, hexadecimal
from ncfcheck.certify.rings import Balls
from ncfcheck.certify.system import System, dot

LARGEST = 160  # unknowns of a box
NEWTON = 12  # steps to a centre of two floats
REFINEMENTS = (2.0, 8.0, 64.0, 1024.0)  # radii tried, in units of the Newton step at the centre


class NoContraction(NotProved):
    """The Krawczyk operator does not contract on any of the boxes tried."""


@dataclass(frozen=True)
class Box:
    """Exactly one KKT point of `system` lies within `radius` of centre + fine in every unknown."""

    system: System
    centre: tuple[float, ...]
    fine: tuple[float, ...]
    radius: float

    @property
    def unknowns(self) -> list:
        """θ, λ and the μ_k as balls."""
        return _around(_sums(self.centre, self.fine), self.radius)

    @property
    def theta(self) -> list:
        """The unknown weights as balls."""
        return self.unknowns[: self.system.free]

    @property
    def multiplier(self) -> arb:
        """λ as a ball."""
        return self.unknowns[self.system.free]

    def plain(self) -> dict:
        """What the verifier needs of the box."""
        return {
            "centre": hexadecimal(self.centre),
            **({"fine": hexadecimal(self.fine)} if any(self.fine) else {}),
            "radius": self.radius.hex(),
            "scale": self.system.scale,
            "generators": [list(each) for each in self.system.generators],
        }


def enclose(system: System) -> Box:
    """The box around the KKT point that `theta` approximates. Raises NotProved where none is found.

    Where a kink is too near for a box about floats, the centre is given to twice as many digits.
    """
    system, centre = _scaled(system)
    if len(centre) > LARGEST:
        raise NotProved(f"too many unknowns for a box: {len(centre)}")
    fine = [0.0] * len(centre)
    try:
        return _enclosed(system, centre, fine)
    except NoContraction:
        return _enclosed(system, *_refined(system, centre, fine))


def _enclosed(system: System, centre: list[float], fine: list[float]) -> Box:
    """A box about centre + fine."""
    middle = _sums(centre, fine)
    Y = _inverse(system, middle)
    step = _step(system, Y, middle)
    reach = max(float(abs(each).upper()) for each in step)
    if not reach < 1e-3:
        raise NotProved(f"Newton's method leaves the point by {reach:.0e}: approximate at best")
    least = 2.0**-120 if any(fine) else 2.0**-80
    for factor in REFINEMENTS:
        check_time()
        radius = 2.0 ** math.ceil(math.log2(max(factor * reach, least)))
        if _contracts(system, middle, radius, Y, step):
            box = Box(system, tuple(centre), tuple(fine), radius)
            _check_independent(box)
            return box
    raise NoContraction("the Krawczyk operator does not contract: a degenerate point or a kink")


def _refined(
    system: System, centre: list[float], fine: list[float]
) -> tuple[list[float], list[float]]:
    """Newton's limit, with slopes of the side of each kink that it is on; a sum of two floats."""
    for _ in range(NEWTON):
        check_time()
        middle = _sums(centre, fine)
        moved = [a - b for a, b in zip(middle, _step(system, _inverse(system, middle), middle))]
        centre = [float(each.mid()) for each in moved]
        fine = [float((each - arb(near)).mid()) for each, near in zip(moved, centre)]
    return centre, fine


def _inverse(system: System, middle: list[arb]):
    """About the inverse of DF at a point, in balls that are floats. Raises NotProved if none."""
    try:
        Y = np.linalg.inv(_floats(system.jacobian(middle)))
    except np.linalg.LinAlgError as error:
        raise NotProved("a continuum, or a degenerate point: the Jacobian is singular") from error
    if not np.isfinite(Y).all():
        raise NotProved("the Jacobian cannot be inverted")
    return Balls.matrix(len(Y), len(Y), [arb(float(each)) for each in Y.ravel()])


def _step(system: System, Y, middle: list[arb]) -> list[arb]:
    """Y F at a point."""
    return (Y * Balls.matrix(len(middle), 1, system.residual(middle))).entries()


def _contracts(system: System, middle: list[arb], radius: float, Y, step) -> bool:
    """Whether |Y F(x_0)|_i + ‖(I − Y·DF(box))_i‖₁ r < r for every i."""
    jacobian = system.jacobian(_around(middle, radius))
    for each, defect in zip(step, defects(Y, jacobian)):
        if not abs(each) + defect * radius < radius:
            return False
    return True


def defects(Y, jacobian: list[list]) -> Iterator[arb]:
    """‖(I − Y·J)_i‖₁ for every i."""
    size = len(jacobian)
    product = Y * Balls.matrix(size, size, [each for row in jacobian for each in row])
    for i in range(size):
        yield sum((abs(product[i, j] - (i == j)) for j in range(size)), arb(0))


def _check_independent(box: Box) -> None:
    """Raise NotProved unless every matrix ⟨A_jθ, A_kθ⟩ over the box is positive definite."""
    moved = box.system.moved(box.theta)
    gram = [[dot(a, b) for b in moved] for a in moved]
    if not is_positive_definite(gram):
        raise NotProved("the symmetries are not independent over the box")


def is_positive_definite(rows: list[list]) -> bool:
    """Whether every symmetric matrix in balls, or an exact one, is: all pivots are positive."""
    rows = [list(row) for row in rows]
    for k in range(len(rows)):
        check_time()
        if not rows[k][k] > 0:
            return False
        for i in range(k + 1, len(rows)):
            factor = rows[i][k] / rows[k][k]
            for j in range(k, len(rows)):
                rows[i][j] = rows[i][j] - factor * rows[k][j]
    return True


def is_below(H, bound, v=(), lift=0) -> bool:
    """Whether (H + Hᵀ)/2 < bound across v: bound − (H + Hᵀ)/2 + lift·vvᵀ is positive definite."""
    n = range(len(H))
    rows = [[bound * (i == j) - (H[i][j] + H[j][i]) / 2 for j in n] for i in n]
    for i, a in enumerate(v):
        for j, b in enumerate(v):
            rows[i][j] += lift * a * b
    return is_positive_definite(rows)


def _scaled(system: System) -> tuple[System, list[float]]:
    """The system with λ about 1, and its centre (θ, λ, 0, …)."""
    theta = system.theta / np.linalg.norm(system.theta)
    start = [arb(float(each)) for each in theta]
    multiplier = dot(start, system.gradient(start))
    if not (multiplier > 0 or multiplier < 0):
        raise NotProved("λ is not known to differ from 0")
    scale = -_exponent(multiplier)
    value = float((multiplier * arb(2) ** scale).mid())
    scaled = replace(system, theta=theta, scale=system.scale + scale)
    return scaled, [*map(float, theta), value, *[0.0] * len(system.generators)]


def _exponent(value: arb) -> int:
    """log₂|value| of a ball's midpoint, to within 1."""
    mantissa, exponent = value.mid().man_exp()
    return int(exponent) + abs(int(mantissa)).bit_length()


def _around(middle: list[arb], radius: float) -> list[arb]:
    return [each + arb(0, radius) for each in middle]


def _sums(centre, fine) -> list[arb]:
    return [arb(a) + arb(b) for a, b in zip(centre, fine)]


def _floats(rows) -> np.ndarray:
    return np.array([[float(each.mid()) for each in row] for row in rows])
