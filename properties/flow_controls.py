"""Claims about the flow of the NCF that are false because they drop one hypothesis (theory §7)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ncfcheck.certify import proof
from ncfcheck.core.claims import CONTROL, Inapplicable, Margin, Unresolved, claim
from ncfcheck.model.instance import Instance
from ncfcheck.model.ncf import Problem, layer_norms, norm
from ncfcheck.model.networks import convolution, dense
from ncfcheck.properties import ncf_flow as theorems
from ncfcheck.properties.hypotheses import (
    LIPSCHITZ,
    POSITIVE_LIMIT,
    SUPERQUADRATIC,
    UNIT_START,
    UNSHARED,
)
from ncfcheck.strategies.choices import composite, just
from ncfcheck.strategies.datasets import SEEDS
from ncfcheck.strategies.instances import collapsing, given, instances
from ncfcheck.strategies.promises import require
from ncfcheck.theory.flow.trajectories import Stop, ncf_flow, norm_reaches
from ncfcheck.theory.kkt.points import flow_limit, positive_limit
from ncfcheck.theory.starts import gaussian_start, unit


@claim(
    "control.degree_two",
    kind=CONTROL,
    reference="§7",
    certify=proof("ncfcheck.properties.exact_points", "degree_two"),
    given=instances(powers=just((1,))),
    drops=SUPERQUADRATIC,
    of=("flow.blowup_bracket", "flow.blowup_rate"),
)
def degree_two(instance) -> Margin:
    """At D = 2 too r → ∞ at a finite T*: a late doubling of the norm takes at most ¾ of the time of
    the one before (D > 2: ½).
    """
    positive_limit(instance.ncf, instance.start, instance.numerics)
    times = []
    for doublings in (30, 31, 32):
        flow = ncf_flow(
            instance.ncf, instance.start, instance.numerics, norm_reaches(2.0**doublings)
        )
        if flow.stop is not Stop.ESCAPED:
            raise Unresolved(f"NCF flow to norm 2^{doublings}: {flow.stop.value}")
        times.append(flow.time[-1])
    ratio = (times[2] - times[1]) / (times[1] - times[0])
    return Margin(
        0.75 - ratio, 1e3 * instance.numerics.tolerance * times[2] / (times[1] - times[0])
    )


@claim(
    "control.doubled_start",
    kind=CONTROL,
    reference="§7",
    certify=proof("ncfcheck.properties.exact_boxes", "doubled_start"),
    given=instances(),
    drops=UNIT_START,
    of=("flow.blowup_bracket",),
)
def doubled_start(instance) -> Margin:
    """From ‖u(0)‖ = 2 too 1/(D(D−2)N*) ≤ T*, and T* ≤ 1/(D(D−2)N(v_0)) if N(v_0) > 0."""
    return theorems.bracket(instance, initial_norm=2.0)


@claim(
    "control.no_blowup",
    kind=CONTROL,
    reference="§7",
    certify=proof("ncfcheck.properties.exact_boxes", "no_blowup"),
    given=collapsing(),
    drops=POSITIVE_LIMIT,
    of=("flow.blowup_bracket", "flow.blowup_rate"),
)
def no_blowup(instance) -> Margin:
    """The norm blows up whatever the sign of N*, so that it grows where the flow has come close to
    its limit: ⟨∇N(v), v⟩ > 0.
    """
    limit = flow_limit(instance.ncf, instance.start, instance.numerics)
    if limit.point.multiplier == 0:
        raise Inapplicable("the NCF flow tends to a zero KKT point")
    v = limit.trajectory.direction
    gradient = instance.ncf.gradient(v)
    return Margin(float(gradient @ v) / norm(gradient), instance.numerics.tolerance)


@composite
def _kinked(draw, data, attracting: bool) -> Instance:
    """Networks with p = 1 and one neuron a layer, whose balanced flow moves a single direction q,
    about the kink of a sample.

    In an orthonormal frame (e, f, …) the samples are e with ȳ = −c and ae + bf with ȳ = 1. From q_e
    < 0 to q_e > 0 the gradient in q turns from (a − αc, b) to (a − c, b): towards the kink on both
    sides if α < a/c < 1, away from it if a = 0, α < 0, c < 0.
    """
    depth, d, seed = draw.integer(2 + (not attracting), 5), draw.integer(2, 5), draw(SEEDS)
    slope = draw.integer(-10, 5 if attracting else -2) / 10
    rng = np.random.default_rng(seed)
    frame, a, b = (
        np.linalg.qr(rng.standard_normal((d, d)))[0],
        rng.uniform(0.5, 1.0),
        rng.uniform(0.5, 1.0),
    )
    if attracting:
        c, q = a / max((1 + slope) / 2, 0.25), unit(frame[1] + rng.uniform(-0.3, 0.3) * frame[0])
    else:
        a, c, q = 0.0, -3 * b, frame[1]
    problem = Problem(
        dense((d, *[1] * depth), (1,) * (depth - 1), (slope, *[1.0] * (depth - 2))),
        np.stack([frame[0], a * frame[0] + b * frame[1]]),
        np.array([[-c], [1.0]]),
    )
    start = unit(np.concatenate([q, np.ones(depth - 1)]))
    return Instance(
        problem, start, families={"data": "two samples", "start": "balanced"}, seeds=(seed,)
    )


def _kink(instance: Instance, attracting: bool) -> None:
    """All p_l = 1, one neuron a layer, α_1 < 1 alone, and ∇N that points to the first sample's kink
    from both sides, or away.
    """
    network, kink = instance.network, instance.problem.X[0]
    require(
        set(network.powers) == {1}
        and set(network.widths[1:]) == {1}
        and len(instance.problem.X) > 1,
        "one neuron a layer",
    )
    require(
        network.slopes[0] < 1 and all(slope == 1 for slope in network.slopes[1:]), "α_1 < 1 alone"
    )
    require(
        abs(norm(kink) - 1) < 1e-12 and np.linalg.matrix_rank(instance.problem.X) > 1,
        "samples in two directions",
    )
    require(attracting or instance.network.depth > 2, "three layers where the kink repels")
    norms = layer_norms(network, instance.start) * network.depth
    require(bool(np.abs(norms - 1).max() < 1e-9), "a balanced start")
    first = network.slices[0]
    on_kink = instance.start[first] - (instance.start[first] @ kink) * kink
    sides = []
    for side in (-1e-9, 1e-9):
        v = instance.start.copy()
        v[first] = on_kink + side * kink
        sides.append(float(instance.ncf.gradient(v)[first] @ kink))
    expected = (
        (sides[0] > 1e-3 and sides[1] < -1e-3)
        if attracting
        else (sides[0] < -1e-3 and sides[1] > 1e-3)
    )
    require(
        expected,
        "∇N points to the kink from both sides"
        if attracting
        else "∇N points away from the kink on both sides",
    )
    require(attracting or abs(instance.start[first] @ kink) < 1e-12, "a start on the kink")


def _balanced(instance: Instance) -> Instance:
    """All layers of the start as large as each other."""
    first, *rest = instance.network.matrices(instance.start)
    if set(instance.network.widths[1:]) != {1} or not first.any():
        raise Inapplicable("one neuron a layer, and weights on the data")
    start = np.concatenate([unit(first[0]), *(np.sign(W[0]) for W in rest)])
    return replace(instance, start=unit(start))


kinked = given(_kinked, _kink, _balanced)


@claim(
    "control.kinks",
    kind=CONTROL,
    reference="§7",
    given=kinked(attracting=True),
    certify=proof("ncfcheck.properties.exact_branches", "kinks"),
    drops=LIPSCHITZ,
    of=("flow.direction_converges",),
)
def kinks(instance) -> Margin:
    """With p = 1, α ≠ 1 too v(t) tends to a point where ∇N(v) ∥ v: sin∠ ≤ 0.01 at the end, ∇N with
    the slopes of one side.
    """
    flow = ncf_flow(instance.ncf, instance.start, replace(instance.numerics, calls=3000))
    X, matrices = instance.problem.X, instance.network.matrices(flow.direction)
    sine = abs(float(matrices[0][0] @ X[0])) / norm(matrices[0])
    if sine > 1e-3:
        raise Unresolved("the flow has not come to the kink")
    return Margin(1 - instance.ncf.residual(flow.direction) / 0.01, 0.1)


def convolved(instance: Instance) -> Instance:
    """The instance with a first layer that shares its weights between neurons, from a Gaussian
    start.
    """
    network = instance.network
    columns, rows = network.widths[:2]
    network = replace(
        network, patterns=(convolution(rows, columns, columns), *network.patterns[1:])
    )
    problem = replace(instance.problem, network=network)
    start = gaussian_start(np.random.default_rng(instance.seeds[-1]), problem.ncf)
    return replace(
        instance, problem=problem, start=start, families={**instance.families, "start": "gaussian"}
    )


def every_balance(network, theta: np.ndarray) -> list[np.ndarray]:
    """‖row_j(W_l)‖² − p_l ‖col_j(W_{l+1})‖² of the matrices as they stand, shared weights counted
    where they stand.
    """
    matrices = network.matrices(theta)
    return [
        (W**2).sum(axis=1) - power * (V**2).sum(axis=0)
        for W, V, power in zip(matrices[:-1], matrices[1:], network.powers)
    ]


@claim(
    "control.shared_conserved",
    kind=CONTROL,
    reference="§7",
    certify=proof("ncfcheck.properties.exact_points", "shared_conserved"),
    given=instances(only_dense=True, narrowest=2),
    drops=UNSHARED,
    of=("flow.balance",),
)
def shared_conserved(instance) -> Margin:
    """‖row_j(W_l)‖² − p_l ‖col_j(W_{l+1})‖² is constant along both flows also where layers share
    weights.
    """
    return theorems.conserved(convolved(instance), every_balance)
