"""Instances on which rounding, cancellation and degeneracy are at their worst, for any claim.

They are draws of the claim's own strategy, spoilt in one to three ways and then made again as the
strategy promises, so that the claim may be judged on them; some it may call inapplicable.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from ncfcheck.core.claims import Claim, Inapplicable, Unresolved
from ncfcheck.model.instance import Instance, Space
from ncfcheck.model.losses import Loss
from ncfcheck.model.ncf import sign_flipped, unit
from ncfcheck.model.networks import Network
from ncfcheck.run.hunting.changes import rebuilt
from ncfcheck.strategies import moves
from ncfcheck.strategies.draw import draw_one
from ncfcheck.strategies.kkt_sampler import METHODS

DRAWS, ATTEMPTS = 5, 4  # draws that are tried, and ways of spoiling each as its strategy allows
EDGES = (0.0, 1.0, -1.0)  # slopes α at which the network changes its kind
Spoil = Callable[[Instance, np.random.Generator], Instance]


def adversarial(claim: Claim, count: int, seed: int = 0) -> Iterator[tuple[str, Instance]]:
    """`count` instances of the claim, each with what was done to it: a function of the seed.

    Where the strategy allows none of what was tried, the draw is left as it is ("as drawn").
    """
    strategy = claim.strategy()
    for number in range(count):
        yield adversary(claim, strategy, number, seed)


def adversary(claim: Claim, strategy, number: int, seed: int = 0) -> tuple[str, Instance]:
    """The instance of this number."""
    rng, instance = np.random.default_rng([seed, number]), None
    for _ in range(DRAWS):
        drawn = draw_one(strategy, int(rng.integers(2**63)))
        instance = drawn.instance if drawn else instance
        for _ in range(ATTEMPTS if drawn and isinstance(instance, Instance) else 0):
            try:
                return _spoilt(claim, instance, rng)
            except (Inapplicable, Unresolved, ValueError, ArithmeticError, np.linalg.LinAlgError):
                continue
    return "as drawn", instance


def _spoilt(claim: Claim, instance: Instance, rng) -> tuple[str, Instance]:
    """The instance spoilt in one to three ways; Inapplicable where its strategy forbids that."""
    layered = isinstance(instance.network, Network)
    possible = [name for name in SPOILS if layered or name not in OF_LAYERS]
    chosen = rng.permutation(possible)[: rng.choice((1, 1, 1, 2, 2, 3))]
    names = [name for name in SPOILS if name in chosen]
    with np.errstate(all="ignore"):
        for name in names:
            instance = SPOILS[name](instance, rng)
    return ", ".join(names), rebuilt(claim, instance)


def _tiny(rng, least: float = 1e-15, most: float = 1e-4) -> float:
    """A size from least to most, every power of ten equally likely."""
    return float(np.exp(rng.uniform(np.log(least), np.log(most))))


def cancelling_twins(instance: Instance, rng) -> Instance:
    """Every sample twice with opposite labels, but for 1e-15 to 1e-4 of the labels or the data."""
    problem, share = instance.problem, _tiny(rng)
    X, y = (share * rng.standard_normal(each.shape) for each in (problem.X, problem.y))
    is_fixed = not problem.loss.labels.are_numbers
    twin = problem.X * (1 + X) if is_fixed or rng.random() < 0.5 else problem.X
    opposite = -problem.y if is_fixed else -problem.y * (1 + y)
    return moves.changed(
        instance, X=np.concatenate([problem.X, twin]), y=np.concatenate([problem.y, opposite])
    )


def cancelling_labels(instance: Instance, rng) -> Instance:
    """One label such that N at the start is 1e-15 to 1e-4 of its terms."""
    problem = instance.problem
    y, outputs = problem.y.copy(), problem.outputs(instance.start)
    live = np.argwhere(outputs)
    if problem.loss not in (Loss.SQUARE, Loss.EXPONENTIAL) or not len(live):
        raise Inapplicable("labels that are free, and a live output")
    place = tuple(live[rng.integers(len(live))])
    terms = y * outputs
    rest = terms.sum() - terms[place]
    y[place] = -rest * (1 + rng.choice((-1, 1)) * _tiny(rng)) / outputs[place]
    return moves.changed(instance, y=y)


def near_samples(instance: Instance, rng) -> Instance:
    """One sample, or all, a multiple of another but for 1e-15 to 1e-4."""
    X, count = instance.problem.X.copy(), len(instance.problem.X)
    which = slice(None) if rng.random() < 0.2 else int(rng.integers(count))
    factor = rng.choice((1.0, 1.0, -1.0, 2.0))
    X[which] = factor * X[rng.integers(count)]
    return moves.changed(instance, X=X * (1 + _tiny(rng) * rng.standard_normal(X.shape)))


def edge_slopes(instance: Instance, rng) -> Instance:
    """Slopes within 1e-15 to 1e-8 of 0 and ±1."""
    laws = zip(instance.network.powers, instance.network.slopes)
    return moves.with_activations(
        instance, slopes=[a if p == a == 1 else _edge(rng) for p, a in laws]
    )


def _edge(rng) -> float:
    return float(np.clip(rng.choice(EDGES) + rng.choice((-1, 1)) * _tiny(rng, most=1e-8), -1, 1))


def scaled(instance: Instance, rng) -> Instance:
    """Data, labels or both in other units, by 1e±12."""
    X, y = instance.problem.X, instance.problem.y
    powers = rng.uniform(-12, 12, 2) * rng.permutation([1, rng.integers(2)])
    if not instance.problem.loss.labels.are_numbers:
        return moves.changed(instance, X=X * 10.0 ** powers[0])
    return moves.changed(instance, X=X * 10.0 ** powers[0], y=y * 10.0 ** powers[1])


def wide(instance: Instance, rng) -> Instance:
    """Magnitudes from 1e-6 to 1e6 of samples, dimensions, labels or neurons' weights."""
    X, y = instance.problem.X, instance.problem.y
    part = rng.integers(4)
    if part == 0:
        return moves.changed(instance, X=X * _magnitudes(rng, (len(X), 1)))
    if part == 1:
        return moves.changed(instance, X=X * _magnitudes(rng, (1, X.shape[1])))
    if part == 2 and instance.problem.loss.labels.are_numbers:
        return moves.changed(instance, y=y * _magnitudes(rng, (len(y), 1)))
    return _moved(instance, instance.start * _magnitudes(rng, instance.start.shape))


