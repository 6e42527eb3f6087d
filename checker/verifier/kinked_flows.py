"""Flows about the kink of the first sample, p = 1 and one neuron a layer, solutions of u̇ ∈ ∂N(u);
standard library only.

As long as no pre-activation changes its sign, such a network is a linear one of data θ_i x_i, θ_i ∈
{1, α}. The flow of that network from a v_0 on the kink is a solution if it leaves the kink at once
and no pre-activation changes its sign later.
"""

import copy
from fractions import Fraction

from .kinks import inner
from .kkt_points import NEAR, told
from .loss_flows import doubling, trained
from .networks import Net, number, unit
from .numbers import Ball, ball, dot, need
from .registry import proof
from .tubes import Field
from .windows import limit

LOW, HIGH = -1, 1  # sides of the kink, on which σ' is α and 1


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


def branching(case, data, start, Y=None):
    """δ and the loss flow of a branch, which stays one."""
    delta, tube = trained(case, data, start, Y)
    need_sides(case, tube, Field(case, case.Y, delta), range(len(case.X)))
    return delta, tube


def leaving(case):
    """An exact v_0 on the kink next to `start`, and its branches to the sides of slopes α and 1."""
    line = Line(case)
    start = balanced(q := line.across(line.q), line.signs)
    told(case, start, unit(case.theta), NEAR)
    return start, *(branch(case, line, q, side) for side in (LOW, HIGH))


def need_branch(case, tube):
    """Need the NCF flow of a branch to stay one; the labelled samples, which alone count."""
    labelled = [i for i, row in enumerate(case.labels) if any(row)]
    need_sides(case, tube, Field(case, case.Y), labelled)
    return labelled


@proof
def branch_window(case, data, start):
    """The window of the NCF flow of a branch, which stays one up to its limit, and near that."""
    found = limit(case, data, start)
    labelled, reach = need_branch(case, found.tube), ball(Fraction(number(data["reach"])))
    around = [t + reach * Ball(-1, 1) for t in found.point.theta]
    need(
        all(z > 0 for z in on_sides(case, labelled, around)),
        "a pre-activation may change its sign near the limit",
    )
    return found


@proof
def branch_doubling(case, data, start):
    """The norm of the NCF flow of a branch, which stays one, reaches 2."""
    found = doubling(case, data, start)
    need_branch(case, found.tube)
    return found


@proof
def staying(case):
    """A v_0 on the kink of the first sample, N(v_0) < 0, on whose ray one NCF flow stays."""
    line = Line(case)
    q, signs = line.across(line.x[1]), [1] * (len(line.signs) - 1) + [-1]
    start, pull = balanced(q, signs), line.pull(q)
    rest = line.across(pull)
    along = inner(rest, q) ** 2 == inner(rest, rest) * inner(q, q) and inner(pull, q) > 0
    need(along and line.balances(pull), "no solution is known to stay on the ray")
    told(case, start, unit(case.theta), NEAR)
    return start, branch(case, line, q, HIGH)
