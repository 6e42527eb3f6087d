"""The NCF flow up to its alignment with the KKT point it tends to; standard library only."""

from fractions import Fraction

from .boxes import is_below, slopes
from .kkt_points import NEAR, filled, found, told
from .networks import number, unit
from .numbers import Ball, ball, dot, need
from .registry import proof
from .tubes import Field, Tube

SAME = Fraction(1, 10**6)  # relative: an ε that is the instance's
# 1 − ⟨v_0, u*⟩ at least, and d log ‖u‖/d log t at T_ε at most, of windows that claims are about.
LACKING, CONDITION = Fraction(2, 10**9), 99_000


def aligned(x, u, cosine):
    """Whether ⟨x, u⟩ > cosine·‖x‖ for all x in a box or on curves; u a unit vector, cosine > 0."""
    along = dot(x, u)
    return along > 0 and along * along > dot(x, x) * (cosine * cosine)


def apart(x, u, cosine):
    """Whether ⟨x, u⟩ < cosine·‖x‖ for all x in a box or on curves; u a unit vector, cosine > 0."""
    along = dot(x, u)
    return along < 0 or along * along < dot(x, x) * (cosine * cosine)


class Point:
    """The KKT point in a box, of the whole network: θ of norm 1, and N(θ)."""

    def __init__(self, case, data):
        self.theta = filled(found(case, data), data, case.net)
        self.value = case.net.run(self.theta, case.X, case.Y)[1]

    def attracts(self, case, reach):
        """Need that flows of the sphere within `reach` of θ tend to it: −∇²N + ⟨∇N(v), v⟩ is
        positive across v there.

        So N is concave along great circles, and ½dist² to θ falls at a rate of at least a multiple
        of itself.
        """
        need(0 < reach < 1, "a reach beyond (0, 1)")
        v, field = [t + ball(reach) * Ball(-1, 1) for t in self.theta], Field(case, case.Y)
        lift = abs(self.value) * case.net.order**2
        need(
            is_below(slopes(field, v), dot(field(v), v), v, lift),
            "the KKT point is not proved to attract all within reach",
        )


def goal(case, data):
    """A KKT point with N > 0, and the condition on boxes that flows from there tend to it."""
    point, reach = Point(case, data["limit"]), Fraction(number(data["reach"]))
    need(point.value > 0, "N > 0 is not proved")
    point.attracts(case, reach)
    return point, lambda x: aligned(x, point.theta, ball(1 - reach * reach / 2))


class Window:
    """Bounds on T_ε and R_ε of the NCF flow from v_0, which tends to the KKT point θ, N(θ) > 0."""

    def __init__(self, case, data, start=None):
        (self.point, tends), self.start = goal(case, data), start or unit(case.theta)
        self.case = case
        self.tube = Tube(Field(case, case.Y), self.start, data["ncf"])
        need(tends(self.tube.at(self.tube.end)), "the flow is not proved to come within reach")
        if "epsilon" in data:
            self.aligns(data, Fraction(number(data["epsilon"])))

    def aligns(self, data, epsilon):
        """T_ε lies between two times, R_ε between two norms."""
        self.epsilon, theta = epsilon, self.point.theta
        self.times, self.norms = (
            [Fraction(number(each)) for each in data[name]] for name in ("times", "norms")
        )
        need(
            0 < self.epsilon < 1 and len(self.times) == len(self.norms) == 2,
            "not an ε with two bounds on T_ε and on R_ε",
        )
        (first, last), (small, large) = self.times, self.norms
        need(0 < small <= large, "not two bounds on R_ε, the smaller first")
        cosine = ball(1 - self.epsilon)
        self.tube.everywhere(0, first, lambda x: apart(x, theta, cosine), "T_ε may be earlier")
        need(aligned(self.tube.at(last), theta, cosine), "T_ε may be later")
        self.tube.everywhere(0, last, lambda x: dot(x, x) < ball(large**2), "R_ε may be larger")
        need(small <= 1 or dot(*[self.tube.at(first)] * 2) > ball(small**2), "R_ε may be smaller")
        self.norms = [max(small, Fraction(1)), large]  # ‖v_0‖ = 1


@proof
def limit(case, data, start=None):
    """The flow from v_0 tends to u*, N(u*) > 0."""
    return Window(case, data, start)


def need_epsilon(case, window):
    """Need ε the share `fraction` of min(1, 1 − ⟨v_0, u*⟩), as the instance asks for; v_0 not u*
    itself, and T_ε well-conditioned: d log ‖u‖/d log t = D·N(u)·t/‖u‖².
    """
    lacking = 1 - dot(window.start, window.point.theta)
    need(lacking > LACKING, "v_0 is the KKT point itself")
    asked = (lacking if lacking < 1 else Ball(1)) * ball(Fraction(case.get("fraction")))
    need(abs(asked - window.epsilon) < ball(window.epsilon * SAME), "ε is not the instance's")
    x, net = window.tube.at(window.times[1]), window.case.net
    value = net.run(x, window.case.X, window.case.Y)[1]
    rate = abs(value) * net.order * ball(window.times[1])
    need(
        rate < dot(x, x) * CONDITION,
        "ε is smaller than what the claim asks for: T_ε is too near T*",
    )


def own_limit(case, data):
    """The same, the window that of the instance's ε."""
    window = limit(case, data)
    need_epsilon(case, window)
    return window


@proof
def ray(case, data):
    """The KKT point, N < 0, the NCF flow starts at, and r^{−(D−2)} = 1 − D(D−2)N·t on its ray."""
    point, order = Point(case, data["limit"]), case.net.order
    need(point.value < 0, "N < 0 is not proved")
    told(case, point.theta, unit(case.theta), NEAR)
    return point, lambda t: 1 - point.value * (order * (order - 2)) * ball(t)
