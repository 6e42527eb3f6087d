"""The loss flow beside the NCF flow: at T_ε, at norms, how far apart; standard library only.

A δ is small where the loss changes the gradient along the flow by at most 1 %, which is what claims
leave for o(1). What fails there is to fail as δ → 0, too: as δ falls, the loss flow tends to the
NCF flow of the labels trained on, uniformly up to any time; what fails along that by a margin,
which is so of strict inequalities over closed boxes, fails for all δ from some δ_0 down.
"""

from fractions import Fraction

from .identities import need_heard, scaled
from .networks import number, unit
from .numbers import Ball, ball, dot, need, power
from .registry import proof
from .tubes import Field, Tube
from .variations import Variation
from .windows import apart, need_epsilon

SMALL = Fraction(3, 10)  # δR_ε of a small initialization at most
PERTURBED = Fraction(1, 100)  # share of the gradient that the loss changes it by, at most
ALMOST = Fraction(101, 100)  # 1 + o(1): relative for norms, in units of ε for alignments
GROWN = Fraction(101, 100)  # R_ε at least where it is asked what happens when ‖w‖ is R_ε δ
OUTWEIGHED = 10  # times the gradient: what the loss changes it by at a δ that is large


def trained(case, data, start, Y=None):
    """δ and the loss flow from δ·v_0 in units of δ, for labels whose ȳ are Y; δ = 0: the NCF's."""
    delta = Fraction(number(data["delta"]))
    need(delta >= 0, "δ is negative")
    return delta, Tube(Field(case, Y or case.Y, delta), start, data["loss"])


def need_little(case, delta, tube, Y=None):
    """Need that all along a loss flow its gradient is within 1 % of that of the labels' NCF."""
    loss, still = (Field(case, Y or case.Y, each) for each in (delta, 0))

    def is_little(x):
        rate = still(x)
        change = [a - b for a, b in zip(loss(x), rate)]
        return dot(change, change) < dot(rate, rate) * ball(PERTURBED**2)

    reason = "the loss may change the gradient by more than 1 %"
    if not tube.rests:
        tube.everywhere(0, tube.end, is_little, reason)


def second_order(case, x):
    """Jᵀ(ℓ''(0)·H): what the loss changes the gradient by, over δ^D, to second order."""
    bend = Ball(1, None, 0 if case.square else -2)
    outputs = case.net.run(x, case.X)[0]
    return case.net.run(x, case.X, [[z * bend for z in row] for row in outputs])[2]


def need_large(case, delta, tube, last, least=Fraction(0)):
    """Need δ the instance's, to 1 %: where the loss changes the gradient by ten times its size, at
    most, along the NCF flow up to a time; or `least` if that is larger.
    """
    strength = power(ball(delta), case.net.order)

    def compares(x, factor):
        change, rate = scaled(second_order(case, x), strength), Field(case, case.Y)(x)
        return dot(change, change) - dot(rate, rate) * ball((OUTWEIGHED * factor) ** 2)

    ends = [time + duration for time, duration, *_ in tube.steps if time + duration < last]
    need(
        delta * ALMOST > least
        and any(compares(tube.at(time), 1 / ALMOST) > 0 for time in (last, Fraction(0), *ends)),
        "δ is smaller than the instance's",
    )
    if delta > least * ALMOST:
        larger = "δ is larger than the instance's"
        tube.everywhere(Fraction(0), last, lambda x: compares(x, ALMOST) < 0, larger)


@proof
def small(case, data, start, largest=1, Y=None, train=trained):
    """The loss flow of a small δ, δ·largest ≤ 0.3."""
    delta, tube = train(case, data, start, Y)
    need(0 < delta * largest <= SMALL, "0 < δR_ε ≤ 0.3 is not proved")
    need_little(case, delta, tube, Y)
    return tube


def vanishing(case, data, start, Y=None, train=trained):
    """What loss flows tend to as δ → 0: the NCF flow of the labels trained on."""
    delta, tube = train(case, data["vanishing"], start, Y)
    need(delta == 0, "not the flow of δ = 0")
    return tube


def followed(case, data, window, **trained_on):
    """Flows from the same v_0: of a small δ, and its limit as δ → 0, on the same labels or not."""
    tube = small(case, data, window.start, window.norms[1], **trained_on)
    need_epsilon(case, window)
    return tube, vanishing(case, data, window.start, **trained_on) if trained_on else window.tube


def almost_aligned(window):
    """The cosine 1 − 1.01 ε, if it is positive."""
    cosine = ball(1 - window.epsilon * ALMOST)
    need(cosine > 0, "1.01 ε ≥ 1")
    return cosine


def misaligned(window):
    """The condition ⟨x, u*⟩ < (1 − 1.01 ε)‖x‖ on boxes and curves."""
    cosine = almost_aligned(window)
    return lambda x: apart(x, window.point.theta, cosine)


