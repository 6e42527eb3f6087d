"""A claim for every option of every strategy: whatever is tested is what the option promises.

Each is stated from the definition, not by the code that keeps the promise. All are true:
`ncfcheck hunt 'kept.instances_starts' --claims tests/ground/kept.py` finds nothing.
"""

from __future__ import annotations

import numpy as np

from ncfcheck import CONJECTURE, Inapplicable, Loss, Margin, claim, families, instances
from ncfcheck.strategies.found import found_points
from ncfcheck.strategies.instances import collapsing
from ncfcheck.strategies.structured import (
    clarke_points,
    mixed_points,
    perturbed_points,
    rank_one_points,
)

STRATEGIES = {
    "instances": instances,
    "collapsing": collapsing,
    "rank_one_points": rank_one_points,
    "found_points": found_points,
    "perturbed_points": perturbed_points,
    "mixed_points": mixed_points,
    "clarke_points": clarke_points,
}
SMALL, ERROR = 1e-6, 1e-9
CLAIMS: dict[tuple[str, str], list] = {}  # ids by strategy and option


def defect(size: float) -> Margin:
    """Holds where a defect is small."""
    return Margin(SMALL - float(size), ERROR)


def count(number: float) -> Margin:
    """Holds where an integer is not negative."""
    return Margin(float(number) + 0.5, 0.0)


def neurons_balanced(instance) -> Margin:
    """‖row_j(W_l)‖² = p_l ‖col_j(W_{l+1})‖² between unshared layers."""
    network, worst = instance.network, 0.0
    matrices = network.matrices(instance.start)
    for l, power in enumerate(network.powers):
        if not (network.patterns[l].is_shared or network.patterns[l + 1].is_shared):
            rows = (matrices[l] ** 2).sum(axis=1)
            columns = (matrices[l + 1] ** 2).sum(axis=0)
            worst = max(worst, np.abs(rows - power * columns).max())
    return defect(worst)


def every_layer_hears(instance) -> Margin:
    """No layer of the start is zero."""
    return count(min(np.abs(W).max() > 0 for W in instance.network.matrices(instance.start)) - 1)


def last_layer_dominates(instance) -> Margin:
    """Each weight of W_L is at least as large as all others, against the sign of Σ ȳ."""
    last = instance.network.matrices(instance.start)[-1]
    sign = 1.0 if instance.ncf.ybar.sum() >= 0 else -1.0
    others = np.sqrt(max(0.0, (instance.start**2).sum() - (last**2).sum()))
    return Margin(float((-sign * last).min() - others + SMALL), ERROR)


def is_negative_kkt(instance) -> Margin:
    """N(v_0) < 0, ∇N(v_0) ∥ v_0; of starts where a search found such a point."""
    gradient, v = instance.ncf.gradient(instance.start), instance.start
    size = np.linalg.norm(gradient)
    if not size > 1e-6:
        raise Inapplicable("∇N vanishes")
    off = np.linalg.norm(gradient - (gradient @ v) * v) / size
    if off > 0.05:
        raise Inapplicable("none was found, and a generic start taken")
    return defect(max(off, gradient @ v))


def orthogonal(X) -> Margin:
    gram = X @ X.T
    return defect(np.abs(gram - np.diag(np.diag(gram))).max() / np.abs(gram).max())


def mirrored(X) -> Margin:
    return defect(max(min(np.abs(x + z).max() for z in X) for x in X))


def doubled(X) -> Margin:
    return count(min(int((X == x).all(axis=1).sum()) for x in X) - 2)


def on_a_line(X) -> Margin:
    sizes = np.linalg.svd(X, compute_uv=False)
    return defect(sizes[1] / sizes[0] if sizes.size > 1 else 0.0)


def in_clusters(X) -> Margin:
    rest, groups = X, 0
    while len(rest):
        rest, groups = rest[np.abs(rest - rest[0]).max(axis=1) > 1.0], groups + 1
    return count(3 - groups)


def fanned(X) -> Margin:
    steps = np.diff(X, axis=0)
    uneven = np.abs(steps - steps[:1]).max(initial=0.0) / np.abs(X).max()
    wide = 0.0 if X.shape[1] == 1 else max(0.0, -float((X @ X.T).min()))
    return defect(max(uneven, wide))


DATA = {
    "sphere": lambda X: defect(np.abs((X**2).sum(axis=1) - 1).max()),
    "lattice": lambda X: defect(
        max(np.abs(X - np.round(X)).max(), np.abs(X).max() - 3, 0 if X.any(axis=1).all() else 1)
    ),
    "orthogonal": orthogonal,
    "antipodal": mirrored,
    "duplicated": doubled,
    "collinear": on_a_line,
    "clusters": in_clusters,
    "fan": fanned,
    "d=1": lambda X: count(1 - X.shape[1]),
    "n=1": lambda X: count(1 - len(X)),
}


