"""Stand-ins for what a model does not bring: second derivatives, and estimates of rounding.

A model that has only outputs and a pull-back inherits `Estimated`. Its numbers are float64: the
step of differences and the estimates go by that.
"""

from __future__ import annotations

from abc import abstractmethod
from functools import cached_property, lru_cache

import numpy as np

from ncfcheck.core.tolerances import EPS
from ncfcheck.model.models import Evaluation, Model
from ncfcheck.model.ncf import norm

Array = np.ndarray
# Steps of central differences, in units of ‖w‖, where what they leave out is as much as what
# rounding makes of them: the step's square where ∇²H is smooth, itself where that has kinks; and
# how many times as much second derivatives may then be off by.
SMOOTH_STEP, STEP, ROOM = EPS ** (1 / 3), EPS ** (1 / 2), 100.0
# Perturbed evaluations an estimate of rounding is made from, and its factor of safety.
PERTURBED, SAFETY = 3, 16.0


class Estimated(Evaluation):
    """A base of evaluations that have `outputs` and `pull_back` only.

    Second derivatives are central differences of the pull-back, to about 1e-10 of themselves where
    the model is smooth, 1e-8 otherwise, a mean of both sides at a kink; a model with a product of
    its own overrides `curvature_product` and `curvature_error`, and all else follows.

    Bounds on rounding are *estimated*: each is SAFETY times the largest of

    - the root of the sum of squares of what it changes by under PERTURBED random relative changes
      of all weights by an ulp, which tell what sums inside of the model cancel;
    - what it changes by where the samples come in reverse order;
    - EPS times the size of what is summed over samples: the largest sum with signs by one binary
      digit of a sample's number, so that no two terms can cancel in all of them.

    They are no proofs: what rests on them is never more than potential.
    """

    is_estimated = True

    def __init__(self, model: Model, X: Array):
        self.model, self.X = model, X
        self._known: tuple[Array, bytes, tuple[float, Array]] | None = None

    @abstractmethod
    def outputs(self, w: Array) -> Array:
        """H(X; w), (n, m)."""

    @abstractmethod
    def pull_back(self, w: Array, r: Array) -> tuple[float, Array]:
        """Σ r ∘ H(X; w) and its gradient J(X; w)ᵀr, (P,)."""

    def curvature(self, w: Array, r: Array) -> Differences:
        """Second derivatives of Σ r ∘ H(X; w)."""
        return Differences(self, w, r)

    @property
    def step(self) -> float:
        """That of differences, in units of ‖w‖."""
        return SMOOTH_STEP if self.model.is_smooth else STEP

    @property
    def curvature_error(self) -> float:  # type: ignore[override]
        """What share of themselves second derivatives may be off by."""
        return ROOM * (EPS / self.step)

    def curvature_product(self, w: Array, r: Array, direction: Array) -> Array:
        """Those times one direction (P,), from the pull-back at two points along it."""
        size = norm(direction)
        if size == 0:
            return np.zeros(w.size)
        aside = direction * (self.step * (norm(w) or 1.0) / size)
        ahead, behind = w + aside, w - aside
        change = self.pull_back(ahead, r)[1] - self.pull_back(behind, r)[1]
        # What the two are apart is not what they were meant to be.
        return change * (size / norm(ahead - behind))

    def output_bound(self, w: Array) -> Array:
        """Estimated bound on the rounding error of every computed output, (n, m)."""
        outputs, *perturbed = self.outputs_at(np.vstack([w, self._perturbed(w)]))
        changes = [each - outputs for each in perturbed]
        reordered = self._reversed.outputs(w)[::-1] - outputs
        return _estimate(changes, reordered, np.abs(outputs))

    def bounds(self, w: Array, r: Array, settled: bool = False) -> tuple[float, Array]:
        """Estimated bounds on the rounding errors of `pull_back`, of its value and of every entry
        of its gradient (P,).
        """
        if r.flags.writeable:
            return self._bounds(w, r)
        # Claims ask several times for the same, of pseudo-labels that nobody can write to.
        asked, point = self._known, w.tobytes()
        if asked is None or asked[0] is not r or asked[1] != point:
            asked = self._known = r, point, self._bounds(w, r)
        value, gradient = asked[2]
        return value, gradient.copy()

    def _bounds(self, w: Array, r: Array) -> tuple[float, Array]:
        signs = np.array(self._signs(r))
        ws = np.vstack([w, self._perturbed(w), np.repeat(w[None], len(signs), axis=0)])
        rs = np.concatenate([np.repeat(r[None], 1 + PERTURBED, axis=0), signs * r])
        found, *others = self._sums(ws, rs)
        changes = [each - found for each in others[:PERTURBED]]
        r_reversed = np.array(r[::-1], order="C")
        reordered = self._reversed._sums(w[None], r_reversed[None])[0] - found
        sizes = np.max(np.abs(others[PERTURBED:]), axis=0)
        # Of the value, the terms themselves are known.
        sizes[0] = np.abs(r * self.outputs(w)).sum()
        estimate = _estimate(changes, reordered, np.maximum(sizes, np.abs(found)))
        return float(estimate[0]), estimate[1:]

    def _sums(self, ws: Array, rs: Array) -> Array:
        """Values and gradients of `pull_backs`, (k, 1 + P)."""
        values, gradients = self.pull_backs(ws, rs)
        return np.column_stack([values, gradients])

    def _perturbed(self, w: Array) -> Array:
        """w with every weight an ulp larger or smaller, (PERTURBED, P)."""
        return w * (1 + EPS * _signs_of_ulps(w.size))

    @cached_property
    def _reversed(self) -> Estimated:
        """The same model on the samples in reverse order."""
        return type(self)(self.model, np.array(self.X[::-1], order="C"))

    @staticmethod
    def _signs(r: Array) -> list[Array]:
        """Signs (n, m) by each binary digit of the number of an output of a sample."""
        numbers = np.arange(r.size).reshape(r.shape)
        digits = range(max(1, (r.size - 1).bit_length()))
        return [1.0 - 2.0 * (numbers >> digit & 1) for digit in digits]


