"""Strategies of KKT points found whatever their structure, and of two-layer points along ±u."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from functools import partial

import numpy as np

from ncfcheck.core.claims import Inapplicable, Unresolved
from ncfcheck.core.options import Option, names_of
from ncfcheck.model.instance import Instance
from ncfcheck.model.ncf import Problem
from ncfcheck.model.networks import masked
from ncfcheck.strategies.choices import composite, integers
from ncfcheck.strategies.given import declared
from ncfcheck.strategies.kkt_sampler import METHODS, find
from ncfcheck.strategies.options import POINTS
from ncfcheck.strategies.promises import BARE, bare, plain, require
from ncfcheck.strategies.structured import bare_instance, reduced
from ncfcheck.theory.kkt.points import KktPoint, describe, polish
from ncfcheck.theory.rank_one.criterion import hidden_layers
from ncfcheck.theory.rank_one.points import RankOneInstance
from ncfcheck.theory.rank_one.two_layer import broken, constructed, two_direction_point
from ncfcheck.theory.starts import gaussian_start, unit

CONSTRUCTED, BROKEN = "constructed", "broken"
# Powers of two-layer networks: any, and those of curved activations.
LINES, CURVES = (
    integers(least, most).map(lambda power: (power,)) for least, most in ((1, 4), (2, 6))
)
VISIBLE = 1e-3  # entries of a_l above this count as active neurons in the coverage


@dataclass(frozen=True, eq=False)
class FoundInstance(Instance):
    """An instance whose `start` is the KKT `point` of positive value found; None if none was."""

    point: KktPoint | None = None

    def coverage(self) -> dict[str, str]:
        """The strata of any instance, and what kind of KKT point it is."""
        kind = {} if self.point is None else {"inertia": str(self.point.inertia), **_shape(self)}
        return {**super().coverage(), **kind}

    def unit_vectors(self) -> dict[str, np.ndarray]:
        """The start, and the KKT point where there is one."""
        point = {} if self.point is None else {"point.u": self.point.u}
        return {**super().unit_vectors(), **point}

    def confirmations(self) -> Iterator[tuple[str, Instance]]:
        """None: statements about points integrate nothing."""
        return iter(())


def _shape(instance: FoundInstance) -> dict[str, str]:
    """Active neurons in the layer of most, and whether some a_l mixes signs, if ranks are one."""
    try:
        layers = hidden_layers(instance.network, instance.start)
    except (Inapplicable, Unresolved) as reason:
        return {"hidden rank": "two or more" if isinstance(reason, Inapplicable) else "undecided"}
    most = max(sum((sizes > VISIBLE).sum() for sizes in layer.classes) for layer in layers)
    return {
        "hidden rank": "one",
        "active neurons": "several" if most > 1 else "one",
        "signs": "+" if all(layer.is_coherent for layer in layers) else "mixed",
    }


@composite
def _found_points(draw, data, methods=tuple(METHODS), **options) -> FoundInstance:
    """KKT points found by a method of `kkt_sampler`, on networks with and without kinks."""
    instance = bare_instance(draw, data, narrowest=2, **options)
    smooth = instance.network.has_lipschitz_gradient
    method = draw.choice([each for each in methods if smooth or each != "flow"])
    return found(instance, method)


def found(instance: RankOneInstance, method: str) -> FoundInstance:
    """The instance at the KKT point that the method leads to from its last seed."""
    values = {each.name: getattr(instance, each.name) for each in fields(Instance)}
    point = find(instance.ncf, method, instance.seeds[-1])
    values["families"] = {**instance.families, "start": method}
    found = FoundInstance(**values)
    return found if point is None else replace(found, start=point.u, point=point)


@composite
def _blind_points(draw, data) -> FoundInstance:
    """Limits of flows of networks blind to their first input: the weights on it are missing."""
    instance = bare_instance(draw, data, narrowest=2, lipschitz=True)
    widths = instance.network.widths
    mask = np.arange(widths[0]) > 0 if widths[0] > 1 else np.ones(1, dtype=bool)
    patterns = (masked(np.tile(mask, (widths[1], 1))), *instance.network.patterns[1:])
    network = replace(instance.network, patterns=patterns)
    problem = replace(instance.problem, network=network)
    start = gaussian_start(np.random.default_rng(instance.seeds[-1]), problem.ncf)
    return found(replace(instance, problem=problem, start=start), "flow")


@composite
def _two_layer_points(draw, data) -> RankOneInstance | FoundInstance:
    """Two-layer points that meet conditions on rows along ±u, or fail one, or KKT points found."""
    instance = bare_instance(draw, data, narrowest=2, powers=LINES)
    kind = draw.choice((CONSTRUCTED, BROKEN, *(each for each in METHODS if each != "flow")))
    if kind in METHODS:
        return found(instance, kind)
    instance = _mirrored(instance, np.random.default_rng(instance.seeds[-1]))
    return _on_one_line(replace(instance, families={**instance.families, "start": kind}))


def _on_one_line(instance: RankOneInstance) -> RankOneInstance:
    """At a point of its last seed, with rows along ±u, that meets the conditions or fails one."""
    rng, u = np.random.default_rng([instance.seeds[-1], 1]), _axis(instance)
    try:
        if u is None:
            raise Inapplicable("no direction u to build on")
        theta = constructed(instance.network, instance.problem.X, instance.ncf.ybar[:, 0], u, rng)
    except Inapplicable:
        return replace(instance, u=None)
    if instance.families["start"] == BROKEN:
        theta = broken(instance.network, theta, rng)
    W = instance.network.matrices(theta)[0]
    sides = np.sign(W @ u) * np.linalg.norm(W, axis=1)
    return replace(instance, start=theta, u=u, signs=(1.0,), profiles=(unit(sides),))


def _mirrored(instance: RankOneInstance, rng) -> RankOneInstance:
    """Antipodal data with labels y(−x) = ±y(x), for which −u is a KKT direction of G with u."""
    problem, count = instance.problem, len(instance.problem.X) // 2
    if instance.families["data"] != "antipodal":
        return instance
    half = problem.y[:count]
    y = np.concatenate([half, rng.choice([-1.0, 1.0]) * half])
    return replace(instance, problem=Problem(problem.network, problem.X, y, problem.loss))


def _axis(instance: RankOneInstance) -> np.ndarray | None:
    """The line of the data where they lie on one; otherwise the u of a reduced KKT point."""
    X = instance.problem.X
    if np.linalg.matrix_rank(X) == 1:
        return unit(X[np.argmax(np.abs(X).sum(axis=1))])
    point = reduced(instance)
    return None if point is None else point.u


@composite
def _two_direction_points(draw, data) -> RankOneInstance:
    """KKT points of two-layer networks, p ≥ 2, with neurons on two directions, or else `u` None."""
    return _in_two_directions(bare_instance(draw, data, narrowest=2, powers=CURVES, lipschitz=True))


def _in_two_directions(instance: RankOneInstance) -> RankOneInstance:
    if min(instance.network.widths[:2]) < 2:
        return replace(instance, u=None)
    ncf = instance.ncf
    try:
        start = two_direction_point(instance.network, ncf.X, ncf.ybar, instance.seeds[-1])
    except Inapplicable:
        return replace(instance, u=None)
    return replace(instance, start=start, u=start)


def _found_again(instance: FoundInstance) -> FoundInstance:
    """The KKT point Newton's method finds near the start, or the same search from the same seed."""
    ncf = instance.ncf
    if ncf.residual(instance.start) <= 1e-13 and ncf.value(instance.start) > 0:
        return replace(instance, point=describe(ncf, instance.start))
    try:
        point = polish(ncf, instance.start)
        if point.is_polished and point.value > ncf.rounding(point.u)[0]:
            return replace(instance, start=point.u, point=point)
    except (Unresolved, np.linalg.LinAlgError):
        pass
    return found(instance, instance.families["start"])


