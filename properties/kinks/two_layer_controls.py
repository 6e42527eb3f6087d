"""False claims about two layers with kinks: each drops one hypothesis (theory §7)."""

from __future__ import annotations

from ncfcheck.core.claims import CONTROL, Margin, claim
from ncfcheck.properties.hypotheses import BALANCED_START, NONNEGATIVE, RELU, SEPARABLE
from ncfcheck.properties.kinks.instances import kinked
from ncfcheck.properties.kinks.neurons import SIGNED, separable
from ncfcheck.properties.kinks.two_layers import KINKED, aligns_or_dies, own_samples_rise

ANY_DATA = kinked(
    ((1,),), slopes=(0.0,), starts=("balanced",), outputs=(1,), losses=SIGNED, only_dense=True
)


@claim(
    "control.inseparable_active",
    kind=CONTROL,
    needs=KINKED,
    reference="§7",
    scale_free=True,
    given=ANY_DATA,
    drops=SEPARABLE,
    of=("kinks.stays_active",),
)
def inseparable_active(instance) -> Margin:
    """On any data a neuron's pre-activations on samples of its own sign never fall."""
    return own_samples_rise(instance)


@claim(
    "control.unbalanced_active",
    kind=CONTROL,
    needs=KINKED,
    reference="§7",
    scale_free=True,
    given=separable(balanced=False, slopes=("zero", "positive")),
    drops=BALANCED_START,
    of=("kinks.stays_active",),
)
def unbalanced_active(instance) -> Margin:
    """From any start z of a neuron on samples that had its own sign then never falls."""
    return own_samples_rise(instance)


@claim(
    "control.negative_slope_active",
    kind=CONTROL,
    needs=KINKED,
    reference="§7",
    scale_free=True,
    given=separable(slopes=("negative",)),
    drops=NONNEGATIVE,
    of=("kinks.stays_active",),
)
def negative_slope_active(instance) -> Margin:
    """With α < 0 too a neuron's pre-activations on samples of its own sign never fall."""
    return own_samples_rise(instance)


@claim(
    "control.inseparable_aligns",
    kind=CONTROL,
    needs=KINKED,
    reference="§7",
    scale_free=True,
    given=ANY_DATA,
    drops=SEPARABLE,
    of=("kinks.separable",),
)
def inseparable_aligns(instance) -> Margin:
    """On any data every neuron aligns with x₊ or x₋, by its own sign, or dies."""
    return aligns_or_dies(instance)


@claim(
    "control.unbalanced_aligns",
    kind=CONTROL,
    needs=KINKED,
    reference="§7",
    scale_free=True,
    given=separable(balanced=False),
    drops=BALANCED_START,
    of=("kinks.separable",),
)
def unbalanced_aligns(instance) -> Margin:
    """From any start every neuron aligns with x₊ or x₋, by the sign it had then, or dies."""
    return aligns_or_dies(instance)


@claim(
    "control.leaky_aligns",
    kind=CONTROL,
    needs=KINKED,
    reference="§7",
    scale_free=True,
    given=separable(slopes=("positive",)),
    drops=RELU,
    of=("kinks.separable",),
)
def leaky_aligns(instance) -> Margin:
    """With α > 0 too every neuron aligns with x₊ or x₋, by its own sign, or dies."""
    return aligns_or_dies(instance)
