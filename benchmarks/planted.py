"""Planted needles: claims that are false on sets of instances so small that random draws seldom or
never meet them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st

from ncfcheck.core.claims import CONTROL, THEOREM, Margin, claim
from ncfcheck.model.losses import Loss
from ncfcheck.model.ncf import neuron_balance, norm
from ncfcheck.strategies.instances import instances

GENERIC = instances(
    losses=(Loss.SQUARE,), starts=("gaussian", "sparse"), labels=("gaussian",), outputs=(1,)
)
TWO_LAYERS = instances(
    losses=(Loss.SQUARE,),
    starts=("gaussian", "sparse"),
    labels=("gaussian",),
    outputs=(1,),
    only_dense=True,
    narrowest=2,
    powers=st.integers(2, 3).map(lambda power: (power,)),
)
ERROR = 1e-12


def planted(name: str, given=GENERIC):
    """Register a needle."""
    return claim(f"planted.{name}", kind=CONTROL, reference="benchmarks", given=given)


@dataclass(frozen=True)
class Spot:
    """A number and two reals: an instance of which nothing is known."""

    number: int
    x: float
    y: float


REALS = st.floats(-100, 100)
SPOTS = st.builds(Spot, st.integers(0, 10**6), REALS, REALS)


@claim("planted.never", kind=THEOREM, reference="benchmarks", given=SPOTS)
def never(spot) -> Margin:
    """A sum of squares is not negative: true, and quickly told."""
    return Margin(1.0 + spot.x**2 + spot.y**2, ERROR)


@planted("one_number", SPOTS)
def one_number(spot) -> Margin:
    """The number is not 654321."""
    return Margin((abs(spot.number - 654_321) - 0.5) / 1e6, ERROR)


@planted("small_disc", SPOTS)
def small_disc(spot) -> Margin:
    """(x, y) is not within 1e-3 of (17.3, −41.9)."""
    return Margin(np.hypot(spot.x - 17.3, spot.y + 41.9) - 1e-3, ERROR)


@planted("diagonal", SPOTS)
def diagonal(spot) -> Margin:
    """x ≠ y, unless both are zero; the margin leads nowhere."""
    return Margin(-1.0 if spot.x == spot.y != 0 else 1.0, ERROR)


@planted("equal_weights")
def equal_weights(instance) -> Margin:
    """The entries of v_0 are not all equal in size: measure zero."""
    sizes = np.abs(instance.start)
    return Margin(float(np.ptp(sizes)) - 1e-9, ERROR)


@planted("even_labels")
def even_labels(instance) -> Margin:
    """No data set of four samples or more is a set of pairs x, −x with equal labels: measure zero,
    and nothing leads there.
    """
    X, y, half = instance.problem.X, instance.problem.y, len(instance.problem.X) // 2
    paired = (
        len(X) == 2 * half >= 4 and (X[:half] == -X[half:]).all() and (y[:half] == y[half:]).all()
    )
    return Margin(-1.0 if paired else 1.0, ERROR)


@planted("one_label")
def one_label(instance) -> Margin:
    """Labels of three samples or more are not all equal: measure zero."""
    y = instance.problem.y
    return Margin((float(np.ptp(y)) / norm(y) if len(y) >= 3 else 1.0) - 1e-9, ERROR)


@planted("integers")
def integers(instance) -> Margin:
    """Not all data and labels are integers where d and n are at least two: measure zero, and
    nothing leads there.
    """
    X, y = instance.problem.X, instance.problem.y
    whole = min(X.shape) >= 2 and (X == np.round(X)).all() and (y == np.round(y)).all()
    return Margin(-1.0 if whole else 1.0, ERROR)


@planted("slope")
def slope(instance) -> Margin:
    """No slope α_l is within 1e-3 of 0.37; the strategy draws tenths."""
    return Margin(min(abs(each - 0.37) for each in instance.network.slopes) - 1e-3, ERROR)


@planted("norm_ratio")
def norm_ratio(instance) -> Margin:
    """‖X‖/‖x_1‖ is not π to within 1e-5."""
    X = instance.problem.X
    return Margin(abs(norm(X) / norm(X[0]) / np.pi - 1) - 1e-5 if X[0].any() else 1.0, ERROR)


@planted("uncorrelated")
def uncorrelated(instance) -> Margin:
    """Xᵀy does not vanish, to within 1e-3 of ‖X‖‖y‖, for d ≥ 3."""
    X, y = instance.problem.X, instance.problem.y
    return Margin((norm(X.T @ y) / (norm(X) * norm(y)) if X.shape[1] >= 3 else 1.0) - 1e-3, ERROR)


@planted("zero_value", TWO_LAYERS)
def zero_value(instance) -> Margin:
    """N(v_0) does not vanish to within 1e-6 of ‖∇N(v_0)‖ where that does not."""
    value, gradient = instance.ncf.value_and_gradient(instance.start)
    size = norm(gradient)
    return Margin((abs(value) / size if size > 1e-3 else 1.0) - 1e-6, ERROR)


@planted("kkt_start", TWO_LAYERS)
def kkt_start(instance) -> Margin:
    """v_0 is not within an angle of 0.02 of ∇N(v_0)."""
    residual = instance.ncf.residual(instance.start)
    return Margin((residual if np.isfinite(residual) else 1.0) - 0.02, ERROR)


@planted("balanced_start", TWO_LAYERS)
def balanced_start(instance) -> Margin:
    """v_0 is not balanced to within 0.005 at three neurons or more."""
    balances = neuron_balance(instance.network, instance.start)[0]
    return Margin((float(np.abs(balances).max()) if balances.size >= 3 else 1.0) - 0.005, ERROR)


@planted("rank_one_start", TWO_LAYERS)
def rank_one_start(instance) -> Margin:
    """W_1 of v_0 is not rank one to within 1 %, for d and k_1 at least three."""
    W = instance.network.matrices(instance.start)[0]
    values = np.linalg.svd(W, compute_uv=False)
    return Margin(
        (values[1] / values[0] if min(W.shape) >= 3 and values[0] > 0 else 1.0) - 0.01, ERROR
    )


@planted("one_architecture")
def one_architecture(instance) -> Margin:
    """The network is not of depth 4 and order 9 with first width 4, seven samples and d = 3."""
    network, n = instance.network, len(instance.problem.X)
    steps = (
        abs(network.depth - 4)
        + abs(network.order - 9)
        + abs(network.widths[1] - 4)
        + abs(n - 7)
        + abs(network.widths[0] - 3)
    )
    return Margin((steps - 0.5) / 10, ERROR)
