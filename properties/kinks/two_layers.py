"""Two layers with kinks: neurons that stay active, align or die, end extremal (theory §11)."""

from __future__ import annotations

import numpy as np

from ncfcheck.core.claims import THEOREM, Inapplicable, Margin, Unresolved, claim, worst
from ncfcheck.core.needs import Need
from ncfcheck.model.ncf import norm
from ncfcheck.properties.flow.margins import balancing
from ncfcheck.properties.hypotheses import (
    BALANCED_START,
    LEAST_NORM,
    NONNEGATIVE,
    RELU,
    SEPARABLE,
)
from ncfcheck.properties.kinks.instances import kinked
from ncfcheck.properties.kinks.margins import has_clarke_subgradient, is_dead, on_every_way
from ncfcheck.properties.kinks.neurons import attractor, neurons, separable
from ncfcheck.theory.flow.trajectories import Trajectory, loss_flow, ncf_flow, norm_reaches
from ncfcheck.theory.kkt.points import Inertia, flow_limit

KINKED = Need.LAYERED, Need.KINKS
TOLD = 1e-3  # share of the largest norm so far from which on an outgoing weight's sign is told
ALIGNED = 1e-5  # distance between directions that are the same


@claim(
    "kinks.stays_active",
    kind=THEOREM,
    needs=KINKED,
    reference="§11",
    scale_free=True,
    given=separable(slopes=("zero", "positive")),
    hypotheses=(SEPARABLE, BALANCED_START, NONNEGATIVE),
)
def stays_active(instance) -> Margin:
    """In two layers a neuron's pre-activations on samples of its own sign, ȳ_i v_j > 0, never fall
    along the NCF flow and the flow of a loss whose −ℓ' keeps the label's sign: where it is active
    on one, it stays so.
    """
    return own_samples_rise(instance)


def own_samples_rise(instance) -> Margin:
    """Whether z_ji never falls where ȳ_i v_j > 0 at the start, along both flows."""
    numerics, until = instance.numerics, norm_reaches(4.0)
    if is_dead(instance.ncf, instance.start):
        raise Inapplicable("∇N(v_0) is no more than rounding")
    trained = loss_flow(instance.problem, instance.start, balancing(instance), numerics, until)
    flows = ncf_flow(instance.ncf, instance.start, numerics, until), trained
    return worst(_rises(instance, flow) for flow in flows)


def _rises(instance, flow: Trajectory) -> Margin:
    """(Least increase + 2 errors)/(its size + 4 errors), in units of the norm at the row before."""
    network, X = instance.network, instance.problem.X
    if len(flow.sigma) < 2:
        raise Unresolved(f"the flow does not move: {flow.stop.value}")
    own = network.matrices(instance.start)[1][0][:, None] * instance.ncf.ybar[:, 0] > 0
    if not own.any():
        raise Inapplicable("no neuron has the sign of a sample")
    layers = [network.matrices(v) for v in flow.directions]
    pre = np.array([first @ X.T for first, _ in layers])
    outgoing = np.array([last[0] for _, last in layers])
    # A neuron that all but vanishes may take any sign from errors.
    norms = np.exp(flow.log_norm - np.maximum.accumulate(flow.log_norm))
    told = np.logical_and.accumulate(np.abs(outgoing) * norms[:, None] > TOLD)[1:, :, None] & own
    scale = np.exp(np.diff(flow.log_norm))[:, None, None]
    gained = scale * pre[1:] - pre[:-1]
    error = 10 * instance.numerics.tolerance * scale * np.linalg.norm(X, axis=1)
    margins = np.where(told, (gained + 2 * error) / (np.abs(gained) + 4 * error), np.inf)
    bounds = error / (np.abs(gained) + 4 * error)
    if not told.any():
        raise Inapplicable("all neurons of the sign of a sample all but vanish")
    k = np.unravel_index(np.argmin(margins), margins.shape)
    return Margin(float(margins[k]), float(bounds[k]))


@claim(
    "kinks.separable",
    kind=THEOREM,
    needs=KINKED,
    reference="§11",
    scale_free=True,
    given=separable(),
    hypotheses=(SEPARABLE, BALANCED_START, RELU),
)
def aligns_or_dies(instance) -> Margin:
    """In two layers every neuron's incoming weights tend to the direction of Σ |ȳ_i| x_i over the
    samples of its own sign, x₊ or x₋, or it dies: no sample is left, or its weights fall to 0.
    """
    return worst(_aligns(neuron, sign) for sign, neuron in neurons(instance))


def _aligns(neuron, sign: float) -> Margin:
    """1 − ‖q − x_±‖/ALIGNED at the limit of a neuron's own flow, unless that is dead."""
    try:
        point = flow_limit(neuron.ncf, neuron.start, neuron.numerics).point
    except Inapplicable:
        return Margin(1.0, 0.0, "dead at the start")
    if point.inertia is Inertia.ZERO or point.value < -neuron.ncf.rounding(point.u)[0]:
        return Margin(1.0, 0.0, "dies")
    q, target = neuron.network.matrices(point.u)[0][0], attractor(neuron, sign)
    if target is None:
        return Margin(-1.0, 0.0, "grows without a sample of its sign")
    off = point.off if point.inertia is Inertia.MAXIMUM else 0.0
    return Margin(1 - norm(q / norm(q) - target) / ALIGNED, (off + 1e-9) / ALIGNED)


@claim(
    "kinks.extremal",
    kind=THEOREM,
    needs=KINKED,
    reference="§11",
    scale_free=True,
    given=kinked(((1,),), outputs=(1,), only_dense=True),
    hypotheses=(LEAST_NORM,),
)
def ends_extremal(instance) -> Margin:
    """In two layers every neuron ends dead or extremal: w_j tends to a direction that is parallel
    to some D(w_j) = Σ θ_i ȳ_i x_i, θ_i slopes of its activation, or to one with D(w_j) = 0.
    """
    parts = [on_every_way(_extremal, neuron) for _, neuron in neurons(instance)]
    return worst(parts)


def _extremal(neuron) -> Margin:
    """sin∠ of the nearest Clarke subgradient at the limit of a neuron's own flow."""
    try:
        point = flow_limit(neuron.ncf, neuron.start, neuron.numerics).point
    except Inapplicable:
        return Margin(1.0, 0.0, "dead")
    if point.inertia is Inertia.ZERO:
        return Margin(1 - point.residual / 1e-6, point.residual_error / 1e-6, "D(w) = 0")
    return worst(has_clarke_subgradient(neuron, point))