def by_place(instance) -> Margin:
    """Labels of the samples near the mean are all 1 or all −1, of the others of the other sign."""
    X, worst = instance.problem.X, 0.0
    distances = np.linalg.norm(X - X.mean(axis=0), axis=1)
    inner = distances <= np.median(distances)
    for y in instance.problem.y.T:
        sign, others = np.sign(y[inner][0]), y[~inner]
        worst = max(worst, np.abs(y[inner] - sign).max())
        if others.size:
            worst = max(worst, (sign * others).max(), np.ptp(others))
    return defect(worst)


LABELS = {
    "signs": lambda instance: defect(np.abs(np.abs(instance.problem.y) - 1).max()),
    "one-signed": lambda instance: count(
        abs(int(np.sign(instance.problem.y).sum())) - instance.problem.y.size
    ),
    "heavy-tailed": lambda instance: Margin(1 - np.abs(instance.problem.y).max() / 10_001, 0.0),
    "teacher": lambda instance: defect(abs((instance.problem.y**2).mean() - 1)),
}
STARTS = {
    "balanced": neurons_balanced,
    "sparse": every_layer_hears,
    "closing": last_layer_dominates,
    "negative-kkt": is_negative_kkt,
}


def slopes_lipschitz(instance) -> Margin:
    """α_l = 1 where p_l = 1."""
    pairs = zip(instance.network.powers, instance.network.slopes)
    return defect(max(abs(alpha - 1) if power == 1 else 0.0 for power, alpha in pairs))


def entries(pattern) -> list[int]:
    return [] if pattern.index is None else [i for row in pattern.index for i in row]


def none_shared(instance) -> Margin:
    """No parameter stands at two places of a matrix."""
    used = [[i for i in entries(each) if i >= 0] for each in instance.network.patterns]
    return count(-sum(len(each) - len(set(each)) for each in used))


def all_there(instance) -> Margin:
    """Every layer has as many parameters as its matrix has entries."""
    widths, counts = instance.network.widths, instance.network.parameter_counts
    return count(sum(counts) - sum(a * b for a, b in zip(widths, widths[1:])))


def a_filter(instance) -> Margin:
    """Rows of W_1 are one row, shifted; the other layers are dense."""
    first = instance.network.matrices(instance.start)[0]
    shifted = [np.roll(row, -i) for i, row in enumerate(first)]
    widths, counts = instance.network.widths, instance.network.parameter_counts
    others = sum(a * b for a, b in zip(widths[1:], widths[2:])) - sum(counts[1:])
    return defect(max(np.abs(np.array(shifted) - shifted[0]).max(), others))


def active(instance) -> Margin:
    """Two neurons or more are active in each hidden layer that has so many."""
    if instance.u is None:
        raise Inapplicable("no point")
    matrices = instance.network.matrices(instance.start)[:-1]
    used = [int((np.abs(W).max(axis=1) > 0).sum()) for W in matrices]
    return count(min(min(0, k - min(2, len(W))) for k, W in zip(used, matrices)))


def unequal(instance) -> Margin:
    """Nonzero entries of each e_l, p_l ≥ 2, are within a factor (1 + ½)/(1 − ½) of each other."""
    if instance.u is None:
        raise Inapplicable("no point")
    layers = zip(instance.network.matrices(instance.start), instance.network.powers)
    sizes = [np.linalg.norm(W, axis=1) for W, power in layers if power >= 2]
    ratios = [each.max() / each[each > 1e-12].min() for each in sizes]
    return defect(max(ratios, default=1.0) - 3)


def by_profile(instance) -> Margin:
    """Layers have the norms c_l² = P_l/D of a point that only its profile spoils."""
    if instance.u is None or "spoilt" not in instance.families:
        raise Inapplicable("no point")
    network = instance.network
    squares = [(W**2).sum() for W in network.matrices(instance.start)]
    shares = np.array(network.orders) / network.order
    return defect(np.abs(np.array(squares) - shares).max())


def kkt(instance) -> Margin:
    """A KKT point of positive value, found by the method."""
    if instance.point is None:
        raise Inapplicable("no point")
    v, gradient = instance.start, instance.ncf.gradient(instance.start)
    off = np.linalg.norm(gradient - (gradient @ v) * v) / np.linalg.norm(gradient)
    named = instance.families["start"] == "least squares"
    return defect(max(off, -(gradient @ v), 0 if named else 1))


def both_sides(instance) -> Margin:
    """Neurons of W_1's layer, or another, of both signs; inputs of one sign are of no use there."""
    if instance.u is None:
        raise Inapplicable("no point")
    mixed = [e.min() < 0 < e.max() for e in instance.profiles]
    layer = mixed.index(True)
    z = instance.problem.X @ instance.u
    before = instance.network.slopes[layer - 1] > 0 and instance.network.powers[layer - 1] % 2
    free = z.min() < 0 < z.max() if layer == 0 else before
    return count(int(free) - 1)


