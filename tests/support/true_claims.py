"""Claims of one's own that are true, with criteria that must never prove them false."""

import numpy as np

from ncfcheck import THEOREM, Margin, Unresolved, claim, flow_limit, instances, positive_limit

ANY = instances(outputs=1)
CURVED = instances(outputs=1, powers=((2,), (3,), (2, 2)))


def unbalanced(point):
    """D‖W_l‖² ≠ P_l for some l."""
    squares = [sum(w * w for w in layer) for layer in point.weights]
    gaps = [abs(point.order * a - p) for a, p in zip(squares, point.orders)]
    return point.descending(gaps)[0]


@claim(
    "true.layers", kind=THEOREM, reference="§5", given=CURVED, violated=unbalanced, at="kkt point"
)
def layers(instance):
    """Layers of KKT points are balanced: D‖W_l‖² = P_l."""
    point = flow_limit(instance.ncf, instance.start, instance.numerics).point
    network, errors = instance.network, 1e-6 + 10 * point.residual
    squares = np.array([point.u[part] @ point.u[part] for part in network.slices])
    return Margin(1e-3 - abs(network.order * squares - network.orders).max(), errors)


def larger(point):
    """|N| > Σ |ȳ_i| |H_i|."""
    pairs = zip(point.ybar, point.outputs)
    return abs(point.N) - sum(abs(a) * abs(b) for ys, hs in pairs for a, b in zip(ys, hs))


@claim("true.bound", kind=THEOREM, reference="notes", given=ANY, violated=larger, at="start")
def bound(instance):
    """|N| ≤ Σ |ȳ_i| |H_i|."""
    ncf, v = instance.ncf, instance.start
    most = np.abs(ncf.ybar * instance.problem.outputs(v)).sum()
    return Margin(most - abs(ncf.value(v)), 4 * ncf.rounding(v)[0])


def steep(maximum):
    """m > 2, or λ ≤ 0, at a maximum."""
    return maximum.descending([-maximum.curvature - 2, -maximum.multiplier])[0]


@claim("true.gap", kind=THEOREM, reference="§13", given=CURVED, violated=steep, at="maximum")
def gap(instance):
    """At strict maxima λ > 0, and the curvature gap is at most 2."""
    point = positive_limit(instance.ncf, instance.start, instance.numerics).point
    if point.inertia != "maximum":
        raise Unresolved("no strict maximum")
    return Margin(2 + point.top_curvature, 1e-6)


def apart(maximum, other):
    """The value of one of two maxima is at most 0."""
    return maximum.descending([-maximum.N, -other.N])[0]


@claim("true.two", kind=THEOREM, reference="notes", given=CURVED, violated=apart, at="two maxima")
def two(instance):
    """Two maxima of positive value have positive values."""
    return Margin(1.0, 0.0)
