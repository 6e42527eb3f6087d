"""Three conjectures about where early training leads, all false, with what proves them so."""

import numpy as np

from ncfcheck import (
    CONJECTURE,
    Margin,
    Sample,
    Unresolved,
    claim,
    composite,
    instances,
    positive_limit,
    unit,
)

ACTIVE = 1e-3  # a neuron of at most this share of the largest one counts as none


@composite
def surrounded(draw):
    """A sample and three around it, on a plane past 0, that are told from it."""
    rng = np.random.default_rng(draw.integer(0, 2**32 - 1))
    angles = 2 * np.pi * np.arange(3) / 3 + 0.05 * rng.standard_normal(3)
    around = rng.uniform(2, 4) * np.column_stack([np.cos(angles), np.sin(angles)])
    X = np.column_stack([np.vstack([[0, 0], around]), np.ones(4)])
    return Sample(X, y=np.array([[1.0], [-1.0], [-1.0], [-1.0]]))


def is_surrounded(sample):
    """The last three samples make a triangle with the first one in it; only its label is 1."""
    if sample.X.shape != (4, 3) or not (sample.X[:, 2] == 1).all():
        return False
    if sample.y is None or sample.y.ravel().tolist() != [1, -1, -1, -1]:
        return False
    a, b, c = sample.X[1:, :2] - sample.X[0, :2]
    return min(np.linalg.det(pair) for pair in ([a, b], [b, c], [c, a])) > 0


def maximum_from(instance, start):
    """The strict local maximum, N > 0, that the NCF flow tends to."""
    point = positive_limit(instance.ncf, start, instance.numerics).point
    if point.inertia != "maximum":
        raise Unresolved(f"the limit is no strict local maximum but {point.inertia}")
    return point


def third_is_active(maximum):
    sizes = maximum.descending(sum(w * w for w in row) for row in maximum.W[0])
    return sizes[2] - ACTIVE**2 * sizes[0]


def has_three(instance):
    """Three neurons or more in the first layer."""
    return instance.network.widths[1] >= 3


triangles = instances(
    starts="gaussian",
    outputs=1,
    only_dense=True,
    powers=((2, 2), (3, 2)),
    slopes=0.0,
    data=surrounded().assuming(is_surrounded),
).assuming(has_three)


@claim(
    "own.two_neurons",
    kind=CONJECTURE,
    reference="notes",
    given=triangles,
    scale_free=True,
    violated=third_is_active,
    at="maximum",
)
def two_neurons(instance):
    """Limits have at most two active neurons in the first layer."""
    point = maximum_from(instance, instance.start)
    sizes = np.sort(np.linalg.norm(instance.network.matrices(point.u)[0], axis=1))
    return Margin(1 - sizes[-3] / sizes[-1] / ACTIVE, (1e-6 + 4 * point.off) / ACTIVE)


two_layers = instances(starts="gaussian", outputs=1, only_dense=True, powers=((2,), (3,)))


def gap_is_small(maximum):
    return 0.9 + maximum.curvature


@claim(
    "own.gap",
    kind=CONJECTURE,
    reference="notes",
    given=two_layers,
    scale_free=True,
    violated=gap_is_small,
    at="maximum",
)
def gap(instance):
    """The curvature gap of strict local maxima is at least 0.9."""
    return Margin(-maximum_from(instance, instance.start).top_curvature - 0.9, 1e-6)


def less_than_half(maximum, other):
    return other.N / 2 - maximum.N


@claim(
    "own.half",
    kind=CONJECTURE,
    reference="notes",
    given=two_layers,
    scale_free=True,
    violated=less_than_half,
    at="two maxima",
)
def half(instance):
    """N at the limit is at least half of N at any strict local maximum, of which floats look at the
    one that another start tends to.
    """
    rng = np.random.default_rng([*instance.seeds, 1])
    second = unit(rng.standard_normal(instance.network.size))
    first, other = (maximum_from(instance, v).value for v in (instance.start, second))
    return Margin(first / max(first, other) - 0.5, 1e-6)
