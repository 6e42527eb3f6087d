"""Flows about the kink of the first sample, p = 1 and one neuron a layer, solutions of u̇ ∈ ∂N(u);
standard library only.

As long as no pre-activation changes its sign, such a network is a linear one of data θ_i x_i, θ_i ∈
{1, α}. The flow of that network from a v_0 on the kink is a solution if it leaves the kink at once
and no pre-activation changes its sign later.
"""

import copy
from fractions import Fraction

from .kinks import inner
from .loss_flows import trained
from .networks import Net, number, unit
from .numbers import Ball, ball, dot, need
from .tubes import Field
from .windows import Window

LOW, HIGH = -1, 1  # sides of the kink, on which σ' is α and 1
NEAR = Fraction(1, 10**6)  # distance of a v_0 from `start`


def exactly(rows):
    return [[Fraction(v) for v in row] for row in rows]


class Line:
    """Exact samples x_i, their ȳ_i, first row q of W_1 at `start`; signs of the weights above."""

    def __init__(self, case):
        need(
            case.net.dense and set(case.net.widths[1:]) == {1} == set(case.powers),
            "not one neuron a layer with p = 1",
        )
        need(
            case.slopes[0] < 1 and all(a == 1 for a in case.slopes[1:]),
            "not kinks of the first layer alone",
        )
        size = case.net.widths[0]
        self.x, self.y = exactly(case.floats), [y for (y,) in exactly(case.labels)]
        self.q, *above = exactly([case.start[:size], *([v] for v in case.start[size:])])
        self.alpha = Fraction(case.slopes[0])
        need(
            all(v for (v,) in above) and any(self.x[0]) and self.y[0] != 0,
            "a weight, a first sample or its label is 0",
        )
        self.signs = [1 if v > 0 else -1 for (v,) in above]

    def across(self, q):
        """‖x_0‖² times q less its part along x_0."""
        x = self.x[0]
        return [a * inner(x, x) - b * inner(q, x) for a, b in zip(q, x)]

    def pull(self, q):
        """Σ ȳ_i θ_i x_i over all other samples, on the sides where q has them."""
        weights = [
            y * (1 if inner(x, q) > 0 else self.alpha) for x, y in zip(self.x[1:], self.y[1:])
        ]
        return [inner(weights, column) for column in zip(*self.x[1:])]

    def balances(self, pull):
        """Whether a slope in [α, 1] of the first sample balances its part along x_0."""
        slope = -inner(pull, self.x[0]) / (self.y[0] * inner(self.x[0], self.x[0]))
        return self.alpha <= slope <= 1


def balanced(q, signs):
    """Weights of norm 1, the first row along q, all layers as large as each other."""
    return unit([*unit(q), *signs])


def branch(case, line, q, side):
    """The linear network of data θ_i x_i, sample 0 to a side of its kink, others where q has it."""
    out, signs = copy.copy(case), [side, *(inner(x, q) for x in line.x[1:])]
    need(all(signs), "another sample on a kink")
    out.sides, out.inputs, out.lipschitz = [1 if each > 0 else -1 for each in signs], case.X, True
    out.net = Net(case.net.widths, [(1, Ball(1), Ball(1))] * len(case.laws), case.net.index)
    out.X = [
        [v if each > 0 else v * ball(line.alpha) for v in row] for row, each in zip(case.X, signs)
    ]
    return out


def on_sides(case, samples, x):
    """Pre-activations of samples at weights x, boxes or curves, times the signs of their sides."""
    return [dot(case.inputs[i], x[: len(case.inputs[i])]) * case.sides[i] for i in samples]


def need_sides(case, tube, field, samples):
    """Need pre-activations to have their sides' signs; the first, 0 at the start, from then on."""

    def holds(x):
        first, *others = on_sides(case, samples, x)
        return all(z > 0 for z in others) and (
            first > 0 or on_sides(case, samples[:1], field(x))[0] > 0
        )

    tube.everywhere(0, tube.end, holds, "a pre-activation may change its sign")


def followed(case, data, start, Y=None):
    """δ and the loss flow of a branch, which stays one."""
    delta, tube = trained(case, data, start, Y)
    need_sides(case, tube, Field(case, case.Y, delta), range(len(case.X)))
    return delta, tube


def leaving(case, data):
    """From an exact v_0 on the kink: the NCF window to the side of slope α; the other's branch."""
    line = Line(case)
    start = balanced(q := line.across(line.q), line.signs)
    need(
        all(abs(a - b) < NEAR for a, b in zip(start, unit(case.theta))),
        "`start` is not next to a balanced one on the kink",
    )
    slow, fast = (branch(case, line, q, side) for side in (LOW, HIGH))
    window, labelled = Window(slow, data, start), [i for i, y in enumerate(line.y) if y]
    need_sides(slow, window.tube, Field(slow, slow.Y), labelled)
    around = [t + ball(Fraction(number(data["reach"]))) * Ball(-1, 1) for t in window.point.theta]
    need(
        all(z > 0 for z in on_sides(slow, labelled, around)),
        "a pre-activation may change its sign near the limit",
    )
    return window, fast
