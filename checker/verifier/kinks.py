"""Claims about structured points exactly on kinks of p = 1; standard library only."""

import math
from fractions import Fraction

from .boxes import inverse
from .numbers import Ball, bend, dot, need


def inner(a, b):
    need(True, "")
    return sum((x * y for x, y in zip(a, b)), Fraction(0))


def kinked(case, samples, basis):
    """Integers along the only KKT direction of n, all p_l = 1, orthogonal to the samples, which
    those of the basis span.

    Other samples lie on the same side of it as of the instance's u. Some slopes at the kinks
    balance ∇n there.
    """
    rows, labels = (
        [[Fraction(v) for v in row] for row in each] for each in (case.floats, case.labels)
    )
    l, alpha = next((l, Fraction(a)) for l, a in enumerate(case.slopes) if a != 1)
    before, sign = int(math.prod(case.signs[:l])), int(math.prod(case.signs))
    sides = {
        i: inner(row, map(Fraction, case.u))
        for i, row in enumerate(rows)
        if i not in samples and any(row) and labels[i][0]
    }
    weights = [
        sign * labels[i][0] * (1 if side * before > 0 else alpha) for i, side in sides.items()
    ]
    g = [inner(weights, [rows[i][k] for i in sides]) for k in range(len(case.u))]
    spanning = [rows[i] for i in basis]
    gram = inverse([[inner(a, b) for b in spanning] for a in spanning])
    shares = [inner(row, [inner(x, g) for x in spanning]) for row in gram]
    u = [a - inner(shares, [x[k] for x in spanning]) for k, a in enumerate(g)]
    need(
        any(u) and all(inner(rows[i], u) * side > 0 for i, side in sides.items()),
        "u = 0, or another sample on a kink",
    )
    need(
        all(labels[i][0] and inner(rows[i], u) == 0 for i in samples),
        "a sample without a label, or not on a kink",
    )
    common = math.lcm(*(a.denominator for a in u))
    return [int(a * common) for a in u]


def rate(net, theta, direction, X, Y):
    """The derivative of N in a direction, for all slopes at kinks."""
    W, V, total = net.matrices(theta), net.matrices(direction), Ball(0)
    for x, y in zip(X, Y):
        h, t = x, [Ball(0)] * len(x)
        for w, v, law in zip(W, V, [*net.laws, (1, Ball(1), Ball(1))]):
            bent = [bend(dot(row, h), *law) for row in w]
            moved = [dot(a, t) + dot(b, h) for a, b in zip(w, v)]
            t = [slope * each for (_, slope), each in zip(bent, moved)]
            h = [value for value, _ in bent]
        total = total + dot(y, t)
    return total
