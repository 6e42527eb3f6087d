"""Certificates about KKT points: boxes that hold one (theory §5)."""

from __future__ import annotations

from functools import partial

import numpy as np

from ncfcheck.certify.boxes import Found
from ncfcheck.certify.certificate import Certificate
from ncfcheck.certify.kkt_points import (
    boxed,
    maximum,
    negative,
    nonzero_limit,
    several_last,
    started,
)
from ncfcheck.model.ncf import sign_flipped, unit
from ncfcheck.properties.flow.instances import convolved


def _any(found: Found) -> None:
    """Whatever the point, the verifier is asked."""


def balance(instance) -> Certificate:
    """For the theorems: a KKT point with layers or neurons unbalanced, or λ ≠ D·N."""
    return boxed(instance, nonzero_limit(instance), _any)


def negative_unstable(instance) -> Certificate:
    """For the theorem: a strict maximum with N < 0; a limit with N > 0 has W_L negated."""
    u = nonzero_limit(instance)
    if instance.ncf.value(u) > 0:
        u = sign_flipped(instance.network, u)
    return boxed(instance, u, negative)


def positive_unstable(instance) -> Certificate:
    """A KKT point is a strict local maximum."""
    return boxed(instance, nonzero_limit(instance), maximum)


def saddles(instance) -> Certificate:
    """A KKT point with N > 0 and two active neurons."""
    return boxed(instance, instance.start, several_last)


def shared_balance(instance) -> Certificate:
    """Neurons of a shared layer are unbalanced at a KKT point."""
    return _shared(instance, _any)


def shared_neurons(instance) -> Certificate:
    """A strict local maximum with N > 0 has two active neurons that share their weights."""

    def condition(found: Found) -> None:
        maximum(found)
        several_last(found)

    return _shared(instance, condition)


def _shared(instance, condition) -> Certificate:
    shared = convolved(instance)
    return boxed(shared, nonzero_limit(shared), condition, partial(_spread, instance))


def _spread(instance, theta: np.ndarray):
    """The instance whose start has the kernel of theta in every row of W_1; None if that is its
    own.
    """
    columns, rows = instance.network.widths[:2]
    return started(instance, unit(np.concatenate([*[theta[:columns]] * rows, theta[columns:]])))


def flat_neurons(instance) -> Certificate:
    """A linear network at N's maximum, W_1 with rows along Xᵀȳ, all other weights of a layer the
    same, layers as large as each other.
    """
    network, ncf = instance.network, instance.ncf
    first = np.tile(unit(ncf.X.T @ ncf.ybar[:, 0]), network.widths[1])
    others = (np.ones(part.stop - part.start) for part in network.slices[1:])
    theta = unit(np.concatenate([*map(unit, (first, *others))]))
    return Certificate("point", {}, started(instance, theta))
