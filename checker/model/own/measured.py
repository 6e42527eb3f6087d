"""What the theory asks of the user's own network, measured at random weights and samples; or what
is wrong with it is said (theory §10).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ncfcheck.model.own import contract, kinks, orders, pull_backs


@dataclass(frozen=True)
class Measured:
    """D; the orders of the groups, None where there is none; and what is known of the gradient."""

    order: float
    orders: tuple[float | None, ...]
    has_lipschitz_gradient: bool
    is_polynomial: bool


def measured(model) -> Measured:
    """What is found of an `OwnModel`, the same every time. Raises BrokenModel."""
    rng = np.random.default_rng(0)
    contract.check(model, rng)
    order, of_groups = orders.measure(model, rng)
    pull_backs.check(model, rng)
    is_polynomial = kinks.is_polynomial(model, order, rng)
    # A gradient of order P − 1 in (0, 1) is not Lipschitz at 0.
    is_lipschitz = all(each is None or each == 1 or each >= 2 for each in (order, *of_groups))
    if not is_polynomial:
        is_lipschitz = is_lipschitz and kinks.is_lipschitz(model, rng)
    return Measured(order, of_groups, is_lipschitz, is_polynomial)
