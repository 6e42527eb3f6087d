"""H, N, ∇N and ∇²N of a network over any ring: exact rationals or balls (theory §1, §2, §9)."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from ncfcheck.certify.certificate import NotProved, check_time
from ncfcheck.certify.rings import Balls, halves
from ncfcheck.model.networks import Network, times_power


class Evaluation:
    """A network at weights θ with Σ ȳ_i H(x_i; θ) = N(θ): entries of X (n, d), ȳ (n, k_L) and θ
    (P,) are of the ring.

    At a kink of p = 1, or where a ball straddles it, derivatives are the hull of both sides: they
    contain every choice of slopes in [α, 1].
    """

    def __init__(self, ring, network: Network, theta, X, ybar=None):
        self.ring, self.network = ring, network
        self.W = matrices(ring, network, theta)
        self.below = [_matrix(ring, X).transpose()]
        self.ybar = None if ybar is None else _matrix(ring, ybar).transpose()

    @cached_property
    def layers(self):
        """Entries of z, σ(z), σ'(z) and σ''(z) of every hidden layer."""
        out = []
        laws = zip(self.W, self.network.powers, self.network.slopes)
        for l, (W, power, alpha) in enumerate(laws):
            z, samples = (W * self.below[-1]).entries(), self.below[0].ncols()
            sides = self._known_sides(l)
            bent = [
                bend(self.ring, each, power, self.ring.number(alpha), sides[k // samples])
                for k, each in enumerate(z)
            ]
            out.append((z, *([each[k] for each in bent] for k in range(3))))
            self.below.append(self.ring.matrix(W.nrows(), self.below[0].ncols(), out[-1][1]))
        return out

    def _known_sides(self, l: int) -> list[int | None]:
        """Signs that any pre-activations have, or 0: weights of one sign on activations ≥ 0."""
        W, network = self.W[l], self.network
        if l == 0 or not (network.powers[l - 1] % 2 == 0 or network.slopes[l - 1] <= 0):
            return [None] * W.nrows()
        sides = [{self.ring.side(W[i, j]) for j in range(W.ncols())} for i in range(W.nrows())]
        return [1 if side == {1} else -1 if side == {-1} else None for side in sides]

    @cached_property
    def outputs(self):
        """H(X; θ), a matrix (k_L, n)."""
        return self.layers and self.W[-1] * self.below[-1]

    @cached_property
    def value(self):
        """N(θ)."""
        pairs = zip(self.ybar.entries(), self.outputs.entries())
        return sum((a * b for a, b in pairs), self.ring.number(0))

    @cached_property
    def back(self):
        """δ_L, …, δ_1 as matrices (k_l, n), W_{l+1}ᵀ δ_{l+1} as entries; both first layer first."""
        deltas, backs = [self.ybar], []
        for W, (_, _, first, _) in zip(self.W[:0:-1], self.layers[::-1]):
            back = (W.transpose() * deltas[0]).entries()
            backs.insert(0, back)
            deltas.insert(0, self._sheet([a * b for a, b in zip(back, first)]))
        return deltas, backs

    @cached_property
    def gradient(self) -> list:
        """∇N(θ), (P,)."""
        deltas, _ = self.back
        return self.collect([delta * below.transpose() for delta, below in zip(deltas, self.below)])

    def hessian(self, rows: int) -> list[list]:
        """The first `rows` rows of ∇²N(θ), (P,) each: over a ball, an enclosure of every
        generalised Hessian in it.

        Raises NotProved at a kink of p = 1, where ∇N jumps.
        """
        layers = range(self.network.depth)
        places = [place for layer in layers for place in _places(self.network, layer)]
        return [self._row(*place) for place in places[:rows]]

    def _row(self, layer: int, entries) -> list:
        """∇²N in the direction of one parameter that stands at the entries of a layer's matrix."""
        check_time()
        moved = self.ring.matrix(self.W[layer].nrows(), self.W[layer].ncols())
        for i, j in entries:
            moved[i, j] = self.ring.number(1)
        deltas, backs = self.back
        dvalues, bends = self._forward(layer, moved)
        depth = self.network.depth
        parts, ddelta = [None] * depth, None
        for l in range(depth - 1, -1, -1):
            part = self._zero(l)
            if ddelta is not None:
                part += ddelta * self.below[l].transpose()
            if l and dvalues[l - 1] is not None:
                part += deltas[l] * dvalues[l - 1].transpose()
            parts[l] = part
            if l:
                ddelta = self._backward(l, layer, moved, ddelta, bends[l - 1], backs[l - 1])
        return self.collect(parts)

    def _forward(self, layer: int, moved):
        dvalues, bends = [], []
        for l, (_, _, first, second) in enumerate(self.layers):
            dz = moved * self.below[l] if l == layer else None
            if l and dvalues[l - 1] is not None:
                dz = self.W[l] * dvalues[l - 1]
            entries = None if dz is None else dz.entries()
            dvalues.append(
                None if dz is None else self._sheet([a * b for a, b in zip(first, entries)])
            )
            bends.append(None if dz is None else [_times(a, b) for a, b in zip(second, entries)])
        return dvalues, bends

    def _backward(self, l, layer, moved, ddelta, bend, back):
        total = None if ddelta is None else self.W[l].transpose() * ddelta
        if l == layer:
            turned = moved.transpose() * self.back[0][l]
            total = turned if total is None else total + turned
        first = self.layers[l - 1][2]
        entries = None if total is None else [a * b for a, b in zip(total.entries(), first)]
        if bend is not None:
            curved = [a * b for a, b in zip(bend, back)]
            entries = curved if entries is None else [a + b for a, b in zip(entries, curved)]
        return None if entries is None else self._sheet(entries)

    def _sheet(self, entries):
        samples = self.below[0].ncols()
        return self.ring.matrix(len(entries) // samples, samples, entries)

    def _zero(self, l: int):
        return self.ring.matrix(self.W[l].nrows(), self.W[l].ncols())

    def collect(self, parts) -> list:
        """Sum of matrix entries per parameter, (P,)."""
        out = []
        for l, part in enumerate(parts):
            for _, entries in _places(self.network, l):
                out.append(sum((part[i, j] for i, j in entries), self.ring.number(0)))
        return out


def matrices(ring, network: Network, theta) -> list:
    """Weight matrices W_1, …, W_L of the flat weights θ, over the ring."""
    out, shapes = [], zip(network.widths[1:], network.widths)
    for pattern, part, shape in zip(network.patterns, network.slices, shapes):
        own = [ring.number(each) for each in theta[part]]
        numbers = pattern.expand(*shape).ravel()
        out.append(ring.matrix(*shape, [own[k] if k >= 0 else ring.number(0) for k in numbers]))
    return out


def bend(ring, z, power: int, alpha, known: int | None = None) -> tuple:
    """σ(z), σ'(z), σ''(z) for σ(z) = max(z, αz)^p; hulls where z may have either sign; σ'' is None
    where σ' jumps.

    `known` is a sign that z has, or is 0, all around.
    """
    if hasattr(ring, "bend"):
        return ring.bend(z, power, alpha, known)
    side, scale = ring.side(z), times_power(ring.number(1), alpha, power)
    if known is not None and side not in (1, -1):
        z = halves(z)[known < 0] if ring is Balls else z
        return _branch(ring, z, power, scale if known < 0 else ring.number(1))
    if side in (1, -1) or (scale == 1 and (power == 1 or ring is not Balls)):
        return _branch(ring, z, power, scale if side == -1 else ring.number(1))
    above, below = halves(z) if ring is Balls else (z, z)
    high, low = _branch(ring, above, power, ring.number(1)), _branch(ring, below, power, scale)
    return tuple(
        None if _jumps(k, power, ring) else ring.hull(a, b)
        for k, (a, b) in enumerate(zip(high, low))
    )


def _jumps(order: int, power: int, ring) -> bool:
    """Whether this derivative is not to be had at a kink: σ'' of p = 1; exactly, σ'' of p = 2."""
    return order == 2 and (power == 1 or (power == 2 and ring is not Balls))


def _branch(ring, z, power: int, scale) -> tuple:
    one = ring.number(1)
    value = scale * times_power(one, z, power)
    first = scale * power * times_power(one, z, power - 1)
    if power == 1:
        return value, first, ring.number(0)
    return value, first, scale * (power * (power - 1)) * times_power(one, z, power - 2)


def _times(second, dz):
    if second is None and dz == 0:
        return dz
    if second is None:
        raise NotProved("∇N jumps at a kink of p = 1 that the box may touch")
    return second * dz


def _matrix(ring, rows):
    return ring.matrix(len(rows), len(rows[0]), [ring.number(each) for row in rows for each in row])


_cache: dict = {}


def _places(network: Network, layer: int) -> list:
    """(layer, entries (i, j)) for every parameter of a layer, in the order of θ."""
    key = (network.widths[layer : layer + 2], network.patterns[layer], layer)
    if key not in _cache:
        if len(_cache) > 256:
            _cache.clear()
        found: list = [[] for _ in range(network.parameter_counts[layer])]
        numbers = network.patterns[layer].expand(network.widths[layer + 1], network.widths[layer])
        for place, number in np.ndenumerate(numbers):
            if number >= 0:
                found[number].append(place)
        _cache[key] = [(layer, entries) for entries in found]
    return _cache[key]
