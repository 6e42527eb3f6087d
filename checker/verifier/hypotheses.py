"""Hypotheses about an instance alone, which need nothing of a certificate; standard library only.

Where one is met by construction, its function says by which.
"""

from fractions import Fraction

from .numbers import dot, need
from .registry import fact


@fact
def homogeneous(case):
    """Files have no biases: H is homogeneous."""
    need(not case.net.bias, "a network with biases")


@fact
def true_labels(case):
    """ȳ is computed from the labels and the loss of the instance, and trained on with them."""


@fact
def unit_start(case):
    """Flows start at `start` divided by its norm, which is 1 but for rounding."""
    square = dot(case.theta, case.theta)
    need(abs(square - 1) < Fraction(1, 10**6), "‖start‖ is not 1")


@fact
def order_above_two(case):
    need(case.net.order > 2, "D = 2")


@fact
def lipschitz(case):
    """Every p_l ≥ 2 or α_l = 1."""
    need(case.lipschitz, "p_l = 1 and α_l < 1 for some l")


@fact
def dense(case):
    need(case.net.dense, "a layer is not dense")


@fact
def unshared(case):
    need(not any(case.net.shared), "a layer shares weights")


@fact
def curved(case):
    need(min(case.powers) > 1, "p_l = 1 for some l")


@fact
def curved_last(case):
    need(case.powers[-1] > 1, "p_{L−1} = 1")


@fact
def two_layers(case):
    need(case.net.depth == 2, "L > 2")


@fact
def one_output(case):
    need(case.net.widths[-1] == 1, "several outputs")


@fact
def some_outputs(case):
    need(case.net.widths[-1] in (2, 3), "not two or three outputs")


@fact
def one_sign(case):
    need(len(signs(case)) == 1, "labels of both signs, or all 0")


@fact
def both_signs(case):
    need(len(signs(case)) == 2, "labels of one sign")


def signs(case):
    """Whether nonzero ȳ are positive, every answer that there is."""
    return {y > 0 for row in case.labels for y in row if y}


@fact
def filtered(case):
    """W_1 is a circular convolution with one kernel, the other layers are dense."""
    net, (inputs, rows) = case.net, case.net.widths[:2]
    shifts = [[(j - i) % inputs for j in range(inputs)] for i in range(rows)]
    kernel = [[k if k < net.counts[0] else -1 for k in row] for row in shifts]
    need(net.index[0] == kernel and all(net.plain[1:]), "not a convolution below dense layers")
