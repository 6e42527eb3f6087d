"""Orders of homogeneity in all weights and in each group alone, measured."""

from __future__ import annotations

import numpy as np

from ncfcheck.model.own import causes
from ncfcheck.model.own.contract import broken
from ncfcheck.model.own.draws import common_order, counts, informative


def measure(model, rng: np.random.Generator) -> tuple[float, tuple[float | None, ...]]:
    """D and the orders of the groups, None where H is not homogeneous in one alone. Raises
    BrokenModel with the likely cause where it is not homogeneous in all weights together.
    """
    found = informative(model, rng)
    parts = {name: [part] for name, part, _ in model.backend.parts}
    whole = [slice(0, model.size)]
    order = common_order(found, whole)
    if order is None:
        raise broken(model, f"it is not homogeneous: {causes.of(model, found, whole, parts)}")
    if order <= 0:
        raise broken(
            model, f"its order is {order:g}: outputs must tend to 0 with the weights (D > 0)"
        )
    of_groups = {name: common_order(found, each) for name, each in parts.items()}
    for name, each in of_groups.items():
        if each is None:
            continue
        if each == 0 and not counts(found, parts[name]):
            of_groups[name] = None  # H does not depend on it
        elif each <= 0:
            raise broken(
                model,
                f"its order in {name!r} is {each:g}, so that its gradient is not Lipschitz where "
                f"{name!r} is 0: is {name!r} normalised?",
            )
    return order, tuple(of_groups.values())
