"""Structure of KKT points with λ ≠ 0, per layer and neuron, and of local maxima (theory §5)."""

from __future__ import annotations

import numpy as np

from ncfcheck.core.claims import THEOREM, Inapplicable, Margin, claim, worst
from ncfcheck.core.needs import Need
from ncfcheck.core.tolerances import EPS
from ncfcheck.model.identities import equal, size_at, value_at
from ncfcheck.model.models import Model
from ncfcheck.model.ncf import Ncf, group_norms, is_odd, neuron_balance, ordered, sign_flipped
from ncfcheck.model.networks import Network
from ncfcheck.properties.hypotheses import (
    CURVED_LAST,
    FLOW,
    KKT,
    LOCAL_MAXIMUM,
    NEGATIVE,
    NONZERO,
    UNSHARED,
)
from ncfcheck.properties.kkt import exact
from ncfcheck.strategies.instances import instances, powers_where
from ncfcheck.theory.kkt.points import (
    Inertia,
    KktPoint,
    curvature_there,
    describe,
    flow_limit,
    least_curved,
    positive_limit,
)

# What a curvature may fall short by, in units of |λ|: far above what it is computed to.
CURVATURE = 1e-3


def limit_point(instance) -> KktPoint:
    """A KKT point with λ ≠ 0: the limit of the NCF flow."""
    point = flow_limit(instance.ncf, instance.start, instance.numerics).point
    if point.inertia is Inertia.ZERO:
        raise Inapplicable("the NCF flow tends to a zero KKT point")
    return point


def _accuracy(point: KktPoint) -> float:
    """Bound on ‖∇N − λu‖/|λ| and on the rounding of identities that follow from ∇N = λu."""
    return 4 * (point.residual + point.residual_error) + 32 * EPS


@claim(
    "kkt.multiplier",
    kind=THEOREM,
    needs=FLOW,
    reference="§5",
    scale_free=True,
    refute=exact.balance,
    given=instances(models="any"),
    hypotheses=(KKT,),
)
def multiplier(instance) -> Margin:
    """λ = D·N(u), and ‖∇N(u)‖ = |λ|."""
    return multiplier_at(instance.ncf, limit_point(instance))


def multiplier_at(ncf: Ncf, point: KktPoint) -> Margin:
    """λ = D·N(u), and ‖∇N(u)‖ = |λ|, at a point taken for a KKT point."""
    size = size_at(ncf, point.u)
    expected = ncf.network.order * point.value
    error = _accuracy(point) * size.value + ncf.network.order * ncf.rounding(point.u)[0]
    return worst(
        [
            equal(point.multiplier, expected, error, size),
            equal(size.value, abs(expected), error, size),
        ]
    )


@claim(
    "kkt.layer_balance",
    kind=THEOREM,
    needs=(*FLOW, Need.GROUP),
    reference="§5",
    scale_free=True,
    refute=exact.balance,
    given=instances(models="any"),
    hypotheses=(KKT, NONZERO),
)
def layer_balance(instance) -> Margin:
    """‖W_l‖_F² = P_l/D for every layer l (the norm of the layer's own parameters where they are
    shared).

    Of other models: ‖θ_g‖² = P_g/D for every group of weights in which H is homogeneous alone.
    """
    return layer_balance_at(instance.network, limit_point(instance))


def layer_balance_at(network: Model, point: KktPoint) -> Margin:
    """‖θ_g‖² = P_g/D at a point taken for a KKT point."""
    shares = np.array([group.order for group in ordered(network)]) / network.order
    return worst(
        equal(float(square), float(share), _accuracy(point), 1.0)
        for square, share in zip(group_norms(network, point.u), shares)
    )


@claim(
    "kkt.neuron_balance",
    kind=THEOREM,
    needs=Need.LAYERED,
    reference="§5",
    scale_free=True,
    refute=exact.balance,
    given=instances(shared=False),
    hypotheses=(KKT, NONZERO, UNSHARED),
)
def kkt_neuron_balance(instance) -> Margin:
    """‖row_j(W_l)‖² = p_l ‖col_j(W_{l+1})‖² for every hidden neuron j."""
    return neuron_balance_at(instance.network, limit_point(instance), neuron_balance)


def neuron_balance_at(network: Network, point: KktPoint, balances) -> Margin:
    """balances(network, u), arrays, vanish at a point taken for a KKT point."""
    return worst(
        equal(float(np.abs(values).max()), 0.0, (1 + max(network.powers)) * _accuracy(point), 1.0)
        for values in balances(network, point.u)
    )


