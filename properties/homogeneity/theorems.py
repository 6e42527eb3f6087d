"""Homogeneity of the network and of the loss around zero (theory §1, §2)."""

from __future__ import annotations

import numpy as np

from ncfcheck.certify.certificate import asked
from ncfcheck.core.bounded import Bounded
from ncfcheck.core.claims import THEOREM, Inapplicable, Margin, claim, worst
from ncfcheck.core.needs import Need
from ncfcheck.core.tolerances import EPS, RESOLUTION
from ncfcheck.model.identities import equal, equal_vectors, size_at, value_at
from ncfcheck.model.kernels import gradients
from ncfcheck.model.loss_functions import LossFunction, row_norms, sizes
from ncfcheck.model.ncf import Ncf, Problem, euler_sides, group_euler_sides, norm, ordered
from ncfcheck.model.networks import Network
from ncfcheck.properties.hypotheses import HOMOGENEOUS, POSITIVE_FACTOR, TRUE_LABELS
from ncfcheck.strategies.instances import instances

SCALES = (0.5, 3.0, 1.7)


@claim(
    "homogeneity.euler",
    kind=THEOREM,
    needs=Need.HOMOGENEOUS,
    reference="§1",
    scale_free=True,
    refute=asked,
    given=instances(models="any", lipschitz=False),
    hypotheses=(HOMOGENEOUS,),
)
def euler(instance) -> Margin:
    """⟨u, ∇N(u)⟩ = D·N(u): Euler's identity for the order D = Σ_l P_l."""
    u, ncf = instance.start, instance.ncf
    value, gradient = ncf.value_and_gradient(u)
    rounding = ncf.rounding(u)[0]
    size = size_at(ncf, u)
    return equal(
        *euler_sides(ncf.network, u, gradient, value),
        _product_error(u, size) + ncf.network.order * rounding,
        size,
    )


def _product_error(u: np.ndarray, size: Bounded) -> float:
    """Bound on the rounding of ⟨u, g⟩ for a g of this size and what it is known to."""
    return norm(u) * (size.error + EPS * (1 + u.size) * size.value)


@claim(
    "homogeneity.layer_euler",
    kind=THEOREM,
    needs=Need.GROUP,
    reference="§1",
    scale_free=True,
    refute=asked,
    given=instances(models="any", lipschitz=False),
    hypotheses=(HOMOGENEOUS,),
)
def layer_euler(instance) -> Margin:
    """⟨W_l, ∂N/∂W_l⟩ = P_l·N(u) for every layer l.

    Of other models: for every group of weights in which H is homogeneous alone.
    """
    u, ncf = instance.start, instance.ncf
    value, gradient = ncf.value_and_gradient(u)
    rounding, size = ncf.rounding(u)[0], size_at(ncf, u)
    error = _product_error(u, size)
    pairs = group_euler_sides(ncf.network, u, gradient, value)
    return worst(
        equal(found, expected, error + group.order * rounding, size)
        for (found, expected), group in zip(pairs, ordered(ncf.network))
    )


@claim(
    "homogeneity.output_scaling",
    kind=THEOREM,
    needs=Need.HOMOGENEOUS,
    reference="§1",
    scale_free=True,
    refute=asked,
    given=instances(models="any", lipschitz=False),
    hypotheses=(HOMOGENEOUS, POSITIVE_FACTOR),
)
def output_scaling(instance) -> Margin:
    """H(x; cu) = c^D H(x; u) for c > 0, on every sample."""
    return scaled_outputs(instance, SCALES)


def scaled_outputs(instance, factors) -> Margin:
    """H(x; cu) = c^D H(x; u) for every factor c."""
    problem, u, order = instance.problem, instance.start, instance.network.order
    outputs = problem.outputs(u)
    rounding = problem.output_bound(u) + order * EPS * np.abs(outputs)
    return worst(
        equal_vectors(
            problem.outputs(c * u) / c**order,
            outputs,
            rounding + problem.output_bound(c * u) / abs(c) ** order,
        )
        for c in factors
    )


@claim(
    "homogeneity.gradient_scaling",
    kind=THEOREM,
    needs=Need.HOMOGENEOUS,
    reference="§1",
    scale_free=True,
    refute=asked,
    given=instances(models="any", lipschitz=False),
    hypotheses=(HOMOGENEOUS, POSITIVE_FACTOR),
)
def gradient_scaling(instance) -> Margin:
    """∇N(cu) = c^{D−1} ∇N(u) for c > 0."""
    return scaled_gradients(instance, SCALES)


