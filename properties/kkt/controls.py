"""Claims about KKT points that are false because they drop one hypothesis (theory §7)."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from ncfcheck.certify.certificate import asked
from ncfcheck.core.claims import CONTROL, Inapplicable, Margin, claim, mildest
from ncfcheck.core.needs import Need
from ncfcheck.model.instance import Instance
from ncfcheck.model.ncf import Problem, neuron_balance, norm
from ncfcheck.model.networks import dense
from ncfcheck.properties.flow.instances import convolved, every_balance
from ncfcheck.properties.hypotheses import FLOW, KKT, NEGATIVE, NONZERO, UNSHARED
from ncfcheck.properties.kkt import exact
from ncfcheck.properties.kkt.theorems import (
    layer_balance_at,
    limit_point,
    multiplier_at,
    neuron_balance_at,
    sign_flip_at,
    unstable,
)
from ncfcheck.strategies.choices import composite
from ncfcheck.strategies.data_families import line
from ncfcheck.strategies.datasets import SEEDS
from ncfcheck.strategies.instances import given, instances, powers_where
from ncfcheck.strategies.promises import plain, require
from ncfcheck.theory.kkt.points import KktPoint, describe


def taken_for_kkt(instance, u: np.ndarray) -> KktPoint:
    """The unit vector u, with the λ and the accuracy it would have as a KKT point."""
    value, gradient = instance.ncf.value_and_gradient(u)
    if not gradient.any():
        raise Inapplicable("∇N(u) = 0: there is no λ to take it for one with")
    error = instance.ncf.rounding(u)[1] / norm(gradient)
    return KktPoint(u, value, float(gradient @ u), 0.0, error, math.nan, gradient[:0])


@claim(
    "control.any_point",
    kind=CONTROL,
    needs=Need.LAYERED,
    reference="§7",
    scale_free=True,
    refute=asked,
    given=instances(shared=False),
    drops=KKT,
    of=("kkt.multiplier", "kkt.layer_balance", "kkt.neuron_balance", "kkt.sign_flip"),
)
def any_point(instance) -> Margin:
    """At every unit vector u, one of: ‖∇N(u)‖ = |λ| = D·|N(u)|; layers balanced; neurons balanced;
    u with W_L negated is KKT.
    """
    network, point = instance.network, taken_for_kkt(instance, instance.start)
    return mildest(
        [
            multiplier_at(instance.ncf, point),
            layer_balance_at(network, point),
            neuron_balance_at(network, point, neuron_balance),
            sign_flip_at(instance, point),
        ]
    )


@composite
def _scalar_chains(draw, data) -> Instance:
    """Widths all 1, p_1 ≥ 2, from a unit vector with N < 0 whose first weight is small."""
    powers, seed = (2, *(draw.integer(1, 3) for _ in range(draw.integer(0, 1)))), draw(SEEDS)
    rng = np.random.default_rng(seed)
    network = dense((1,) * (len(powers) + 2), powers, (1.0,) * len(powers))
    problem = Problem(network, line(rng, 5, 1), np.abs(line(rng, 5, 1)))
    start = np.array([0.02 * rng.uniform(0.5, 1.0), *np.ones(len(powers) - 1), -1.0])
    return Instance(
        problem,
        start / norm(start),
        families={"data": "d=1", "start": "small first weight"},
        seeds=(seed,),
    )


def _chain(instance: Instance) -> None:
    plain(instance)
    require(
        set(instance.network.widths) == {1} and instance.network.powers[0] >= 2,
        "one neuron a layer and p_1 ≥ 2",
    )
    require(set(instance.network.slopes) == {1.0}, "α_l = 1")


scalar_chains = given(_scalar_chains, _chain)


@claim(
    "control.any_negative_point",
    kind=CONTROL,
    needs=Need.LAYERED,
    reference="§7",
    scale_free=True,
    refute=asked,
    given=scalar_chains(),
    drops=KKT,
    of=("kkt.negative_unstable",),
)
def any_negative_point(instance) -> Margin:
    """At every unit vector with N < 0 the projected Hessian ∇²N − λ, λ = D·N(u), has an eigenvalue
    of 2|λ| or more.
    """
    point = describe(instance.ncf, instance.start)
    if point.value >= 0:
        raise Inapplicable("N is not negative")
    return unstable(instance.ncf, replace(point, residual=0.0))


@claim(
    "control.zero_points",
    kind=CONTROL,
    needs=Need.LAYERED,
    reference="§7",
    scale_free=True,
    refute=asked,
    given=instances(shared=False),
    drops=NONZERO,
    of=("kkt.layer_balance", "kkt.neuron_balance"),
)
def zero_points(instance) -> Margin:
    """At KKT points with λ = 0 too, layers or else neurons are balanced."""
    network, u = instance.network, zeroed(instance)
    if instance.ncf.gradient(u).any() or not u.any():
        raise Inapplicable("∇N(u) ≠ 0, or u = 0")
    u /= norm(u)
    point = KktPoint(u, 0.0, 0.0, 0.0, 0.0, math.nan, u[:0])
    return mildest(
        [layer_balance_at(network, point), neuron_balance_at(network, point, neuron_balance)]
    )


@claim(
    "control.positive_unstable",
    kind=CONTROL,
    needs=(*FLOW, Need.GROUPS),
    reference="§7",
    scale_free=True,
    refute=exact.positive_unstable,
    given=instances(powers=powers_where(lambda powers: min(powers) >= 2)),
    drops=NEGATIVE,
    of=("kkt.negative_unstable",),
)
def positive_unstable(instance) -> Margin:
    """No KKT point is a local maximum of N on the sphere, whatever its sign: the projected Hessian
    has an eigenvalue above 0.
    """
    return unstable(instance.ncf, limit_point(instance))


@claim(
    "control.shared_balance",
    kind=CONTROL,
    needs=Need.LAYERED,
    reference="§7",
    scale_free=True,
    refute=exact.shared_balance,
    given=instances(only_dense=True, narrowest=2),
    drops=UNSHARED,
    of=("kkt.neuron_balance",),
)
def shared_balance(instance) -> Margin:
    """At KKT points ‖row_j(W_l)‖² = p_l ‖col_j(W_{l+1})‖² also where layers share weights."""
    shared = convolved(instance)
    return neuron_balance_at(shared.network, limit_point(shared), every_balance)


def zeroed(instance) -> np.ndarray:
    """`start` with W_1 = 0, and W_2 = 0 where N is linear in W_1: N vanishes to second order."""
    network, u = instance.network, instance.start.copy()
    u[: network.slices[0 if network.orders[0] > 1 else 1].stop] = 0.0
    return u
