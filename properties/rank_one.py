"""Rank-one KKT points of feed-forward networks, sign-coherent case (theory §5)."""

from __future__ import annotations

import numpy as np

from checker.claims import THEOREM, Inapplicable, Margin, claim, worst
from checker.identities import equal
from checker.ncf import layer_norms, neuron_balance, norm
from checker.rank_one import reduced_value, structured_value
from checker.rank_one_generators import rank_one_points
from checker.tolerances import EPS, RESOLUTION


@claim(
    "rank_one.sufficient",
    kind=THEOREM,
    reference="§5",
    given=rank_one_points(lipschitz=False),
    hypotheses=("dense layers", "e_l ≥ 0, uniform on its support where p_l ≥ 2", "u a positive KKT point of the reduced problem"),
)
def sufficient(instance) -> Margin:
    """W_1 = c_1 e_1 uᵀ, W_l = c_l s_l e_l e_{l−1}ᵀ with c_l² = P_l/D is a KKT point with N > 0, of the stated value, balanced."""
    if instance.u is None:
        raise Inapplicable("the reduced problem has no positive KKT point in sight")
    network, ncf, theta = instance.network, instance.ncf, instance.start
    reduced, reduced_gradient = reduced_value(network, ncf.X, ncf.ybar[:, 0], instance.u, instance.signs)
    tangential = reduced_gradient - (reduced_gradient @ instance.u) * instance.u
    sine = norm(tangential) / norm(reduced_gradient)
    value, gradient = ncf.value_and_gradient(theta)
    value_rounding, gradient_rounding = ncf.rounding(theta)
    expected = structured_value(network, reduced, instance.profiles)
    error = 4 * sine + gradient_rounding / norm(gradient) + 16 * EPS
    relative = 2 * value_rounding / abs(expected) + 16 * network.order * EPS
    return worst(
        [
            Margin(1 - ncf.residual(theta) / RESOLUTION, error / RESOLUTION),
            equal(value, expected, relative * abs(expected), abs(expected)),
            Margin(value / abs(expected), relative),
            *_balances(network, theta),
        ]
    )


def _balances(network, theta):
    error = 64 * EPS
    for square, order in zip(layer_norms(network, theta), network.orders):
        yield equal(float(square), order / network.order, error, 1.0)
    for balances in neuron_balance(network, theta):
        yield equal(float(np.abs(balances).max()), 0.0, error, 1.0)
