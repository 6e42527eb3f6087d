"""Certificates about structured points: boxes of reduced KKT points (theory §5)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ncfcheck.certify import kinks
from ncfcheck.certify.boxes import Found, has_rank_two, reduced_box
from ncfcheck.certify.certificate import Certificate, NotProved, need
from ncfcheck.certify.kkt_points import NONE, boxed, started
from ncfcheck.model.ncf import unit
from ncfcheck.theory.kkt.points import describe
from ncfcheck.theory.rank_one.criterion import hidden_layers, inner_signs
from ncfcheck.theory.rank_one.points import balanced_norms, structured_point


def at_direction(instance) -> Certificate:
    """The structured point itself: the verifier takes all from the instance."""
    need(getattr(instance, "u", None) is not None, "there is no structured point")
    return Certificate("structured")


def along_reduced_point(instance) -> Certificate:
    """The structured point along the KKT point of the reduced problem near the instance's u."""
    at_direction(instance)
    ncf = instance.ncf
    box = reduced_box(instance.network, ncf.X, ncf.ybar, instance.u, instance.signs)
    return Certificate("structured", {"box": box.plain()})


def slope_outside(instance) -> Certificate:
    """u is balanced by slopes outside [α, 1]: for all slopes inside, ∇N is far from w."""
    at_direction(instance)
    return kinks.separated(instance)


def blind_input(instance) -> Certificate:
    """Structured without the first input, along u' in a box, where (0, u') is not reduced-KKT."""
    network, X = instance.network, instance.ncf.X
    need(getattr(instance, "point", None) is not None, "no KKT point was found")
    need(X.shape[1] > 1, "the network sees no input but the first")
    try:
        layers = hidden_layers(network, instance.start)
    except Exception as error:
        raise NotProved("the hidden layers of the point found are not of rank one") from error
    need(all(layer.is_coherent for layer in layers), "profiles of mixed signs")
    signs = inner_signs(network, instance.start, layers)
    box = reduced_box(network, X[:, 1:], instance.ncf.ybar, layers[0].b[1:], signs)
    u, firsts = unit(np.array([0.0, *box.theta])), [np.eye(1, w)[0] for w in network.widths[1:-1]]
    theta = structured_point(network, u, signs, firsts, balanced_norms(network))
    data = {"box": box.plain(), "signs": [*map(int, signs)]}
    moved = started(instance, theta)
    if moved is not None:
        moved = replace(moved, point=describe(moved.ncf, theta))
    return Certificate("structured", data, moved)


def every_kkt_rank_one(instance) -> Certificate:
    """A KKT point whose hidden layer has two rows that are not parallel: σ_2 > σ_1/1000."""
    return boxed(instance, instance.start, _two_directions)


def _two_directions(found: Found) -> None:
    need(has_rank_two(found.matrices[0], NONE), "the hidden layer is of rank one")
