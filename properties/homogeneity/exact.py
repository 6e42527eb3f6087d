"""Homogeneity, exact counterparts: rational inequalities at single points of N (theory §1, §2)."""

from __future__ import annotations

from functools import partial

from ncfcheck.certify import points
from ncfcheck.certify.certificate import Certificate
from ncfcheck.certify.points import proved
from ncfcheck.core.docstrings import docstring
from ncfcheck.properties.homogeneity.labels import mislabelled
from ncfcheck.theory.biases.networks import biased

IDENTITIES = (
    points.euler_fails,
    points.layer_euler_fails,
    points.output_scaling_fails,
    points.gradient_scaling_fails,
)


def _all(statements, instance, weights) -> None:
    for statement in statements:
        proved(partial(statement, instance=instance, weights=weights))


def euler(instance) -> Certificate:
    """⟨u, ∇N⟩ ≠ D·N."""
    return _refuted(instance, points.euler_fails)


def layer_euler(instance) -> Certificate:
    """⟨W_l, ∂N/∂W_l⟩ ≠ P_l·N."""
    return _refuted(instance, points.layer_euler_fails)


def output_scaling(instance) -> Certificate:
    """H(x; cu) ≠ c^D H(x; u), c > 0."""
    return _refuted(instance, points.output_scaling_fails)


def gradient_scaling(instance) -> Certificate:
    """∇N(cu) ≠ c^{D−1} ∇N(u), c > 0."""
    return _refuted(instance, points.gradient_scaling_fails)


def _refuted(instance, statement) -> Certificate:
    _all([statement], instance, instance.start)
    return Certificate("point", f"the identity fails at `start`: {docstring(statement)}")


def loss_expansion(instance) -> Certificate:
    """The remainder exceeds Σ ŷ² at some δ."""
    return Certificate(
        "point",
        "the remainder exceeds Σ ŷ² at δ",
        {"delta": points.expansion_fails(instance).hex()},
    )


def biases(instance) -> Certificate:
    """Every identity fails for a network with biases."""
    with_biases = biased(instance)
    _all(IDENTITIES, with_biases, with_biases.start)
    proves = "at `start` with biases Euler's identities and both scalings fail"
    return Certificate("point", proves)


def biases_expansion(instance) -> Certificate:
    """The remainder exceeds Σ ŷ² for a network with biases."""
    with_biases = biased(instance)
    points.expansion_fails(with_biases)
    return Certificate("point", "at `start` with biases the remainder exceeds Σ ŷ² at some δ")


def wrong_labels(instance) -> Certificate:
    """The remainder exceeds Σ ŷ² for the N of shuffled labels."""
    points.expansion_fails(instance, mislabelled(instance).ncf.ybar)
    proves = "with the N of labels moved on by one sample the remainder exceeds Σ ŷ² at some δ"
    return Certificate("point", proves)


def negative_factor(instance) -> Certificate:
    """Both scalings fail for some c < 0."""
    scalings = points.output_scaling_fails, points.gradient_scaling_fails
    _all([partial(each, sign=-1) for each in scalings], instance, instance.start)
    return Certificate(
        "point", "at `start`, H(x; cu) ≠ c^D H(x; u) and ∇N(cu) ≠ c^{D−1} ∇N(u) for some c < 0"
    )
