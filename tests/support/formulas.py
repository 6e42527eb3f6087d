"""Every built-in family written out once more, a sample at a time, for numbers of any ring."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property, reduce
from itertools import product

import numpy as np

from ncfcheck.model.architectures import BUILT_IN
from ncfcheck.model.program_models import ProgramModel
from ncfcheck.model.programs import Builder, Weights


@dataclass(frozen=True)
class Dual:
    """A rational with its derivative, to first order."""

    value: Fraction
    slope: Fraction = Fraction(0)

    def __add__(self, other):
        other = dual(other)
        return Dual(self.value + other.value, self.slope + other.slope)

    def __mul__(self, other):
        other = dual(other)
        slope = self.slope * other.value + self.value * other.slope
        return Dual(self.value * other.value, slope)

    __radd__, __rmul__ = __add__, __mul__

    @property
    def real(self):
        return self.value


def dual(number) -> Dual:
    return number if isinstance(number, Dual) else Dual(Fraction(number))


def sigma(z, power, slope):
    """max(z, αz)^p, α in tenths; z at p = 1."""
    if power == 1:
        return z
    side = _like(slope / 10, z) ** power
    negative = np.array([each.real < 0 for each in np.ravel(z)]).reshape(np.shape(z))
    return np.where(negative, side, 1) * reduce(np.multiply, [z] * power)


def _like(number, z):
    """A float as a number of the ring of z."""
    kind = type(np.ravel(z)[0])
    return Fraction(number) if kind in (Dual, Fraction, int) else kind(number)


def gated(x, w, m, layers, hidden, power, slope):
    for l in range(1, layers + 1):
        x = w[f"A_{l}"].dot(x) * sigma(w[f"B_{l}"].dot(x), power, slope)
    return w["W"].dot(x)


def diagonal(x, w, m, layers):
    return [sum(np.prod([w[f"u_{l + 1}"][o] for l in range(layers)], axis=0) * x) for o in range(m)]


def residual(x, w, m, blocks, hidden, power, slope):
    for b in range(1, blocks + 1):
        bent = sigma(w[f"A_{b}"].dot(x), power, slope)
        skip = reduce(np.multiply, [w[f"C_{b}"].dot(x)] * power)
        x = w[f"B_{b}"].dot(bent) + w[f"E_{b}"].dot(skip)
    return w["W"].dot(x)


def depths(x, w, m, hidden, power, slope):
    deep = x
    for l in range(1, power + 2):
        deep = w[f"V_{l}"].dot(deep)
    return w["W_2"].dot(sigma(w["W_1"].dot(x), power, slope)) + deep


def unequal_branches(x, w, m, hidden, power, slope):
    return w["W_2"].dot(sigma(w["W_1"].dot(x), power, slope)) + w["W_3"].dot(x)


def attention(x, w, m, tokens, dim, heads, rank, summed):
    X = x.reshape(tokens, dim)
    out = 0
    for query in X if summed else X[-1:]:
        for h in range(heads):
            scores = X.dot(w["K"][h].T).dot(w["Q"][h].dot(query))
            out = out + w["V"][:, h].dot(X.T.dot(scores))
    return out


def softmax_attention(x, w, m, tokens, dim, heads, rank):
    X = x.reshape(tokens, dim)
    out = 0
    for h in range(heads):
        raised = np.exp(X @ w["K"][h].T @ w["Q"][h] @ X[-1])
        out = out + w["V"][:, h] @ X.T @ (raised / raised.sum())
    return out


def normalised(x, w, m, hidden, layers):
    for l in range(1, layers):
        x = w[f"W_{l}"] @ x
    centred = x - x.mean()
    return w[f"W_{layers}"] @ (centred / np.sqrt(1 + (centred**2).mean()))


def biased(x, w, m, hidden, layers, power, slope):
    for l in range(1, layers + 1):
        x = w[f"W_{l}"][:, :-1].dot(x) + w[f"W_{l}"][:, -1]
        x = sigma(x, power, slope) if l < layers else x
    return x


def convolved(picture, kernel):
    """Filters (f, c, k, k) at every place of a picture (c, height, width), going round."""
    filters, channels, size, _ = kernel.shape
    _, height, width = picture.shape
    out = np.zeros((filters, height, width), dtype=object)
    for f, y, x in product(range(filters), range(height), range(width)):
        for c, i, j in product(range(channels), range(size), range(size)):
            below = picture[c, (y + i) % height, (x + j) % width]
            out[f, y, x] = out[f, y, x] + kernel[f, c, i, j] * below
    return out


def pooled(picture, size, function):
    _, height, width = picture.shape
    return np.array(
        [
            function(
                [
                    channel[(y + i) % height, (x + j) % width]
                    for i, j in product(range(size), repeat=2)
                ]
            )
            for channel in picture
            for y in range(0, height, size)
            for x in range(0, width, size)
        ]
    )


def _convolution(x, w, m, height, width, kernel, filters, pool, power, slope, layers, average):
    picture = x.reshape(1, height, width)
    for l in range(1, layers + 1):
        picture = sigma(convolved(picture, w[f"K_{l}"]), power, slope)
    found = pooled(picture, pool, sum)
    return w["W"].dot(found * _like(1 / pool**2, found) if average else found)


def convolution(x, w, m, **sizes):
    return _convolution(x, w, m, **sizes, average=False)


def average_pooling(x, w, m, **sizes):
    return _convolution(x, w, m, **sizes, average=True)


def max_pooling(x, w, m, height, width, kernel, filters, pool, power, slope):
    picture = sigma(convolved(x.reshape(1, height, width), w["K"]), power, slope)
    return w["W"].dot(pooled(picture, pool, lambda each: max(each, key=lambda z: z.real)))


def matrix_factorisation(x, w, m, rows, columns, rank, layers):
    matrix = w["W_1"]
    for l in range(2, layers + 1):
        matrix = w[f"W_{l}"].dot(matrix)
    return [sum((x.reshape(rows, columns) * matrix).ravel())]


def sensing(x, w, m, dim, rank):
    return [sum((x.reshape(dim, dim) * w["U"].T.dot(w["U"])).ravel())]


def tensor_factorisation(x, w, m, modes, dim, rank):
    terms = [
        reduce(np.multiply.outer, [w[f"U_{k + 1}"][r] for k in range(modes)]).ravel()
        for r in range(rank)
    ]
    return [sum(sum(terms) * x)]


def circulant(x, w, m):
    for name in ("C_1", "C_2"):
        c = np.append(w[name], 0)
        x = np.array([[c[(j - i) % 3] for j in range(3)] for i in range(3)]).dot(x)
    return x


@dataclass(frozen=True)
class Circulant(ProgramModel):
    """Two sparse layers that share weights: what no family has."""

    name = "circulant"
    strata = ()

    @cached_property
    def program(self):
        net = Builder(3, 3)
        shifts, units = (np.arange(3) - np.arange(3)[:, None]) % 3, net.x
        for name in ("C_1", "C_2"):
            numbers = np.append(net.weights(name, 2).numbers, -1)
            units = net.apply("ij,j->i", Weights(numbers[shifts]), units)
        return net.finish(units)

    def describe(self):
        return self.name


FORMULAS = {name: globals()[name] for name in (*BUILT_IN, "circulant")}
RATIONAL = [name for name in BUILT_IN if name not in ("softmax_attention", "normalised")]


def outputs(model, X, w):
    """H(X; w), (n, m), by the formula of the model's family."""
    parts = model.parts(w)
    rows = [FORMULAS[model.name](x, parts, model.width, **model.sizes) for x in X]
    return np.array(rows).reshape(len(X), model.width)


def drawn(name, seed):
    """A model of random sizes with samples X, weights w, and r (n, m)."""
    rng, family = np.random.default_rng(seed), BUILT_IN[name]
    ranges = family.ranges.items()
    sizes = {size: int(rng.integers(least, most + 1)) for size, (least, most) in ranges}
    d = family.inputs_of(sizes) or int(rng.integers(1, 4))
    model = family.build(d, family.width_of(sizes) or int(rng.integers(1, 3)), sizes)
    X, w = rng.standard_normal((3, d)), rng.standard_normal(model.size)
    return model, X, w, rng.standard_normal((3, model.width))
