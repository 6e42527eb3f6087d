"""Strict local maxima, and limits of flows, that conjectures exclude, exactly (theory §5, §9)."""

from __future__ import annotations

from dataclasses import replace

from ncfcheck.certify.boxes import Found, active_rows, has_rank_two
from ncfcheck.certify.certificate import Certificate, known, need
from ncfcheck.certify.kkt_points import NONE, attracting, nonzero_limit
from ncfcheck.certify.windows import approach
from ncfcheck.theory.kkt.points import positive_limit


def _maximum_with(rank_two, proves: str):
    def certify(instance) -> Certificate:
        def condition(found: Found) -> None:
            need(rank_two(found.matrices), "the layers are not proved to fail the claim")

        return attracting(instance, nonzero_limit(instance), condition, proves)

    return certify


_ATTRACTS = "a strict local maximum with N > 0, which attracts all v_0 about `start`, "


rank_one_hidden = _maximum_with(
    lambda W: any(has_rank_two(each, NONE) for each in W[:-1]),
    _ATTRACTS + "has a hidden layer of rank two or more",
)


rank_one_above = _maximum_with(
    lambda W: any(has_rank_two(each, NONE) for each in W[1:-1]),
    _ATTRACTS + "has a later layer of rank two or more",
)


rank_one_all = _maximum_with(
    lambda W: any(has_rank_two(each, NONE) for each in W),
    _ATTRACTS + "has a layer of rank two or more",
)


one_neuron = _maximum_with(
    lambda W: any(active_rows(each, NONE) > 1 for each in W[:-1]),
    _ATTRACTS + "has two active neurons in one hidden layer",
)


def one_limit(instance) -> Certificate:
    """Two flows, from a start and from its weights in reverse, to KKT points of other values."""
    data = {}
    for name, start in (("first", instance.start), ("second", instance.start[::-1])):
        flow = replace(instance, start=start)
        limit = known(positive_limit, flow.ncf, flow.start, flow.numerics)
        data[name] = approach(flow, limit.point.u, None).plain()
    proves = (
        "the NCF flows from `start`, from its weights in reverse, and from all v_0 nearby, tend to "
        "KKT points of different values"
    )
    return Certificate("flow", proves, data)


def strongest_neuron(instance) -> Certificate:
    """The flow tends to a strict maximum whose active neuron is not the strongest at v_0."""
    limit = known(positive_limit, instance.ncf, instance.start, instance.numerics)
    window = approach(instance, limit.point.u, None)
    proves = (
        "the NCF flow, from all v_0 nearby, tends to a KKT point whose active neuron had not the "
        "largest v_j G(w_j)"
    )
    return Certificate("flow", proves, window.plain())


def mixed_labels_grow(instance) -> Certificate:
    """The NCF flow tends to a zero KKT point from an open set of v_0."""
    return Certificate(
        "point",
        "v_j G(w_j) < 0 and ‖w_j‖² < p v_j² for every neuron, so that N* = 0, as from all v_0 "
        "nearby",
    )
