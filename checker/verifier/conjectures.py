"""What excludes conjectures: strict local maxima, and limits of flows; standard library only."""

from fractions import Fraction

from .kkt_points import found, maximum, rank_two, several
from .numbers import Ball, ball, bend, need
from .registry import refutes
from .windows import Point, Window
from .zero_limits import neurons, output_heavy


def excluded(case, data, fails, outputs=(1,), filtered=False):
    """Need a strict local maximum with N > 0, p ≥ 2, whose layers fail the conclusion: fails(W)."""
    net = case.net
    first = {
        (j - i) % net.widths[0]: k for i, row in enumerate(net.index[0]) for j, k in enumerate(row)
    }
    later = all(k >= 0 for each in net.index[filtered:] for row in each for k in row)
    circular = all(
        first[(j - i) % net.widths[0]] == k
        for i, row in enumerate(net.index[0])
        for j, k in enumerate(row)
    )
    need(
        later
        and not any(net.shared[filtered:])
        and (circular or not filtered)
        and min(case.powers) > 1
        and net.widths[-1] in outputs,
        "another architecture",
    )
    point = found(case, data)
    need(fails(point[0].matrices(point[1])), "the layers are not proved to fail the claim")
    maximum(case, point)


@refutes("conjecture.rank_one_limits", "conjecture.rank_one_maxima", keeps={})
def hidden_rank_two(case, data):
    """At a strict local maximum with N > 0, which attracts an open set of v_0, p ≥ 2: a hidden
    layer has rank two or more.
    """
    excluded(case, data, lambda W: any(map(rank_two, W[:-1])))


@refutes("conjecture.one_neuron_limits", keeps={})
def hidden_neurons(case, data):
    """At a strict local maximum with N > 0, which attracts an open set of v_0, p ≥ 2: a hidden
    layer has two active neurons.
    """
    excluded(case, data, lambda W: any(map(several, W[:-1])))


@refutes("conjecture.one_signed_labels", keeps={})
def one_signed_labels(case, data):
    """At a strict local maximum with N > 0, which attracts an open set of v_0, p ≥ 2, labels of one
    sign: a hidden layer has two active neurons.
    """
    need(len({y > 0 for row in case.Y for y in row if y.nonzero}) == 1, "labels of both signs")
    hidden_neurons(case, data)


@refutes("conjecture.outputs_rank_one", keeps={})
def any_rank_two(case, data):
    """At a strict local maximum with N > 0, which attracts an open set of v_0, p ≥ 2, several
    outputs: a layer has rank two or more.
    """
    excluded(case, data, lambda W: any(map(rank_two, W)), outputs=(2, 3))


@refutes("conjecture.above_a_filter", keeps={})
def later_rank_two(case, data):
    """At a strict local maximum with N > 0, which attracts an open set of v_0, p ≥ 2, the first
    layer a filter: a hidden layer but the first has rank two or more.
    """
    excluded(case, data, lambda W: any(map(rank_two, W[1:-1])), filtered=True)


APART = Fraction(1, 1000)  # relative difference of the values of two limits that are two


@refutes("conjecture.one_limit", keeps={})
def one_limit(case, data):
    """Two strict local maxima, p ≥ 2, attract open sets of v_0, and their values differ by more
    than a thousandth.
    """
    need(
        case.net.dense and min(case.powers) > 1 and case.net.widths[-1] == 1, "another architecture"
    )
    for name in ("limit", "near"):
        maximum(case, found(case, data[name]))
    a, b = (Point(case, data[name]).value for name in ("limit", "near"))
    need(
        abs(a - b) > a * ball(APART) and abs(a - b) > b * ball(APART), "the values may be the same"
    )


@refutes("conjecture.strongest_neuron", keeps={})
def strongest_neuron(case, data):
    """From an open set of v_0 the flow tends to a KKT point with one active neuron, not the one
    with the largest v_j G(w_j).
    """
    own, active, _ = neurons(case), data["limit"]["active"][0], Window(case, data)
    need(two_layers(case) and len(own) > 1 and len(active) == 1, "not one active neuron of several")
    _, (gradient,) = case.net.matrices(case.net.run(case.theta, case.X, case.Y)[2])
    shares = [v * g for (_, v), g in zip(own, gradient)]
    need(any(each > shares[active[0]] for each in shares), "the active neuron may be the strongest")


def two_layers(case):
    """Two dense layers, p ≥ 2."""
    return case.net.dense and case.net.depth == 2 and case.powers[0] > 1


@refutes("conjecture.mixed_labels_grow", keeps={})
def mixed_labels_grow(case, data):
    """From an open set of v_0 the NCF flow tends to a zero KKT point: d = 1, so that w_j keeps its
    sign, and v_j G(w_j) < 0.
    """
    heavy, signs = output_heavy(case), {y > 0 for row in case.labels for y in row if y}
    need(
        two_layers(case) and case.net.widths[0] == 1 and len(signs) == 2,
        "several inputs or layers, or labels of one sign",
    )
    for (w,), v in heavy:
        correlation = sum(
            (y[0] * bend(w * x[0], *case.laws[0])[0] for x, y in zip(case.X, case.Y)), Ball(0)
        )
        need(v * correlation < 0, "v_j G(w_j) < 0 is not proved")