def scaled_gradients(instance, factors) -> Margin:
    """∇N(cu) = c^{D−1} ∇N(u) for every factor c."""
    u, ncf, order = instance.start, instance.ncf, instance.network.order
    gradient, rounding = ncf.gradient(u), ncf.rounding(u)[1]
    rounding = rounding + order * EPS * np.abs(gradient)
    return worst(
        equal_vectors(
            ncf.gradient(c * u) / c ** (order - 1),
            gradient,
            rounding + ncf.rounding(c * u)[1] / abs(c) ** (order - 1),
        )
        for c in factors
    )


@claim(
    "homogeneity.loss_expansion",
    kind=THEOREM,
    needs=Need.HOMOGENEOUS,
    reference="§2",
    scale_free=True,
    given=instances(models="any", lipschitz=False),
    hypotheses=(HOMOGENEOUS, TRUE_LABELS),
)
def loss_expansion(instance) -> Margin:
    """𝓛(δu) = 𝓛(0) − δ^D N(u) + O(δ^{2D}): the remainder is at most Σ S·ŷ², ŷ = H(X; δu), where S
    is sup ‖ℓ''‖ over the segment [0, ŷ].

    Around δu with ŷ of size 1, too, 𝓛 expands as around 0, with −ℓ'(ŷ, y) for ȳ. Where ℓ'' vanishes
    on a segment, S is what two numbers are told apart at.
    """
    problem, u = instance.problem, instance.start
    delta = _delta(problem, u, 1.0)
    return worst(
        [
            _change_of_loss(problem, delta * u),
            _descends(problem, u, delta),
            expansion(instance, instance.ncf),
        ]
    )


def expansion(instance, ncf) -> Margin:
    """|𝓛(δu) − 𝓛(0) + δ^D N(u)| ≤ Σ S·ŷ² for the N given, at two δ: outputs of size 0.1, 0.001."""
    problem, u = instance.problem, instance.start
    return worst(_remainder(problem, ncf, u, _delta(problem, u, share)) for share in (1e-1, 1e-3))


def _delta(problem: Problem, u: np.ndarray, largest: float) -> float:
    """The δ for which outputs H(X; δu) are of size `largest` where they are largest, in units in
    which ‖ℓ''(0)‖ is 1 at most.
    """
    units = np.sqrt(np.maximum(sizes(problem.loss.curvature_at_zero(problem.y)), 1.0))
    outputs, rounding = problem.outputs(u), problem.output_bound(u)
    found = float(np.abs(units * outputs).max())
    if not found > (units * rounding).max():
        raise Inapplicable("H(X; u) is no more than rounding: the network is dead on the data")
    return (largest / found) ** (1 / problem.network.order)


def _change_of_loss(problem: Problem, w: np.ndarray) -> Margin:
    """𝓛(w) − 𝓛(0) = Σ ℓ(ŷ, y) − ℓ(0, y), the latter without cancellation."""
    before, after = problem.training_loss(0 * w), problem.training_loss(w)
    terms = _changes(problem, w)
    largest = abs(before) + abs(after) + float(np.abs(terms).sum())
    return equal(after - before, float(terms.sum()), 16 * EPS * (4 + terms.size) * largest, largest)


def _descends(problem: Problem, u: np.ndarray, delta: float, step: float = 1e-3) -> Margin:
    """1 − |ℓ((1 + h)ŷ) − ℓ(ŷ) − hŷ ℓ'(ŷ)| / S(hŷ)², summed, for flows' −ℓ' at ŷ = δ^D H(X; u)."""
    small = delta**problem.network.order
    outputs, lost = small * problem.outputs(u), small * problem.output_bound(u)
    descent = _trained_on(problem, u, small)
    after, before = (problem.loss.change(c * outputs, problem.y) for c in (1 + step, 1.0))
    left = float((after.sum() - before.sum()) + (step * outputs * descent).sum())
    steep = _steepest(problem, (1 + step) * outputs, lost)
    # ℓ' moves by S·ŷ at most, and once more for outputs that the kernel rounds in a way of its own.
    rounding = 16 * EPS * _terms(problem, outputs, steep)
    rounding += 4 * step * float((steep[0] * row_norms(outputs) * row_norms(lost)).sum())
    bound = step**2 * _square(outputs, lost, steep)
    return (1 - abs(Bounded(left, rounding)) / bound).margin()