@lru_cache(maxsize=16)
def _signs_of_ulps(size: int) -> Array:
    """Random signs (PERTURBED, size), the same at every call."""
    return 2.0 * np.random.default_rng(0).integers(0, 2, (PERTURBED, size)) - 1.0


def _estimate(changes: list[Array], reordered: Array, sizes: Array) -> Array:
    """SAFETY times the largest of what rounding is told by."""
    perturbed = np.sqrt(np.sum(np.square(changes), axis=0))
    return SAFETY * np.maximum(np.maximum(perturbed, np.abs(reordered)), EPS * sizes)


class Differences:
    """∇²(Σ r ∘ H) at one w, from an evaluation's products with it, and J(X; w), from its
    pull-backs of one output at a time.
    """

    def __init__(self, on_data: Estimated, w: Array, r: Array):
        self.on_data, self.w, self.r = on_data, w, r

    @cached_property
    def outputs(self) -> Array:
        """H(X; w), (m, n)."""
        return np.array(self.on_data.outputs(self.w).T, order="C")

    def product(self, direction: Array) -> Array:
        """The matrix times one direction (P,), (P,)."""
        return self.on_data.curvature_product(self.w, self.r, direction)

    def products(self, directions: Array) -> Array:
        """The matrix times every row of directions (k, P), (k, P)."""
        return np.array([self.product(each) for each in directions])

    def matrix(self) -> Array:
        """The matrix of second derivatives, (P, P), symmetric to the last bit."""
        found = self.products(np.eye(self.w.size))
        return 0.5 * (found + found.T)

    def output_jacobian(self) -> Array:
        """Derivatives of the outputs by w, in the order of `outputs`, (m·n, P)."""
        m, n = self.outputs.shape
        units = np.eye(n * m).reshape(m, n, m, n).transpose(0, 1, 3, 2).reshape(m * n, n, m)
        return np.array([self.on_data.pull_back(self.w, np.array(each))[1] for each in units])