def _two_layers_again(instance: RankOneInstance | FoundInstance) -> RankOneInstance | FoundInstance:
    return _found_again(instance) if isinstance(instance, FoundInstance) else _on_one_line(instance)


def _found_promise(instance: FoundInstance, methods=tuple(METHODS), **options) -> None:
    require(instance.point is not None, "a KKT point of positive value")
    require(instance.families["start"] in methods, f"points found by {methods}")
    plain(instance, **BARE | options)


def _blind_promise(instance: FoundInstance) -> None:
    _found_promise(instance, only_dense=False, lipschitz=True, shared=False)
    first, *others = instance.network.patterns
    only_first = first.kind == "masked" and all(each.is_dense for each in others)
    require(only_first, "only the first layer lacks weights")


def _two_layer_promise(instance: RankOneInstance | FoundInstance) -> None:
    (_found_promise if isinstance(instance, FoundInstance) else bare)(instance, powers=LINES)


FOUND = POINTS | {"methods": Option(tuple(METHODS), names_of(METHODS))}

found_points = declared(_found_points, FOUND, _found_promise, _found_again)
"""KKT points found without assuming their structure, on networks with and without kinks.

Options as for `instances`: `losses`, `labels`, `powers`, `slopes`, `kinked` and, False here unless
it is given, `lipschitz`. `methods`: how they are found.
"""
blind_points = declared(_blind_points, {}, _blind_promise, _found_again)
two_layer_points = declared(_two_layer_points, {}, _two_layer_promise, _two_layers_again)
two_direction_points = declared(
    _two_direction_points,
    {},
    partial(bare, powers=CURVES, lipschitz=True),
    _in_two_directions,
)
