"""Claims about local maxima of N that are false because they drop one hypothesis (theory §7)."""

from __future__ import annotations

from ncfcheck.core.claims import CONTROL, Inapplicable, Margin, Unresolved, claim
from ncfcheck.core.needs import Need
from ncfcheck.model.ncf import norm
from ncfcheck.properties.flow.instances import convolved
from ncfcheck.properties.hypotheses import CURVED_LAST, LOCAL_MAXIMUM, UNSHARED
from ncfcheck.properties.kkt import exact
from ncfcheck.properties.kkt.theorems import one_active, strict_maximum
from ncfcheck.strategies.choices import integers, sampled_from
from ncfcheck.strategies.found import two_direction_points
from ncfcheck.strategies.instances import instances
from ncfcheck.theory.kkt.points import positive_limit


@claim(
    "control.saddles",
    kind=CONTROL,
    needs=Need.LAYERED,
    reference="§7",
    scale_free=True,
    refute=exact.saddles,
    given=two_direction_points(),
    drops=LOCAL_MAXIMUM,
    of=("kkt.one_last_neuron",),
)
def saddles(instance) -> Margin:
    """Every KKT point with N > 0 has one active neuron in the last hidden layer if p_{L−1} ≥ 2."""
    if instance.u is None:
        raise Inapplicable("no point with two active neurons was found")
    if not instance.ncf.residual(instance.start) <= 1e-9 or instance.ncf.value(instance.start) <= 0:
        raise Unresolved("the point is no KKT point with N > 0 to working accuracy")
    return one_active(instance.network, instance.start)


@claim(
    "control.flat_neurons",
    kind=CONTROL,
    needs=Need.LAYERED,
    reference="§7",
    scale_free=True,
    refute=exact.flat_neurons,
    given=instances(
        powers=sampled_from(((1, 1), (1, 1, 1))), only_dense=True, narrowest=2, outputs=(1,)
    ),
    drops=CURVED_LAST,
    of=("kkt.one_last_neuron",),
)
def flat_neurons(instance) -> Margin:
    """A local maximum with N > 0 has one active neuron in the last hidden layer also if p_{L−1} =
    1.

    Linear networks, whose maximum of N is ‖Xᵀȳ‖ L^{−L/2}.
    """
    network, ncf = instance.network, instance.ncf
    point = positive_limit(ncf, instance.start, instance.numerics).point
    largest = norm(ncf.X.T @ ncf.ybar) * network.depth ** (-network.depth / 2)
    if abs(point.value / largest - 1) > 1e-9:
        raise Inapplicable("the flow does not tend to the maximum")
    return one_active(network, point.u)


@claim(
    "control.shared_neurons",
    kind=CONTROL,
    needs=Need.LAYERED,
    reference="§7",
    scale_free=True,
    refute=exact.shared_neurons,
    given=instances(
        powers=integers(2, 4).map(lambda power: (power,)), only_dense=True, narrowest=2
    ),
    drops=UNSHARED,
    of=("kkt.one_last_neuron",),
)
def shared_neurons(instance) -> Margin:
    """A local maximum with N > 0 has one active neuron in the last hidden layer also if neurons
    share their weights.
    """
    shared = convolved(instance)
    point = strict_maximum(shared)
    return one_active(shared.network, point.u, point.off)
