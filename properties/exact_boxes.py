"""Exact counterparts of claims about KKT points: a box that holds exactly one, of which the
conclusion fails (theory §5, §9).
"""

from __future__ import annotations

import numpy as np
from flint import arb

from ncfcheck.certify import points
from ncfcheck.certify.boxes import Found, active_rows, found_near, has_rank_two
from ncfcheck.certify.certificate import Certificate, NotProved
from ncfcheck.certify.rings import Balls
from ncfcheck.certify.structured import at_rising_precision
from ncfcheck.core.claims import Inapplicable, Unresolved
from ncfcheck.properties.flow_controls import convolved
from ncfcheck.theory.kkt.points import flow_limit

NONE = 1e-3  # a second neuron, or singular value, of at most this share of the first counts as none


def _limit(instance) -> np.ndarray:
    """The KKT point with λ ≠ 0 that the flow tends to."""
    try:
        point = flow_limit(instance.ncf, instance.start, instance.numerics).point
    except (Inapplicable, Unresolved) as reason:
        raise NotProved(str(reason)) from reason
    if not point.multiplier:
        raise NotProved("the flow tends to a zero KKT point, which is not isolated")
    return point.u


def _boxed(instance, u, condition, proves: str) -> Certificate:
    """A certificate that `condition(found)`, raising NotProved or not, is met by the exact KKT
    point near u.
    """

    def prove():
        found = found_near(instance.network, instance.ncf, u)
        condition(found)
        return Certificate("box", proves, found.plain())

    return at_rising_precision(prove)


def _require(condition: bool, reason: str) -> None:
    if not condition:
        raise NotProved(reason)


def _maximum(found: Found) -> None:
    _require(found.is_maximum(), "the point is not proved to be a strict local maximum")


def _positive(found: Found) -> None:
    _require(found.value > 0, "N > 0 is not proved")


def shared_balance(instance) -> Certificate:
    """Neurons of a shared layer are unbalanced at an exact KKT point."""
    shared = convolved(instance)

    def unbalanced(found: Found) -> None:
        gaps = points.neurons_unbalanced(
            Balls, found.pruned.network, found.matrices, range(found.pruned.network.depth - 1)
        )
        _require(gaps, "the balances are not known to differ from 0")

    return _boxed(
        shared,
        _limit(shared),
        unbalanced,
        "an exact KKT point with a shared first layer has an unbalanced neuron",
    )


def positive_unstable(instance) -> Certificate:
    """An exact KKT point is a strict local maximum."""
    return _boxed(
        instance,
        _limit(instance),
        _maximum,
        "an exact KKT point has a negative definite projected Hessian",
    )


def every_kkt_rank_one(instance) -> Certificate:
    """An exact KKT point whose hidden layer has two rows that are not parallel: σ_2 > σ_1/1000."""
    return _boxed(
        instance,
        instance.start,
        _two_directions,
        "an exact KKT point has a hidden layer with σ_2 > σ_1/1000",
    )


def _two_directions(found: Found) -> None:
    """The 2×2 Gram determinant exceeds (trace/1000)²: σ_1²σ_2² > 10⁻⁶ (σ_1² + σ_2²)²."""
    _require(singular_gap(found.matrices[0], NONE), "σ_2 > σ_1/1000 is not proved")


def singular_gap(W, share: float) -> bool:
    """Whether the sum of squared 2×2 minors, at least σ_1²σ_2², shows σ_2 > share·σ_1; for two rows
    it is σ_1²σ_2².
    """
    if W.nrows() != 2:
        return False
    gram = [
        [sum((W[i, k] * W[j, k] for k in range(W.ncols())), arb(0)) for j in range(2)]
        for i in range(2)
    ]
    trace = gram[0][0] + gram[1][1]
    return bool(
        gram[0][0] * gram[1][1] - gram[0][1] * gram[1][0] > arb(share) * arb(share) * trace * trace
    )


def saddles(instance) -> Certificate:
    """An exact KKT point with N > 0 and two active neurons."""
    proves = "an exact KKT point with N > 0 has two active neurons in the last hidden layer"
    return _boxed(instance, instance.start, _several_last, proves)


def _several_last(found: Found) -> None:
    _positive(found)
    _require(active_rows(found.matrices[-2], NONE) > 1, "two active neurons are not proved")


def shared_neurons(instance) -> Certificate:
    """A strict local maximum with N > 0 has two active neurons that share their weights."""
    shared = convolved(instance)

    def condition(found: Found) -> None:
        _maximum(found)
        _several_last(found)

    proves = "a strict local maximum with N > 0, neurons sharing weights, has two of them active"
    return _boxed(shared, _limit(shared), condition, proves)


def no_blowup(instance) -> Certificate:
    """From an exact KKT point with N < 0 the norm of the NCF flow decreases for ever."""
    proves = (
        "the NCF flow from an exact KKT point with N < 0 stays on its ray, and its norm decreases"
    )
    return _boxed(
        instance,
        _limit(instance),
        lambda found: _require(found.value < 0, "N < 0 is not proved"),
        proves,
    )


def doubled_start(instance) -> Certificate:
    """From twice an exact KKT point with N > 0, D > 2, the flow blows up at 2^{−(D−2)}/(D(D−2)N) <
    1/(D(D−2)N).
    """
    _require(instance.network.order > 2, "D = 2")
    proves = (
        "from twice an exact KKT point u with N* = N(u) > 0 the NCF flow blows up at "
        "2^{−(D−2)}/(D(D−2)N*)"
    )
    return _boxed(instance, _limit(instance), _positive, proves)


def _maximum_with(rank_two, proves: str):
    def certify(instance) -> Certificate:
        def condition(found: Found) -> None:
            _positive(found)
            _require(rank_two(found.matrices), "the layers are not proved to fail the claim")
            _maximum(found)

        return _boxed(instance, _limit(instance), condition, proves)

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


def balance(instance) -> Certificate:
    """For the theorems: an exact KKT point whose layers or neurons are unbalanced, λ ≠ D·N, or ∇N ≠
    0 across.
    """

    def condition(found: Found) -> None:
        network, theta = found.pruned.network, found.box.theta
        multiplier = found.box.multiplier
        gap = multiplier - network.order * found.value
        layers = [
            sum((a * a for a in theta[p]), arb(0)) * network.order - o
            for p, o in zip(network.slices, network.orders)
        ]
        neurons = points.neurons_unbalanced(Balls, network, found.matrices)
        _require(
            neurons or any(each > 0 or each < 0 for each in (gap, *layers)),
            "every identity holds to within the box",
        )

    return _boxed(
        instance,
        _limit(instance),
        condition,
        "an exact KKT point fails an identity that holds at all of them",
    )


def negative_unstable(instance) -> Certificate:
    """For the theorem: an exact KKT point with N < 0 that is a strict local maximum; a limit with N
    > 0 has W_L negated.
    """
    u = _limit(instance).copy()
    if instance.ncf.value(u) > 0:
        u[instance.network.slices[-1]] *= -1

    def condition(found: Found) -> None:
        _require(found.value < 0, "N < 0 is not proved")
        _maximum(found)

    return _boxed(instance, u, condition, "a KKT point with N < 0 is a strict local maximum")
