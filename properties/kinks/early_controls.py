"""False claims about early training through kinks: each drops one hypothesis (theory §7)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ncfcheck.core.claims import CONTROL, Margin, Unresolved, claim
from ncfcheck.model.instance import Instance
from ncfcheck.model.ncf import Problem, norm
from ncfcheck.model.networks import dense
from ncfcheck.properties.early import controls as smooth
from ncfcheck.properties.early import exact_models
from ncfcheck.properties.early import model_controls as at_kinks
from ncfcheck.properties.early.margins import departures, slope
from ncfcheck.properties.flow.instances import kinked as one_kink
from ncfcheck.properties.hypotheses import NO_BRANCH, POSITIVE_LIMIT, SMALL_START, TRANSVERSAL
from ncfcheck.properties.kinks.early import APART, KINKED
from ncfcheck.properties.kinks.instances import CURVED, kinked
from ncfcheck.properties.kinks.neurons import SIGNED
from ncfcheck.strategies.choices import composite
from ncfcheck.strategies.datasets import SEEDS
from ncfcheck.strategies.instances import given
from ncfcheck.strategies.promises import require
from ncfcheck.theory.flow.trajectories import Stop, ncf_flow, norm_reaches
from ncfcheck.theory.starts import unit

SHALLOW = (1, 1), (2, 1)  # powers of order 3 and 4
PATIENCE = 10
GRAZED = 1e-6  # how near a path comes to the kink that it only touches, in units of lengths


@claim(
    "control.branching_start",
    kind=CONTROL,
    refute=exact_models.kink_start,
    needs=KINKED,
    reference="§7",
    scale_free=True,
    given=one_kink(attracting=False),
    drops=NO_BRANCH,
    of=("kinks.norm_stays_small", "kinks.early_aligns"),
)
def branching_start(instance) -> Margin:
    """Where two flows leave v_0, on either side of a repelling kink, w stays small, or aligns with
    u*, whichever are compared.
    """
    return at_kinks.kink_start(_patient(instance))


@claim(
    "control.branching_start_tracking",
    kind=CONTROL,
    refute=exact_models.kink_start_tracking,
    needs=KINKED,
    reference="§7",
    scale_free=True,
    given=one_kink(attracting=False),
    drops=NO_BRANCH,
    of=("kinks.tracking_order",),
)
def branching_start_tracking(instance) -> Margin:
    """Where two flows leave v_0, on either side of a repelling kink, flows depart to order δ^D, or
    by a multiple of it, whichever are compared.
    """
    return at_kinks.kink_start_tracking(instance)


@claim(
    "control.branching_continuous",
    kind=CONTROL,
    needs=KINKED[:2],
    reference="§7",
    scale_free=True,
    given=one_kink(attracting=False),
    drops=NO_BRANCH,
    of=("kinks.continuous",),
)
def branching_continuous(instance) -> Margin:
    """Where two flows leave v_0, on either side of a repelling kink, they end in the same direction
    where their norms first reach 2.
    """
    ends = [
        ncf_flow(each.ncf, each.start, each.numerics, norm_reaches(2.0))
        for each in (at_kinks.nudged(instance, side) for side in (-1.0, 1.0))
    ]
    if not all(flow.stop is Stop.ESCAPED for flow in ends):
        raise Unresolved("a flow does not reach norm 2")
    return Margin(1 - norm(ends[0].direction - ends[1].direction) / APART, 1e-6 / APART)


@claim(
    "control.kinks_large_init",
    kind=CONTROL,
    needs=KINKED,
    reference="§7",
    given=kinked(SHALLOW, losses=SIGNED, starts=("gaussian",), only_dense=True, slopes=(0.5,)),
    drops=SMALL_START,
    of=("kinks.early_aligns",),
)
def kinks_large_init(instance) -> Margin:
    """Where ‖w‖ first reaches R_ε δ the direction is within 1.01 ε of u*, for a large δ."""
    return smooth.large_init_escape(_patient(instance))


@claim(
    "control.kinks_large_tracking",
    kind=CONTROL,
    needs=KINKED,
    reference="§7",
    given=kinked(
        SHALLOW, losses=smooth.SATURATING, slopes=(0.5,), starts=("gaussian",), only_dense=True
    ),
    drops=SMALL_START,
    of=("kinks.tracking_order",),
)
def kinks_large_tracking(instance) -> Margin:
    """For a large δ too ‖w‖ reaches 2δ, so that flows differ by a finite multiple of δ^D."""
    return smooth.large_init_tracking(_patient(instance))


def _patient(instance: Instance) -> Instance:
    """The instance with more calls for a flow: near minima loss flows meet many kinks."""
    numerics = replace(instance.numerics, calls=PATIENCE * instance.numerics.calls)
    return replace(instance, numerics=numerics)


@claim(
    "control.kinks_no_escape",
    kind=CONTROL,
    needs=KINKED,
    reference="§7",
    scale_free=True,
    given=kinked(CURVED, starts=("closing",), labels=("one-signed",)),
    drops=POSITIVE_LIMIT,
    of=("kinks.early_aligns", "kinks.tracking_order"),
)
def kinks_no_escape(instance) -> Margin:
    """‖w‖ reaches 2δ also where the NCF flow tends to a zero KKT point: what is said about that
    moment makes sense.
    """
    return smooth.no_escape(instance)


@composite
def _grazing(draw, data) -> Instance:
    """One neuron a layer, two outputs, p = 1, α = 0: outputs take turns, so that the path bends, in
    three dimensions; it touches the kink of the last sample from its inactive side.
    """
    seed = draw(SEEDS)
    rng = np.random.default_rng(seed)
    network = dense((3, 1, 1, 2), (1, 1), (0.0, 0.0))
    X = 0.5 * np.eye(3) + 0.5 * np.abs(rng.standard_normal((3, 3)))
    y = np.abs(rng.standard_normal((3, 2)))
    start = unit(
        np.concatenate([np.abs(rng.standard_normal(3)), [1.0], np.abs(rng.standard_normal(2))])
    )
    problem = Problem(network, X, y)
    instance = Instance(problem, start, families={"data": "grazing"}, seeds=(seed,))
    return _touched(instance)


def _touched(instance: Instance) -> Instance:
    """With a sample more whose kink, a repelling one, the path touches halfway to norm 2."""
    flow = ncf_flow(instance.ncf, instance.start, instance.numerics, norm_reaches(2.0))
    w = flow.directions[:, instance.network.slices[0]]
    k = len(w) // 2
    normal = unit(np.cross(w[k], instance.ncf.gradient(flow.directions[k])[:3]))
    normal *= -np.sign((w @ normal).sum() or 1.0)
    problem, weight = instance.problem, np.abs(instance.problem.y).max()
    X, y = np.vstack([problem.X, normal]), np.vstack([problem.y, [[weight, weight]]])
    return replace(instance, problem=replace(problem, X=X, y=y))


def _touches(instance: Instance) -> None:
    """A path that comes within GRAZED of the last sample's kink, and is never active on it."""
    network, problem = instance.network, instance.problem
    require(network.widths == (3, 1, 1, 2) and network.powers == (1, 1), "one neuron a layer")
    flow = ncf_flow(instance.ncf, instance.start, instance.numerics, norm_reaches(2.0))
    z = flow.directions[:, network.slices[0]] @ unit(problem.X[-1])
    require(-GRAZED < z.max() <= 0, "a path that touches the last sample's kink")


grazing = given(_grazing, _touches)


@claim(
    "control.grazing_tracking",
    kind=CONTROL,
    needs=KINKED,
    reference="§7",
    given=grazing(),
    drops=TRANSVERSAL,
    of=("kinks.tracking_order",),
)
def grazing_tracking(instance) -> Margin:
    """Where the NCF flow only touches a kink, flows differ by O(δ^D), too, where each norm first
    reaches 2.
    """
    powers, sizes = departures(instance, instance, (1e-2, 1e-4))
    return Margin(slope(instance, powers, sizes) - (instance.network.order - 0.25), 0.1)
