"""Claims about homogeneity that are false because they drop one hypothesis (theory §7)."""

from __future__ import annotations

from ncfcheck.certify.certificate import asked
from ncfcheck.core.claims import CONTROL, Margin, claim, mildest
from ncfcheck.core.needs import Need
from ncfcheck.model.architectures.biases import biased_instance
from ncfcheck.properties.homogeneity.labels import mislabelled
from ncfcheck.properties.homogeneity.theorems import (
    euler,
    expansion,
    gradient_scaling,
    layer_euler,
    output_scaling,
    scaled_gradients,
    scaled_outputs,
)
from ncfcheck.properties.hypotheses import HOMOGENEOUS, POSITIVE_FACTOR, TRUE_LABELS
from ncfcheck.strategies.instances import instances

NEGATIVE_SCALES = (-0.5, -3.0, -1.7)


@claim(
    "control.biases",
    kind=CONTROL,
    needs=Need.LAYERED,
    reference="§7",
    refute=asked,
    given=instances(lipschitz=False, only_dense=True),
    drops=HOMOGENEOUS,
    of=(
        "homogeneity.euler",
        "homogeneity.layer_euler",
        "homogeneity.output_scaling",
        "homogeneity.gradient_scaling",
    ),
)
def biases(instance) -> Margin:
    """With biases, one of these still holds for D = Σ_l P_l: Euler's identity, the one per layer,
    scaling of H, scaling of ∇N.
    """
    with_biases = biased_instance(instance)
    parts = (euler, layer_euler, output_scaling, gradient_scaling)
    return mildest(part(with_biases) for part in parts)


@claim(
    "control.biases_expansion",
    kind=CONTROL,
    needs=Need.LAYERED,
    reference="§7",
    refute=asked,
    given=instances(lipschitz=False, only_dense=True),
    drops=HOMOGENEOUS,
    of=("homogeneity.loss_expansion",),
)
def biases_expansion(instance) -> Margin:
    """With biases, 𝓛(δu) = 𝓛(0) − δ^D N(u) up to Σ S·ŷ² for D = Σ_l P_l."""
    with_biases = biased_instance(instance)
    return expansion(with_biases, with_biases.ncf)


# Models that look like having an order: that of their highest term, or but for one operation.
LOOK_HOMOGENEOUS = {
    "kind": CONTROL,
    "needs": Need.INHOMOGENEOUS,
    "reference": "§7",
    "drops": HOMOGENEOUS,
    "of": ("homogeneity.euler", "homogeneity.output_scaling", "homogeneity.gradient_scaling"),
}


def any_identity(instance) -> Margin:
    """The mildest of Euler's identity, scaling of H and scaling of ∇N."""
    return mildest(part(instance) for part in (euler, output_scaling, gradient_scaling))


@claim(
    "control.softmax_attention",
    given=instances(models=("softmax_attention",), starts=("gaussian",)),
    **LOOK_HOMOGENEOUS,
)
def softmax_attention(instance) -> Margin:
    """Attention with a softmax has the order D = 3 of attention without: in Euler's identity, or
    in the scaling of H, or of ∇N.
    """
    return any_identity(instance)


@claim(
    "control.layer_normalisation",
    given=instances(models=("normalised",), starts=("gaussian",)),
    **LOOK_HOMOGENEOUS,
)
def layer_normalisation(instance) -> Margin:
    """A linear network of L layers, normalised before the last, has the order D = L: in Euler's
    identity, or in the scaling of H, or of ∇N.
    """
    return any_identity(instance)


@claim(
    "control.unequal_branches",
    given=instances(models=("unequal_branches",), starts=("gaussian",)),
    **LOOK_HOMOGENEOUS,
)
def unequal_branches(instance) -> Margin:
    """A sum of branches of orders p + 1 and 1 has the order D = p + 1: in Euler's identity, or in
    the scaling of H, or of ∇N.
    """
    return any_identity(instance)


@claim(
    "control.negative_factor",
    kind=CONTROL,
    needs=Need.LAYERED,
    reference="§7",
    scale_free=True,
    refute=asked,
    given=instances(lipschitz=False),
    drops=POSITIVE_FACTOR,
    of=("homogeneity.output_scaling", "homogeneity.gradient_scaling"),
)
def negative_factor(instance) -> Margin:
    """H(x; cu) = c^D H(x; u) for c < 0, or else ∇N(cu) = c^{D−1} ∇N(u)."""
    parts = (scaled_outputs, scaled_gradients)
    return mildest(part(instance, NEGATIVE_SCALES) for part in parts)


@claim(
    "control.wrong_labels",
    kind=CONTROL,
    needs=Need.HOMOGENEOUS,
    reference="§7",
    scale_free=True,
    refute=asked,
    given=instances(lipschitz=False),
    drops=TRUE_LABELS,
    of=("homogeneity.loss_expansion",),
)
def wrong_labels(instance) -> Margin:
    """𝓛(δu) = 𝓛(0) − δ^D N(u) up to Σ S·ŷ² for the N of shuffled labels."""
    return expansion(instance, mislabelled(instance).ncf)