@claim(
    "kkt.sign_flip",
    kind=THEOREM,
    needs=(*FLOW, Need.LINEAR_GROUP),
    reference="§5",
    scale_free=True,
    given=instances(models="any"),
    hypotheses=(KKT,),
)
def sign_flip(instance) -> Margin:
    """Flipping the sign of W_L maps a KKT point to a KKT point with N → −N.

    Of other models: of the last group of weights of order 1, if H is odd in that.
    """
    return sign_flip_at(instance, limit_point(instance))


def _opposite(ncf: Ncf, u: np.ndarray) -> np.ndarray:
    """`sign_flipped` u (P,). Raises Inapplicable where the sign of H does not flip with it."""
    if not is_odd(ncf, u):
        raise Inapplicable("H is not odd in a group of weights of order 1")
    return sign_flipped(ncf.network, u)


def sign_flip_at(instance, point: KktPoint) -> Margin:
    """The point with W_L negated is KKT, of value −N(u), where u is taken for a KKT point."""
    ncf = instance.ncf
    flipped = _opposite(ncf, point.u)
    return worst(
        [
            equal(
                ncf.value(flipped),
                -point.value,
                2 * ncf.rounding(flipped)[0],
                abs(value_at(ncf, point.u)),
            ),
            equal(ncf.residual(flipped), 0.0, _accuracy(point), 1.0),
        ]
    )


@claim(
    "kkt.negative_unstable",
    kind=THEOREM,
    needs=(*FLOW, Need.GROUPS),
    reference="§5",
    scale_free=True,
    refute=exact.negative_unstable,
    given=instances(models="any"),
    hypotheses=(KKT, NEGATIVE),
)
def negative_unstable(instance) -> Margin:
    """A KKT point with N < 0 is never a local maximum of N on the sphere: the projected Hessian has
    an eigenvalue 2|λ| or more.

    Moving along t = (x_1 θ_1, …, x_L θ_L), Σ x_l P_l = 0, rescales the layers against each other;
    by Euler's identities (∇²N − λ)t = −2λt. Of other models the same of groups of weights.
    """
    point = limit_point(instance)
    u = point.u if point.value < 0 else _opposite(instance.ncf, point.u)
    return unstable(instance.ncf, describe(instance.ncf, u))


def unstable(ncf: Ncf, point: KktPoint) -> Margin:
    """The projected Hessian's largest eigenvalue ≥ 2|λ|, to CURVATURE, if the point is KKT."""
    top = curvature_there(ncf, point)
    # Eigenvalues in units of |λ|; an error of ε‖∇²N‖ moves them by ε·cond.
    error = top.error + 1e-9 + 1e3 * _accuracy(point) * max(1.0, top.value)
    return Margin(1 + (top.value - 2) / CURVATURE, error / CURVATURE)


# A second neuron at most this share of the first counts as none; points are known far better.
NONE, POLISH = 1e-3, 1e-6


@claim(
    "kkt.one_last_neuron",
    kind=THEOREM,
    needs=Need.LAYERED,
    reference="§5",
    scale_free=True,
    given=instances(shared=False, powers=powers_where(lambda powers: powers[-1] >= 2), narrowest=2),
    hypotheses=(LOCAL_MAXIMUM, CURVED_LAST, UNSHARED),
)
def one_last_neuron(instance) -> Margin:
    """A local maximum with N > 0 has one active neuron in the last hidden layer if p_{L−1} ≥ 2, for
    any number of outputs.

    In the shares m_j of the norm that the last hidden neurons have, N = Σ n_j m_j^{(p+1)/2} with
    n_j > 0: strictly convex, so that no point with two of them is a maximum.
    """
    point = strict_maximum(instance)
    return one_active(instance.network, point.u, point.off)


def strict_maximum(instance) -> KktPoint:
    """The limit of the NCF flow, N > 0. Raises Inapplicable unless it is a strict local maximum."""
    point = positive_limit(instance.ncf, instance.start, instance.numerics).point
    point = least_curved(instance.ncf, point)
    if point.inertia is not Inertia.MAXIMUM:
        raise Inapplicable(f"no strict local maximum but {point.inertia}")
    return point


def one_active(network: Network, u: np.ndarray, off: float = 0.0) -> Margin:
    """The last hidden layer's second largest row is at most NONE times the largest; u is known to
    within `off`.
    """
    rows = np.sort(np.linalg.norm(network.matrices(u)[-2], axis=1))
    error = POLISH + 2 * off / rows[-1]
    return Margin(float(1 - rows[-2] / rows[-1] / NONE), float(error / NONE))
