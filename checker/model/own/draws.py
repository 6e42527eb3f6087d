"""Random draws of weights, samples and factors c, and the orders that they agree on: log_c
|H(x; w with group g times c)/H(x; w)|. One c misses what repeats with log c; several at random do
not.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from ncfcheck.model.own.contract import EXACT, broken, drawn

Array = np.ndarray
DRAWS, TRIES = 4, 32  # with outputs other than 0, and at most
SPREAD = 1.2  # c is between e^{−SPREAD} and e^{SPREAD}
NEAR = 1e-6  # orders this near to a small fraction are tried as that
LARGEST = 12  # denominator


@dataclass(frozen=True)
class Draw:
    """Samples as evaluated, weights w (P,), their outputs (n, m), and a factor c."""

    on_data: object
    w: Array
    outputs: Array
    factor: float

    def scaled(self, parts: list[slice], factor: float) -> Array:
        """Outputs with these parts of the weights times a factor."""
        w = self.w.copy()
        for part in parts:
            w[part] *= factor
        with np.errstate(all="ignore"):
            return self.on_data.outputs(w)

    def ratio(self, parts: list[slice]) -> float:
        """log_c of what the outputs are multiplied by; NaN where that is no number above 0."""
        return log_ratio(self.outputs, self.scaled(parts, self.factor)) / math.log(self.factor)

    def defect(self, parts: list[slice], order: float) -> float:
        """How far outputs are from c^order times those at w, relative to the largest."""
        found = self.scaled(parts, self.factor)
        wanted = self.factor**order * self.outputs
        with np.errstate(all="ignore"):
            size = max(np.abs(found).max(), np.abs(wanted).max())
            return float(np.abs(found - wanted).max() / size)


def log_ratio(before: Array, after: Array) -> float:
    """log(‖after‖/‖before‖); NaN where one of them is 0 or not finite."""
    sizes = np.abs(before).max(), np.abs(after).max()
    if not all(0 < size < math.inf for size in sizes):
        return math.nan
    return math.log(np.linalg.norm(after / sizes[1]) / np.linalg.norm(before / sizes[0])) + (
        math.log(sizes[1]) - math.log(sizes[0])
    )


def informative(model, rng: np.random.Generator) -> list[Draw]:
    """Draws whose outputs are not 0. Raises BrokenModel where there are none."""
    found: list[Draw] = []
    for _ in range(TRIES):
        X, w = drawn(model, rng)
        on_data = model.as_written(X)
        outputs = on_data.outputs(w)
        if outputs.any():
            sign = 1 if len(found) % 2 else -1
            found.append(
                Draw(on_data, w, outputs, math.exp(sign * rng.uniform(SPREAD / 4, SPREAD)))
            )
        if len(found) == DRAWS:
            break
    if not found:
        raise broken(model, f"outputs are 0 at {TRIES} random weights: it says nothing")
    return found


def common_order(found: list[Draw], parts: list[slice]) -> float | None:
    """The order of H in parts of the weights, None where draws disagree."""
    ratios = [each.ratio(parts) for each in found]
    if not np.isfinite(ratios).all():
        return None
    order = rounded(float(np.median(ratios)))
    return order if all(each.defect(parts, order) <= EXACT for each in found) else None


def rounded(order: float) -> float:
    """The small fraction next to an order, whole ones as int; itself where there is none."""
    near = Fraction(order).limit_denominator(LARGEST)
    if abs(near - order) > NEAR:
        return order
    return int(near) if near.denominator == 1 else float(near)


def counts(found: list[Draw], parts: list[slice]) -> bool:
    """Whether outputs depend on parts of the weights."""
    rng = np.random.default_rng(1)
    for each in found:
        w = each.w.copy()
        for part in parts:
            w[part] = rng.standard_normal(w[part].shape)
        if not np.array_equal(each.on_data.outputs(w), each.outputs):
            return True
    return False