def _trained_on(problem: Problem, u: np.ndarray, small: float) -> np.ndarray:
    """−ℓ'(δ^D H(X; u), y), (n, k_L), as flows have it: by the compiled kernels where these know the
    loss.
    """
    if problem.loss.code is None or not isinstance(problem.network, Network):
        return problem.loss.descent(small * problem.outputs(u), problem.y)
    layout, columns = problem.network.layout, problem.ncf.on_data.columns
    y, u = np.array(problem.y.T, order="C"), u.copy()
    descent, gradient = np.empty(y.shape), np.empty(u.size)
    work = gradients.workspace(layout, len(problem.X))
    gradients.pull_back(
        layout, u, columns, y, problem.loss.code, small, 1.0, descent, work, gradient
    )
    return descent.T


def _steepest(problem: Problem, outputs: np.ndarray, lost: np.ndarray) -> tuple:
    """S, sup ‖ℓ''‖ over [0, ŷ], of every output or sample; and what it may be off by, for outputs
    known to within `lost`: looked for at some that are so far off.
    """
    aside = lost * np.sign(outputs - outputs.mean(axis=1, keepdims=True))
    found, *others = (
        np.maximum(problem.loss.steepest(outputs + move, problem.y), RESOLUTION)
        for move in (0.0, lost, -lost, aside)
    )
    # An exponential's is as uncertain as its exponent.
    exponent = 1 + np.abs(problem.y * outputs).max(axis=1, keepdims=True)
    off = np.max([np.abs(each - found) for each in others], axis=0)
    return found, 2 * off + 8 * EPS * exponent * found


def _square(outputs: np.ndarray, lost: np.ndarray, steep: tuple) -> Bounded:
    """Σ S·ŷ² of outputs known to within `lost`, (n, k_L)."""
    found, off = steep
    error = found * (2 * np.abs(outputs) * lost + lost**2) + off * (np.abs(outputs) + lost) ** 2
    return Bounded(float((found * outputs**2).sum()), float(error.sum()))


def _terms(problem: Problem, outputs: np.ndarray, steep: tuple) -> float:
    """Σ ‖ŷ‖(‖ȳ‖ + S‖ŷ‖): the sum of the sizes of what a loss's change adds up; and of the values
    that it is the difference of, where nothing better is known.
    """
    found = float((row_norms(outputs) * _slopes(problem, outputs, steep)).sum())
    if type(problem.loss).change is LossFunction.change:
        found += sum(map(problem.loss.total, (outputs, 0 * outputs), 2 * [problem.y]))
    return found


def _slopes(problem: Problem, outputs: np.ndarray, steep: tuple) -> np.ndarray:
    """‖ȳ‖ + S‖ŷ‖, a bound on ‖ℓ'‖ over [0, ŷ], of every output or sample."""
    return row_norms(problem.ncf.ybar) + steep[0] * row_norms(outputs)


def _changes(problem: Problem, w: np.ndarray) -> np.ndarray:
    """ℓ(ŷ, y) − ℓ(0, y), ŷ = H(X; w), for every output or sample."""
    return problem.loss.change(problem.outputs(w), problem.y)


def _remainder(problem: Problem, ncf: Ncf, u: np.ndarray, delta: float) -> Margin:
    """1 − |𝓛(δu) − 𝓛(0) + δ^D N(u)| / Σ S·ŷ², of which ½ is left by Taylor's formula."""
    outputs, change = problem.outputs(delta * u), _changes(problem, delta * u)
    small = delta**problem.network.order
    lost = problem.output_bound(delta * u)
    steep = _steepest(problem, outputs, lost)
    value = value_at(ncf, u)
    rounding = small * (value.error + 16 * EPS * abs(value.value))
    rounding += 16 * EPS * _terms(problem, outputs, steep)
    rounding += float((_slopes(problem, outputs, steep) * row_norms(lost)).sum())
    left = Bounded(float(change.sum()) + small * value.value, rounding)
    return (1 - abs(left) / _square(outputs, lost, steep)).margin()
