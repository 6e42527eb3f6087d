"""Right-hand sides of flows over curves, and their slopes over boxes, in floats (theory §2, §4)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache, partial

import numpy as np

from ncfcheck.certify.certificate import no_certificates
from ncfcheck.certify.curves import Curves
from ncfcheck.certify.series import taylor
from ncfcheck.certify.spans import Moved, Span
from ncfcheck.model.architectures.biases import with_constant
from ncfcheck.model.losses import Loss
from ncfcheck.model.ncf import Problem
from ncfcheck.model.networks import DENSE, Network, Pattern, masked

ORDER = 14  # of the polynomials


@dataclass(frozen=True, eq=False)
class Field:
    """u̇ = J(X; u)ᵀ(−ℓ'(δ^D H(X; u), y)) of a problem; at δ = 0 that is ∇N(u).

    Weights that are `frozen` (P,), if any, are 1, and no coordinates of u.
    """

    problem: Problem
    delta: float = 0.0
    frozen: np.ndarray | None = None

    @cached_property
    def strength(self) -> float:
        """δ^D."""
        return float(self.delta) ** self.problem.network.order

    @cached_property
    def free(self) -> np.ndarray:
        """Numbers of the weights that are coordinates of u."""
        size = self.problem.network.size
        return np.arange(size) if self.frozen is None else np.flatnonzero(~self.frozen)

    def curve(self, coefficients: np.ndarray) -> Curves:
        """The field along a curve Σ c_k τ^k, (ORDER + 1, P)."""
        whole = self._whole(coefficients)
        whole[1:, np.setdiff1d(np.arange(whole.shape[1]), self.free)] = 0.0
        network, constant = self.problem.network, partial(Curves.constant, length=len(whole))
        layers = [np.tensordot(places, whole, (0, 1)) for places in _places(network)]
        W = [Curves(c, np.zeros(c.shape[:2])) for c in layers]
        parts = _gradient(network, W, self.problem, self._descent, constant)
        c = _collected(network, [part.c.transpose(2, 0, 1) for part in parts]).T
        r = _collected(network, [part.r for part in parts])
        return Curves(c[self.free], r[self.free])

    def box(self, u: Span) -> tuple[Span, Span]:
        """The field and its slopes over a box of weights: (P,) and (P, P)."""
        network, free = self.problem.network, self.free
        ends = [network.matrices(self._whole(each)) for each in (u.lo, u.hi)]
        layers = zip(*ends, _places(network))
        W = [Moved(Span(lo, hi), Span(places[free])) for lo, hi, places in layers]
        parts = _gradient(network, W, self.problem, self._descent, Moved.constant)
        value, moved = (
            Span(*(_collected(network, ends)[..., free] for ends in zip(*kind)))
            for kind in (
                [(part.v.lo, part.v.hi) for part in parts],
                [(part.t.lo, part.t.hi) for part in parts],
            )
        )
        return value, moved

    def series(self, at: np.ndarray) -> np.ndarray:
        """Taylor coefficients of the flow from a point, (ORDER + 1, P)."""
        whole, moves = self._whole(at), np.isin(np.arange(self.problem.network.size), self.free)
        return taylor(self.problem, self.strength, whole, ORDER, moves)[:, self.free]

    def _whole(self, u: np.ndarray) -> np.ndarray:
        """All weights (…, P), for those that are free."""
        whole = np.ones((*u.shape[:-1], self.problem.network.size))
        whole[..., self.free] = u
        return whole

    def _descent(self, outputs, ybar):
        """−ℓ'(x, y): ȳ − x, or y/(1 + e^{yx}) = y/2 − x/4 + x³/48 within |x|⁵/480."""
        if not self.delta:
            return ybar + outputs * 0.0
        x = outputs * self.strength
        match self.problem.loss:
            case Loss.SQUARE:
                return ybar + -x
            case Loss.LOGISTIC:
                return ybar + x * -0.25 + x * x * x * (1 / 48) + x.left_out()
        raise no_certificates(self.problem.loss)


def biased_field(problem: Problem, trained: bool) -> Field:
    """J(X; u)ᵀ(−ℓ'(H, y)) in the weights and biases of a `Biased` problem; ∇N(u) if not `trained`.

    A bias is the weight of a unit more in each layer, frozen to pass on a constant beside X.
    """
    plain = problem.network.plain
    widths = (*(width + 1 for width in plain.widths[:-1]), plain.width)
    patterns = (*map(_passing_on, widths[:-2], widths[1:-1]), DENSE)
    network = Network(widths, plain.powers, plain.slopes, patterns)
    frozen = np.zeros(network.size, dtype=bool)
    frozen[[part.stop - 1 for part in network.slices[:-1]]] = True
    whole = Problem(network, with_constant(problem.X), problem.y, problem.loss)
    return Field(whole, float(trained), frozen)


def _passing_on(columns: int, rows: int) -> Pattern:
    """A dense layer whose last row only hears the constant before it."""
    mask = np.ones((rows, columns), dtype=bool)
    mask[-1, :-1] = False
    return masked(mask)


def _gradient(network: Network, W, problem: Problem, descent: Callable, constant: Callable) -> list:
    """−∂𝓛/∂W_l for every l, over arrays of any kind."""
    h, slopes = [constant(problem.X.T)], []
    for w, power, alpha in zip(W, network.powers, network.slopes):
        z = w @ h[-1]
        value, slope = (z, None) if power == 1 == alpha else z.bend(power, alpha)
        h.append(value)
        slopes.append(slope)
    delta, parts = descent(W[-1] @ h[-1], constant(problem.ncf.ybar.T)), []
    for l in reversed(range(network.depth)):
        parts.insert(0, delta @ h[l].T)
        if l:
            back = W[l].T @ delta
            delta = back if slopes[l - 1] is None else back * slopes[l - 1]
    return parts


@lru_cache(maxsize=256)
def _places(network: Network) -> list[np.ndarray]:
    """How every parameter moves each matrix: 1 where it stands, (P, k_l, k_{l−1})."""
    return [np.stack(each) for each in zip(*map(network.matrices, np.eye(network.size)))]


def _collected(network: Network, parts) -> np.ndarray:
    """Sums of entries of matrices (…, k_l, k_{l−1}) per parameter, (…, P)."""
    return sum(
        part.reshape(*part.shape[:-2], -1) @ places.reshape(len(places), -1).T
        for part, places in zip(parts, _places(network))
    )