def _magnitudes(rng, shape) -> np.ndarray:
    return 10.0 ** rng.uniform(-6, 6, shape)


def silent(instance: Instance, rng) -> Instance:
    """All but one neuron of every hidden layer zero or tiny: into, out of or both, or their e_l."""
    network, least = instance.network, rng.choice((0.0, _tiny(rng, 1e-300, 1e-8)))
    kept = [rng.integers(width) for width in network.widths[1:-1]]
    tiny = [np.where(np.arange(k) == one, 1.0, least) for k, one in zip(network.widths[1:-1], kept)]
    parts = {
        name: tuple(map(unit, map(np.multiply, own, tiny)))
        for name, own in instance.parts(Space.NEURONS).items()
    }
    matrices, which = network.matrices(instance.start), rng.integers(3)
    for layer, factor in enumerate(tiny):
        if which != 1:
            matrices[layer] = matrices[layer] * factor[:, None]
        if which != 0:
            matrices[layer + 1] = matrices[layer + 1] * factor
    found = _moved(instance, network.flatten(matrices))
    return moves.changed(found, **parts)


def near_kkt(instance: Instance, rng) -> Instance:
    """A start 1e-12 to 1e-2 from a KKT point: a maximum, a saddle, or the negative of one."""
    if instance.families.get("start") == "structured":
        return _nudged(instance, rng)
    ncf = instance.ncf
    method = str(rng.choice(list(METHODS)))
    smooth, alone = instance.network.has_lipschitz_gradient, instance.network.widths[-1] == 1
    if not smooth or not alone or not all(each.is_dense for each in instance.network.patterns):
        method = "flow" if smooth else "few active"
    u = METHODS[method](rng, ncf)
    return _nudged(
        _moved(instance, sign_flipped(instance.network, u) if rng.random() < 0.3 else u), rng
    )


def _nudged(instance: Instance, rng) -> Instance:
    """The start moved by 1e-12 to 1e-2."""
    aside = unit(rng.standard_normal(instance.start.size))
    return _moved(instance, instance.start + _tiny(rng, 1e-12, 1e-2) * aside)


def near_kinks(instance: Instance, rng) -> Instance:
    """Pre-activations of one sample in the first layer 1e-17 to 1e-4 of what they could be."""
    W, *others = instance.network.matrices(instance.start)
    x = instance.problem.X[rng.integers(len(instance.problem.X))]
    if W.shape[1] < 2 or not instance.network.patterns[0].is_dense:
        raise Inapplicable("dimensions to turn in")
    x = x / np.abs(x).max()
    rows = rng.random(len(W)) < 0.7
    W[rows] -= np.outer(W[rows] @ x * (1 - _tiny(rng, 1e-17)), x) / (x @ x)
    return _moved(instance, instance.network.flatten([W, *others]))


def twin_neurons(instance: Instance, rng) -> Instance:
    """Neurons of every hidden layer copies of the first but for 1e-15 to 1e-4: near a saddle."""
    matrices, share = instance.network.matrices(instance.start), _tiny(rng)
    for layer in range(instance.network.depth - 1):
        matrices[layer] = matrices[layer][:1] + share * matrices[layer]
        matrices[layer + 1] = matrices[layer + 1][:, :1] + share * matrices[layer + 1]
    return _moved(instance, instance.network.flatten(matrices))


def _moved(instance: Instance, start: np.ndarray) -> Instance:
    return moves.with_array(instance, "start", start)


# In the order in which they are done: what moves the start comes last, as it looks at the data.
SPOILS: dict[str, Spoil] = {
    "wide": wide,
    "near samples": near_samples,
    "edge slopes": edge_slopes,
    "cancelling twins": cancelling_twins,
    "scaled": scaled,
    "silent": silent,
    "near kinks": near_kinks,
    "twin neurons": twin_neurons,
    "near KKT": near_kkt,
    "cancelling labels": cancelling_labels,
}
OF_LAYERS = ("edge slopes", "silent", "near kinks", "twin neurons", "near KKT")
