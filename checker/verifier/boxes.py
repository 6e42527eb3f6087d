"""Boxes that hold exactly one KKT point, by the Krawczyk operator; standard library only."""

from functools import cache

from .identities import need_heard
from .networks import number, numbers, whole
from .numbers import Ball, Dual, ball, dot, need
from .symmetries import symmetry


def is_positive(n, entry):
    """Whether all symmetric (n, n) matrices of balls entry(i, j), i ≤ j, are positive definite."""
    rows = [[entry(i, j) for j in range(i, n)] for i in range(n)]
    for k, (pivot, *rest) in enumerate(rows):
        need(True, "")
        if not pivot > 0:
            return False
        for i, each in enumerate(rest):
            factor = each / pivot
            rows[k + 1 + i] = [a - factor * b for a, b in zip(rows[k + 1 + i], rest[i:])]
    return True


def is_below(H, bound, v=None, lift=0):
    """Whether (H + Hᵀ)/2 < bound across v: bound − (H + Hᵀ)/2 + lift·vvᵀ is positive definite."""
    half = Ball(1, None, -1)

    def entry(i, j):
        rest = bound * (i == j) - (H[i][j] + H[j][i]) * half
        return rest if v is None else rest + lift * v[i] * v[j]

    return is_positive(len(H), entry)


def slopes(F, x):
    """The matrix DF over the box x."""
    rows = [getattr(each, "t", {}) for each in F([Dual(b, {k: Ball(1)}) for k, b in enumerate(x)])]
    return [[row.get(k, Ball(0)) for k in range(len(x))] for row in rows]


def inverse(A):
    """The inverse of a matrix of fractions; about that of one of floats."""
    n = len(A)
    rows = [list(row) + [int(i == k) for k in range(n)] for i, row in enumerate(A)]
    for k in range(n):
        best = max(range(k, n), key=lambda i: abs(rows[i][k]))
        need(abs(rows[best][k]) > 0, "a singular matrix")
        rows[k], rows[best] = rows[best], rows[k]
        rows[k] = [a / rows[k][k] for a in rows[k]]
        for i in range(n):
            if i != k and rows[i][k]:
                f = rows[i][k]
                rows[i] = [a - f * b for a, b in zip(rows[i], rows[k])]
    return [row[n:] for row in rows]


def near_inverse(J):
    """About the inverse of a matrix of balls, in balls that are floats."""
    return [[ball(v) for v in row] for row in inverse([[float(v) for v in row] for row in J])]


def defects(A, J):
    """The sums of absolute values of all rows of A·J − I."""
    columns = list(zip(*J))
    for i, row in enumerate(A):
        yield sum((abs(dot(row, column) - (i == j)) for j, column in enumerate(columns)), Ball(0))


def equations(net, X, Y, turns, middle, fixed=()):
    """F(x), x weights, λ, and a μ for every symmetry: 0 at KKT points near the middle, μ = 0."""
    free, symmetries = net.size - len(fixed), [symmetry(net, turn) for turn in turns]

    def F(x):
        theta, multiplier, moved = x[:free], x[free], [turned(x[:free]) for turned in symmetries]
        G = net.run([*theta, *fixed], X, Y)[2]
        rows = [
            g - multiplier * t + dot(x[free + 1 :], [A[i] for A in moved])
            for i, (g, t) in enumerate(zip(G, theta))
        ]
        return [
            *rows,
            (dot(theta, theta) - 1) * Ball(1, None, -1),
            *(dot(turned(middle[:free]), theta) for turned in symmetries),
        ]

    return F


def boxed(data, net, X, Y, fixed=()):
    """θ, λ, N, ∇²N over a Krawczyk box with exactly one KKT point of N times a power of two, where
    ∇N is not lost in rounding.
    """
    centre, radius = numbers(data["centre"]), ball(number(data["radius"]))
    scale, turns = data["scale"], data["generators"]
    fine = numbers(data["fine"]) if "fine" in data else [0.0] * len(centre)
    free = net.size - len(fixed)
    need(
        whole([scale], -(10**4), 10**4)
        and len(fine) == len(centre) == free + 1 + len(turns) <= 200
        and radius > 0,
        "not a box",
    )
    Y = [[v * Ball(1, None, scale) for v in row] for row in Y]
    middle = [ball(c) + ball(f) for c, f in zip(centre, fine)]
    F = equations(net, X, Y, turns, middle, fixed)
    box = [c + radius.hull(-radius) for c in middle]
    A, step = near_inverse(slopes(F, middle)), F(middle)
    for row, defect in zip(A, defects(A, slopes(F, box))):
        need(
            abs(dot(row, step)) + defect * radius < radius,
            "the Krawczyk operator does not contract: no KKT point here",
        )
    need_heard(net, [*box[:free], *fixed], X, Y)
    theta, moved = box[:free], [symmetry(net, turn)(box[:free]) for turn in turns]
    need(
        box[free].nonzero and is_positive(len(moved), lambda i, j: dot(moved[i], moved[j])),
        "λ = 0, or symmetries that depend",
    )
    return (
        theta,
        box[free],
        net.run([*theta, *fixed], X, Y)[1],
        cache(lambda: slopes(lambda t: net.run(t, X, Y)[2], theta)),
    )
