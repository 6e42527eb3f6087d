"""What criteria of the user's are asked of: points of the sphere in exact numbers; standard library
only.

A criterion states once, over any ring, where a claim fails: of a point it returns numbers, all of
which are positive there. Each place is a function of a case and a certificate's data that proves
what the point is; the first paragraph of its docstring says so.
"""

from functools import cached_property

from .boxes import is_below
from .exact import Exact, descending
from .kkt_points import attracting, distance, filled, found, kkt, maximum, rayleigh
from .networks import number, numbers, unit
from .numbers import Ball, ball, need


class Place:
    """A point θ of the sphere, ‖θ‖ = 1, of a network on data.

    `W` are the weight matrices (k_l, k_{l−1}), first layer first, `weights` the weights of each
    layer in a row, shared ones once, and `gradient` ∇N by these; `outputs`, `y`, `ybar` (n, k_L);
    `X` (n, d); `N`; `order` D, `orders` P_1, …, P_L, `powers` whole numbers, `slopes`. At a kink ∇N
    is all that lies between its values on both sides.
    """

    def __init__(self, case, theta):
        vars(self).update(_case=case, _theta=theta)

    def __setattr__(self, name, value):
        raise AttributeError(f"a criterion changes nothing: not {name}")

    @staticmethod
    def descending(values):
        """The largest number, the second largest, …, which need not be told apart for it."""
        return descending(values)

    def _layers(self, theta):
        net = self._case.net
        return _exact([net.part(theta, l) for l in range(net.depth)])

    @cached_property
    def _run(self):
        return self._case.net.run(self._theta, self._case.X, self._case.Y)

    W = cached_property(lambda self: _exact(self._case.net.matrices(self._theta)))
    weights = cached_property(lambda self: self._layers(self._theta))
    gradient = cached_property(lambda self: self._layers(self._run[2]))
    outputs = cached_property(lambda self: _exact(self._run[0]))
    N = cached_property(lambda self: Exact(self._run[1]))
    X = cached_property(lambda self: _exact(self._case.X))
    y = cached_property(lambda self: _exact(_labels(self._case)))
    ybar = cached_property(lambda self: _exact(self._case.Y))
    order = property(lambda self: self._case.net.order)
    orders = property(lambda self: tuple(self._case.net.orders))
    powers = property(lambda self: tuple(self._case.powers))
    slopes = cached_property(lambda self: tuple(Exact(ball(a)) for a in self._case.slopes))


class KktPlace(Place):
    """A KKT point, λ ≠ 0: the only one in a box.

    `multiplier` is λ = D·N; `curvature` the largest eigenvalue of the projected Hessian
    Π(∇²N − λ)Π in tangential directions, in units of |λ|.
    """

    def __init__(self, case, data, point):
        super().__init__(case, filled(point, data, case.net))
        vars(self).update(_data=data, _point=point)

    multiplier = cached_property(lambda self: self.N * self.order)

    @cached_property
    def curvature(self):
        """Above a Rayleigh quotient of the certificate, below a bound that a definite matrix
        proves; silent neurons, p ≥ 2, add −λ.
        """
        data = self._data["curvature"]
        small, theta, multiplier, _, hessian = self._point
        above, size = ball(number(data["above"])), abs(multiplier)
        bound, silent = multiplier + above * size, small.widths != self._case.net.widths
        need(
            is_below(hessian(), bound, theta, 4 * small.order * size + abs(bound)),
            "the curvature may be larger",
        )
        low = rayleigh(self._point, numbers(data["along"]))
        if silent:
            need(min(self._case.powers) > 1, "neurons with p = 1 cannot be left out")
            flat = ball(-1 if multiplier > 0 else 1)
            low, above = (each if each > flat else flat for each in (low, above))
        return Exact(Ball(low.lo, None, low.e).hull(above))


def at_start(case, data):
    """At `start`, divided by its norm"""
    return (Place(case, unit(case.theta)),)


def at_kkt_point(case, data):
    """At a KKT point, λ ≠ 0, next to `start`"""
    return (KktPlace(case, data["kkt"], kkt(case, data["kkt"])),)


def at_maximum(case, data):
    """At a strict local maximum with N > 0, which attracts `start` and an open set of v_0"""
    return (KktPlace(case, data["limit"], attracting(case, data["limit"])),)


def at_two_maxima(case, data):
    """At a strict local maximum with N > 0, which attracts `start` and an open set of v_0, and at
    another, which attracts another one
    """
    point = found(case, data["other"])
    maximum(case, point)
    (limit,), other = at_maximum(case, data), KktPlace(case, data["other"], point)
    need(distance(limit._theta, other._theta) > 0, "both may be one maximum")
    return limit, other


def _labels(case):
    return [[v * (1 if case.square else 2) for v in map(ball, row)] for row in case.labels]


def _exact(rows):
    """Rows of intervals, or matrices of them, as tuples of exact numbers."""
    return tuple(map(_exact, rows)) if isinstance(rows, list) else Exact(rows)


PLACES = {
    "start": at_start,
    "kkt point": at_kkt_point,
    "maximum": at_maximum,
    "two maxima": at_two_maxima,
}