def above_one(instance) -> Margin:
    """No slope in [α, 1] at the samples on kinks makes u a KKT point of the reduced problem."""
    if instance.u is None:
        raise Inapplicable("no point")
    X, u, network = instance.problem.X, instance.u, instance.network
    on = np.abs(X @ u) <= 1e-9 * np.linalg.norm(X, axis=1)
    if np.abs(instance.ncf.ybar[on]).min() <= 1e-9 * np.abs(instance.ncf.ybar).max():
        raise Inapplicable("what is left to balance is rounding")
    alpha = min(network.slopes)
    sign = np.prod(instance.signs)
    before = np.prod(instance.signs[: network.slopes.index(alpha)])
    weights = sign * instance.ncf.ybar[:, 0] * np.where(before * (X @ u) >= 0, 1.0, alpha)
    rest = X[~on].T @ weights[~on]
    rest -= (rest @ u) * u
    needed = np.linalg.lstsq((X[on] * (sign * instance.ncf.ybar[on])).T, -rest, rcond=None)[0]
    return Margin(float(needed.min() - 1 + SMALL), ERROR)


SQUARE = {"losses": "square"}
# option: (value, other options, statement), by name; several where there are several families.
OPTIONS = {
    "starts": [(name, {"powers": (2,)}, statement) for name, statement in STARTS.items()],
    "labels": [(name, SQUARE, statement) for name, statement in LABELS.items()]
    + [("inner", SQUARE, by_place)],
    "data": [
        (name, {}, lambda instance, of=statement: of(instance.problem.X))
        for name, statement in DATA.items()
    ],
    "losses": [("logistic", {}, lambda i: count(int(i.problem.loss is Loss.LOGISTIC) - 1))],
    "outputs": [(2, {}, lambda i: count(-abs(i.network.widths[-1] - 2)))],
    "models": [("diagonal", {}, lambda i: count((str(i.network.family) == "diagonal") - 1))],
    "needs": [
        (
            ("superquadratic", "groups"),
            {"models": ("sensing", "diagonal")},
            lambda i: count(min(int(i.network.order) - 3, len(i.network.groups) - 2)),
        )
    ],
    "lipschitz": [(True, {}, slopes_lipschitz)],
    "kinked": [(True, {}, lambda i: count((max(i.network.slopes) < 1) - 1))],
    "shared": [(False, {}, none_shared)],
    "filtered": [(True, {}, a_filter)],
    "only_dense": [(True, {}, all_there)],
    "powers": [(((2,), (3, 1)), {}, lambda i: count((i.network.powers in ((2,), (3, 1))) - 1))],
    "slopes": [
        (
            (0.0, 0.5),
            {},
            lambda i: defect(max(min(abs(a), abs(a - 0.5)) for a in i.network.slopes)),
        )
    ],
    "narrowest": [(2, {}, lambda i: count(min(i.network.widths[1:-1]) - 2))],
    "fewest": [(2, {}, active)],
    "kinds": [("profile", {}, by_profile)],
    "sizes": [(0.5, {"kinds": "profile"}, unequal)],
    "methods": [("least squares", {}, kkt)],
    "one_sided": [(False, {}, both_sides)],
    "inside": [(False, {}, above_one)],
}
FEW = {"data": "orthogonal", "labels": "signs"}  # for strategies other than `instances`
# Options of `families`: those of `instances` on such data.
FAMILIES = {
    "only": (("orthogonal", "antipodal"), lambda X: max(orthogonal(X), mirrored(X), key=value)),
    "max_samples": (3, lambda X: count(3 - len(X))),  # odd: pairs round up elsewhere
    "max_dimension": (2, lambda X: count(2 - X.shape[1])),
}


def value(margin: Margin) -> float:
    return margin.value


def state(strategy: str, option: str, words: str, given, statement) -> None:
    """Register a claim."""
    id = f"kept.{strategy}_{option}"
    id += f"_{words}".replace("=", "").replace("-", "_") if words else ""

    def function(instance) -> Margin:
        return statement(instance)

    function.__doc__ = f"Whatever is tested of {strategy} is what {option} promises. {words}"
    claim(id, kind=CONJECTURE, reference="docs", given=given)(function)
    CLAIMS.setdefault((strategy, option), []).append(id)


for strategy, make in STRATEGIES.items():
    for option in ("data", *make.options):
        for chosen, others, statement in OPTIONS[option]:
            if strategy != "instances" and option in FEW and chosen != FEW[option]:
                continue
            told = {name: each for name, each in others.items() if name in make.options}
            if strategy == "found_points" and option != "powers":
                told["powers"] = ((2,), (1,))  # whose points are quickly found
            words = chosen if option in ("starts", "labels", "data") else ""
            state(strategy, option, words, make(**{option: chosen, **told}), statement)
for option, (chosen, statement) in FAMILIES.items():
    state(
        "families",
        option,
        "",
        instances(data=families(**{option: chosen})),
        lambda instance, of=statement: of(instance.problem.X),
    )
