"""Why a network is not homogeneous: the two draws that disagree, and the likely cause."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from ncfcheck.model.own.contract import EXACT, SINGLE
from ncfcheck.model.own.draws import Draw, common_order, counts, log_ratio

FAR = 1e4  # weights times this, and divided by it, are large, and small
FLAT = 0.05  # an order nearer to 0 than this is 0 but for what vanishes with the scale
AT_ONCE = 0.01  # the same at weights of size 1


def of(model, draws: list[Draw], whole: list[slice], parts: dict[str, list[slice]]) -> str:
    """What is wrong with a model whose `draws` do not agree on an order in all weights, `whole`;
    `parts` are its groups by name.
    """
    told, first = disagreement(draws, whole), draws[0]
    at_zero = first.scaled(whole, 0.0)
    if not np.isfinite(at_zero).all():
        return f"{told}; outputs at weights 0 are {at_zero[~np.isfinite(at_zero)][0]}: a division?"
    if np.abs(at_zero).max() > EXACT * np.abs(first.outputs).max():
        size = at_zero.flat[int(np.argmax(np.abs(at_zero)))]
        return (
            f"{told}; outputs at weights 0 are {size:.3g}, not 0: a part that no weight "
            "multiplies, such as a residual connection from the input or a constant"
        )
    if is_single(draws, whole):
        return f"{told}: it computes in single precision somewhere, float64 is right"
    small, large = (local_order(draws, whole, scale) for scale in (1 / FAR, FAR))
    if found := bounded(draws, parts) or lower_part(model, draws, whole, parts, large):
        return f"{told}; {found}"
    if math.isfinite(small) and math.isfinite(large) and abs(large - small) > FLAT:
        return (
            f"{told}; the order goes from {small:.3g} at small weights to {large:.3g} at large "
            "ones: branches of unequal order, or a constant inside"
        )
    return f"{told}: an activation that is not homogeneous, such as GELU, SiLU or softplus?"


def disagreement(draws: list[Draw], parts: list[slice]) -> str:
    """The two draws whose orders are the farthest apart."""
    ratios = [each.ratio(parts) for each in draws]
    for i, each in enumerate(draws):
        if not math.isfinite(ratios[i]):
            end = each.scaled(parts, each.factor)
            worst = end.flat[int(np.argmax(np.where(np.isfinite(end), np.abs(end), np.inf)))]
            return f"all weights times {each.factor:.3g} (draw {i}) give outputs of {worst:.3g}"
    low, high = (int(pick(ratios)) for pick in (np.argmin, np.argmax))
    if low == high or ratios[high] - ratios[low] < EXACT:
        high = max(range(len(draws)), key=lambda i: draws[i].defect(parts, ratios[low]))
        defect = draws[high].defect(parts, ratios[low])
        return (
            f"all weights times {draws[high].factor:.3g} (draw {high}) give outputs that are off "
            f"by {defect:.1e} of what order {ratios[low]:.4g} says (draw {low})"
        )
    return " but ".join(
        f"all weights times {draws[i].factor:.3g} (draw {i}) tell order {ratios[i]:.6g}"
        for i in (low, high)
    )


def is_single(draws: list[Draw], whole: list[slice]) -> bool:
    """Whether what is off is small, and as much at large weights, where an ε would vanish."""
    far = [scaled(each, whole, FAR) for each in draws]
    for some in (draws, far):
        defects = [each.defect(whole, float(np.round(each.ratio(whole)))) for each in some]
        if not EXACT < max(defects) < SINGLE:
            return False
    return True


def lower_part(model, draws: list[Draw], whole, parts: dict[str, list[slice]], order: float) -> str:
    """The groups without which it is homogeneous, of its order at large weights, if there are any:
    those that leave the highest order.
    """

    def order_without(names: tuple[str, ...]) -> float:
        left = [
            scaled(each, [part for name in names for part in parts[name]], 0.0) for each in draws
        ]
        left = [each for each in left if each.outputs.any()]
        found = common_order(left, whole) if left else None
        return -math.inf if found is None or abs(found - order) > FLAT else found

    vectors = tuple(name for name, _, shape in model.backend.parts if len(shape) == 1)
    biases = tuple(name for name in parts if "bias" in name.lower())
    tried = [(name,) for name in parts] + [each for each in (vectors, biases) if len(each) > 1]
    names = max(tried, key=lambda each: (order_without(each), each[0] in vectors))
    if order_without(names) == -math.inf:
        return ""
    listed = ", ".join(map(repr, names))
    is_bias = set(names) <= {*vectors, *biases}
    what = ("biases" if len(names) > 1 else "a bias") if is_bias else "a branch of lower order"
    return f"without {listed} it is homogeneous of order {order_without(names):g}: {what}"


def bounded(draws: list[Draw], parts: dict[str, list[slice]]) -> str:
    """The groups that outputs do not grow with, and what makes them so, if any."""
    flat = [
        name
        for name, each in parts.items()
        if is_flat(draws, each, FAR, FLAT) and counts(draws, each)
    ]
    if not flat:
        return ""
    listed = ", ".join(map(repr, flat))
    if all(is_flat(draws, parts[name], 1.0, AT_ONCE) for name in flat):
        return f"its order in {listed} is 0 but for a small number: a normalisation with an ε"
    if all(is_flat(draws, parts[name], 1 / FAR, FLAT) for name in flat):
        told = f"outputs are bounded in {listed}, and not 0 without"
        return f"{told}: a softmax or sigmoid, or a bias beside"
    return f"outputs are bounded in {listed}: a bounded activation such as tanh, or a softmax"


def is_flat(draws: list[Draw], parts: list[slice], scale: float, least: float) -> bool:
    """Whether the order in parts of the weights is 0 at a scale of theirs."""
    return abs(local_order(draws, parts, scale)) < least


def local_order(draws: list[Draw], parts: list[slice], scale: float) -> float:
    """log_2 of what outputs are multiplied by where parts of the weights, times a scale, are
    doubled: the median of draws.
    """
    with np.errstate(all="ignore"):
        found = [
            log_ratio(each.scaled(parts, scale), each.scaled(parts, 2 * scale)) / math.log(2)
            for each in draws
        ]
    return float(np.median(found))


def scaled(draw: Draw, parts: list[slice], factor: float) -> Draw:
    """The draw with parts of its weights times a factor."""
    w = draw.w.copy()
    for part in parts:
        w[part] *= factor
    with np.errstate(all="ignore"):
        return replace(draw, w=w, outputs=draw.on_data.outputs(w))
