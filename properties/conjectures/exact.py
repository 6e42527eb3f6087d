"""Certificates about strict maxima, and limits of flows, that conjectures exclude (theory §5)."""

from __future__ import annotations

from dataclasses import replace

from ncfcheck.certify.boxes import Found, active_rows, has_rank_two
from ncfcheck.certify.certificate import Certificate, known, need
from ncfcheck.certify.kkt_points import NONE, attracting, nonzero_limit
from ncfcheck.certify.windows import approach
from ncfcheck.theory.kkt.points import positive_limit


def _maximum_with(fails):
    """What finds a strict local maximum with N > 0 about `start` whose layers W fail: fails(W)."""

    def find(instance) -> Certificate:
        def condition(found: Found) -> None:
            need(fails(found.matrices), "the layers of the limit do not fail the claim")

        return attracting(instance, nonzero_limit(instance), condition)

    return find


rank_one_hidden = _maximum_with(lambda W: any(has_rank_two(each, NONE) for each in W[:-1]))
rank_one_above = _maximum_with(lambda W: any(has_rank_two(each, NONE) for each in W[1:-1]))
rank_one_all = _maximum_with(lambda W: any(has_rank_two(each, NONE) for each in W))
one_neuron = _maximum_with(lambda W: any(active_rows(each, NONE) > 1 for each in W[:-1]))


def one_limit(instance) -> Certificate:
    """Two flows, from a start and from its weights in reverse, to KKT points of other values."""
    data = {}
    for name, start in (("first", instance.start), ("second", instance.start[::-1])):
        flow = replace(instance, start=start)
        limit = known(positive_limit, flow.ncf, flow.start, flow.numerics)
        data[name] = approach(flow, limit.point.u, None).plain()
    return Certificate("flow", data)


def strongest_neuron(instance) -> Certificate:
    """The flow tends to a strict maximum whose active neuron is not the strongest at v_0."""
    limit = known(positive_limit, instance.ncf, instance.start, instance.numerics)
    window = approach(instance, limit.point.u, None)
    return Certificate("flow", window.plain())