def is_larger(window, tube):
    """Need that the norm is more than 1 % above R_ε at a time before T_ε."""
    x = tube.at(min(window.times[0], tube.end))
    need(dot(x, x) > ball((window.norms[1] * ALMOST) ** 2), "‖w‖ > 1.01 R_ε δ is not proved")


def fails_at_time(window, tube, fails):
    tube.everywhere(*window.times, fails, "the claim may hold at T_ε")


def fails_at_norm(window, tube, fails):
    """The claim fails where the norm first reaches R_ε, or the flow rests before it does."""
    smallest, largest = (ball(each**2) for each in window.norms)
    first, end = (dot(x, x) for x in (tube.at(0), tube.at(tube.end)))
    need(first * ball(GROWN**2) < smallest, "R_ε may be reached at the start")
    need(end > largest or (end < smallest and tube.rests), "R_ε is not proved to be reached")

    def is_elsewhere(x):
        return dot(x, x) < smallest or dot(x, x) > largest

    tube.everywhere(
        0,
        tube.end,
        lambda x: is_elsewhere(x) or fails(x),
        "the claim may hold where the norm reaches R_ε",
    )


def never_holds(window, tube, fails):
    """The claim fails at T_ε, and where the norm first reaches R_ε."""
    fails_at_time(window, tube, fails)
    fails_at_norm(window, tube, fails)


def crossing(tube, times):
    """Time, and weights, where the norm first reaches 2, between two times."""
    low, high = (Fraction(number(each)) for each in times)
    tube.everywhere(0, low, lambda x: dot(x, x) < 4, "the norm may reach 2 earlier")
    end = tube.at(high)
    need(dot(end, end) > 4, "the norm is not proved to reach 2")
    return ball(low).hull(ball(high)), tube.hull(low, high)


class Doubling:
    """The NCF flow from v_0, and time and weights where its norm first reaches 2."""

    def __init__(self, case, data, start=None):
        self.start = start or unit(case.theta)
        need_heard(case.net, self.start, case.X, case.Y)
        self.tube = Tube(Field(case, case.Y), self.start, data["ncf"])
        self.time, self.weights = crossing(self.tube, data["crossing"])


@proof
def doubling(case, data, start=None):
    """The norm of the NCF flow reaches 2: d‖u‖²/dt = 2D N(u), so that N(v) > 0 by then, and it
    never decreases: N* > 0.
    """
    return Doubling(case, data, start)


def departure(ncf, tube, times):
    """Departure of a flow from the NCF flow where norms first reach 2: of directions, and times."""
    later, other = crossing(tube, times)
    return [(b - a) * Ball(1, None, -1) for a, b in zip(ncf.weights, other)], later / ncf.time - 1


@proof
def departures(case, data, ncf, train=trained, Y=None):
    """δ, and departures from the NCF flow, of the loss flows of two small δ, the smaller last, and
    of what else is given.
    """
    found = []
    for each in data["flows"]:
        delta, tube = train(case, each, ncf.start, Y)
        need_little(case, delta, tube, Y)
        found.append((delta, departure(ncf, tube, each["crossing"])))
    need(len(found) > 1 and 0 < found[1][0] < found[0][0], "not two δ, the smaller last")
    return found


def sizes(found):
    """(δ, departure of directions plus that of times), of `departures`."""
    lengths = (dot(each, each).root(2) for each in (list(map(abs, a)) for _, (a, _) in found))
    return [(delta, each + abs(late)) for each, (delta, (_, late)) in zip(lengths, found)]


def constants(case, data, ncf):
    """(E/2, τ/T), which departures over δ^D tend to as δ → 0."""
    growths = [number(each["growth"]) for each in data["ncf"]]
    times = (Fraction(number(each)) for each in data["crossing"])
    e = Variation(case, ncf.tube, growths, data["moved"]).hull(*times)
    rate = case.net.run(ncf.weights, case.X, case.Y)[2]
    shift = -dot(e, ncf.weights) / dot(rate, ncf.weights)
    return [*((a + shift * b) * Ball(1, None, -1) for a, b in zip(e, rate)), shift / ncf.time]


def has_no_order(case, found):
    """Need that departures have a slope below D − ¼ between two δ, are no multiple of δ^D, and do
    not vanish with δ.
    """
    need(len(found) == 3 and found[2][0] == 0, "not the flow of δ = 0 besides")
    (first, size), (second, smaller), (_, left) = sizes(found)
    ratio = ball(second / first)
    need(
        power(smaller, 4) > power(size, 4) * power(ratio, 4 * case.net.order - 1),
        "the slope may be D",
    )
    need(
        smaller > size * power(ratio, case.net.order) * ball(Fraction(21, 20)),
        "the ratio may be one",
    )
    need(left > 0, "the departure may vanish with δ")
