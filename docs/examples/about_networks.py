"""Three conjectures about networks of one's own, all false."""

import numpy as np

from ncfcheck import CONJECTURE, Margin, claim, instances, positive_limit, unit

generic = instances(starts="gaussian", outputs=1)


def limit(instance, start):
    return positive_limit(instance.ncf, start, instance.numerics).point


def has_two_heads(instance):
    """Two heads, with weights V."""
    return instance.network.sizes.get("heads") == 2 and "V" in instance.network.parts(
        instance.start
    )


@claim("own.larger_head", kind=CONJECTURE, reference="notes", given=generic.assuming(has_two_heads))
def larger_head(instance):
    """The head with the larger V at the start is the one at the limit."""
    start, end = (
        np.diff(np.linalg.norm(instance.network.parts(u)["V"], axis=1))[0]
        for u in (instance.start, limit(instance, instance.start).u)
    )
    return Margin(start * end, 1e-6)


@claim("own.best_of_two", kind=CONJECTURE, reference="notes", given=generic, scale_free=True)
def best_of_two(instance):
    """N at the limit is at least 0.9 of the best at the limits of two starts."""
    rng = np.random.default_rng([*instance.seeds, 1])
    other = unit(rng.standard_normal(instance.network.size))
    mine, others = (limit(instance, v).value for v in (instance.start, other))
    return Margin(mine / max(mine, others) - 0.9, 1e-6)


@claim("own.isolated", kind=CONJECTURE, reference="notes", given=generic, scale_free=True)
def isolated(instance):
    """KKT points that flows tend to are isolated: no direction is flat."""
    return Margin(-limit(instance, instance.start).top_curvature - 1e-3, 1e-6)
