"""Strict local maxima, and limits of flows, that conjectures exclude, exactly (theory §5, §9)."""

from __future__ import annotations

import numpy as np

from ncfcheck.certify.boxes import Found, active_rows, found_near, has_rank_two
from ncfcheck.certify.certificate import Certificate, known, need
from ncfcheck.certify.kkt_points import NONE, boxed, maximum, nonzero_limit, positive
from ncfcheck.certify.rings import precision
from ncfcheck.certify.windows import BITS, approach
from ncfcheck.theory.kkt.points import positive_limit
from ncfcheck.theory.starts import gaussian_start


def _maximum_with(rank_two, proves: str):
    def certify(instance) -> Certificate:
        def condition(found: Found) -> None:
            positive(found)
            need(rank_two(found.matrices), "the layers are not proved to fail the claim")
            maximum(found)

        return boxed(instance, nonzero_limit(instance), condition, proves)

    return certify


_ATTRACTS = "a strict local maximum with N > 0, which attracts an open set of v_0, "


rank_one_hidden = _maximum_with(
    lambda W: any(map(has_rank_two, W[:-1])), _ATTRACTS + "has a hidden layer of rank two or more"
)


rank_one_above = _maximum_with(
    lambda W: any(map(has_rank_two, W[1:-1])), _ATTRACTS + "has a later layer of rank two or more"
)


rank_one_all = _maximum_with(
    lambda W: any(map(has_rank_two, W)), _ATTRACTS + "has a layer of rank two or more"
)


one_neuron = _maximum_with(
    lambda W: any(active_rows(each, NONE) > 1 for each in W[:-1]),
    _ATTRACTS + "has two active neurons in one hidden layer",
)


def one_limit(instance) -> Certificate:
    """Two strict local maxima of different values."""
    ncf = instance.ncf
    other = gaussian_start(np.random.default_rng([*instance.seeds, 1]), ncf)
    limits = [
        known(positive_limit, ncf, start, instance.numerics) for start in (instance.start, other)
    ]
    with precision(BITS):
        first, second = (found_near(instance.network, ncf, each.point.u).plain() for each in limits)
    proves = "two strict local maxima, which attract open sets of v_0, have different values"
    return Certificate("box", proves, {"limit": first, "near": second})


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
