"""What excludes conjectures: strict local maxima, and limits of flows; standard library only."""

from fractions import Fraction

from .hypotheses import (
    both_signs,
    curved,
    dense,
    filtered,
    one_output,
    one_sign,
    some_outputs,
    two_layers,
)
from .identities import RESOLVED, bounds, norm
from .kkt_points import attracting, rank_two, several
from .networks import unit
from .numbers import ball, need
from .registry import proof, refutes
from .windows import Window
from .zero_limits import neurons, output_heavy

GENERIC = "v_0 drawn uniformly from the sphere"
CURVED = {"dense layers": dense, "p_l ≥ 2": curved}
LIMIT = CURVED | {GENERIC: attracting, "N* > 0": attracting}
ONE = {"one output": one_output}


def excluded(case, data, fails):
    """Need layers of a strict local maximum with N > 0 that attracts `start`, and all v_0 nearby,
    to fail the conclusion: fails(W).
    """
    small, theta, *_ = attracting(case, data)
    need(fails(small.matrices(theta)), "the layers are not proved to fail the claim")


@refutes(
    "conjecture.rank_one_maxima",
    keeps=CURVED | ONE | {"u a strict local maximum of N on the sphere": attracting},
)
@refutes("conjecture.rank_one_limits", keeps=LIMIT | ONE)
def hidden_rank_two(case, data):
    """At a strict local maximum with N > 0, which attracts `start` and an open set of v_0, p ≥ 2: a
    hidden layer has σ_2 > σ_1/1000.
    """
    excluded(case, data, lambda W: any(map(rank_two, W[:-1])))


@refutes("conjecture.one_signed_labels", keeps=LIMIT | ONE | {"ȳ of one sign": one_sign})
@refutes("conjecture.one_neuron_limits", keeps=LIMIT | ONE)
def hidden_neurons(case, data):
    """At a strict local maximum with N > 0, which attracts `start` and an open set of v_0, p ≥ 2: a
    hidden layer has two active neurons.
    """
    excluded(case, data, lambda W: any(map(several, W[:-1])))


@refutes("conjecture.outputs_rank_one", keeps=LIMIT | {"two or three outputs": some_outputs})
def any_rank_two(case, data):
    """At a strict local maximum with N > 0, which attracts `start` and an open set of v_0, p ≥ 2,
    several outputs: a layer has σ_2 > σ_1/1000.
    """
    excluded(case, data, lambda W: any(map(rank_two, W)))


@refutes(
    "conjecture.above_a_filter",
    keeps={
        "W_1 a convolution, the other layers dense": filtered,
        "p_l ≥ 2": curved,
        GENERIC: attracting,
        "N* > 0": attracting,
    },
)
def later_rank_two(case, data):
    """At a strict local maximum with N > 0, which attracts `start` and an open set of v_0, p ≥ 2,
    the first layer a filter: a hidden layer but the first has σ_2 > σ_1/1000.
    """
    excluded(case, data, lambda W: any(map(rank_two, W[1:-1])))


APART = Fraction(1001, 10**6)  # relative difference of the values of two limits that are two


@proof
def tends(case, data, start=None):
    """The flow from `start`, and from all v_0 nearby, in a tube, and the KKT point, N > 0, that it
    is proved to tend to.
    """
    return Window(case, data, start)


TENDS = CURVED | {GENERIC: tends, "N* > 0": tends}


@refutes("conjecture.one_limit", keeps=TENDS)
def one_limit(case, data):
    """From `start`, from its weights in reverse, and from all v_0 nearby, flows tend to KKT points
    whose values differ by more than a thousandth.
    """
    one_output(case)
    first = tends(case, data["first"]).point.value
    second = tends(case, data["second"], unit(case.start[::-1])).point.value
    gap = abs(first - second)
    need(gap > first * ball(APART) and gap > second * ball(APART), "the values may be the same")


@refutes("conjecture.strongest_neuron", keeps=TENDS | {"L = 2": two_layers})
def strongest_neuron(case, data):
    """From `start`, and from all v_0 nearby, the flow tends to a KKT point with one active neuron,
    not the one with the largest v_j G(w_j).
    """
    active = data["limit"]["active"][0]
    tends(case, data)
    several_neurons = len(neurons(case)) > 1
    need(several_neurons and len(active) == 1, "not one active neuron of several")
    own, least = shares(case)
    strongest = any(each - own[active[0]] > least for each in own)
    need(strongest, "the active neuron may be the strongest")


def shares(case):
    """v_j G(w_j) of all neurons, L = 2, and what floats resolve of them."""
    weights = case.net.part(case.theta, 1)
    own, most = (
        [v * g for v, g in zip(weights, case.net.part(found[2], 1))]
        for found in (
            case.net.run(case.theta, case.X, case.Y),
            bounds(case.net, case.theta, case.X, case.Y),
        )
    )
    return own, norm(most) * ball(RESOLVED)


@proof
def fading(case):
    """From `start`, and from all v_0 nearby, as all that is needed is strict, N* = 0."""
    output_heavy(case)
    own, least = shares(case)
    need(all(each < -least for each in own), "v_j G(w_j) < 0 is not proved")


@refutes(
    "conjecture.mixed_labels_grow",
    keeps=CURVED | {GENERIC: fading, "labels of both signs": both_signs},
)
def mixed_labels_grow(case, data):
    """From `start`, and from all v_0 nearby, the NCF flow tends to a zero KKT point: d = 1, so that
    w_j keeps its sign, and v_j G(w_j) < 0.
    """
    need(case.net.depth == 2 and case.net.widths[0] == 1, "several inputs or layers")
    fading(case)
