"""Claims about homogeneity: what is proved of them; standard library only."""

from .biases import biased_network
from .hypotheses import homogeneous, true_labels
from .identities import (
    ALL,
    ANY,
    biased_start,
    euler_fails,
    expansion_fails,
    gradients_fail,
    layers_fail,
    need_heard,
    outputs_fail,
    shuffled,
)
from .numbers import need
from .registry import fact, refutes

PLAIN = {"H homogeneous": homogeneous}


@fact
def positive_factors(case):
    """Weights are scaled by 3 and ½."""


POSITIVE = {"c > 0": positive_factors}


def at(case):
    """The network and its weights `start`."""
    return case.net, case.theta, case.X, case.Y


def biased(case):
    """The network with biases, and its weights."""
    found = biased_network(case), biased_start(case), case.X, case.Y
    need_heard(*found, *ALL)
    return found


@refutes("homogeneity.euler", keeps=PLAIN)
def euler(case, data):
    """At `start`: ⟨u, ∇N⟩ ≠ D·N."""
    need(euler_fails(*at(case), ANY), "the identity holds")


@refutes("homogeneity.layer_euler", keeps=PLAIN)
def layer_euler(case, data):
    """At `start`: ⟨W_l, ∂N/∂W_l⟩ ≠ P_l·N for a layer."""
    need(layers_fail(*at(case), ANY), "the identity holds")


@refutes("homogeneity.output_scaling", keeps=PLAIN | POSITIVE)
def output_scaling(case, data):
    """At `start`: H(cu) ≠ c^D H(u) for some c > 0."""
    need(outputs_fail(*at(case), ANY), "the scaling holds")


@refutes("homogeneity.gradient_scaling", keeps=PLAIN | POSITIVE)
def gradient_scaling(case, data):
    """At `start`: ∇N(cu) ≠ c^{D−1} ∇N(u) for some c > 0."""
    need(gradients_fail(*at(case), ANY), "the scaling holds")


@refutes("control.biases", keeps=POSITIVE)
def biases(case, data):
    """At `start` with biases of the mean size of its weights: Euler's identity fails, in all and
    for a layer, and both scalings fail.
    """
    found = biased(case)
    need(
        euler_fails(*found)
        and layers_fail(*found)
        and outputs_fail(*found)
        and gradients_fail(*found),
        "an identity holds",
    )


@refutes("control.biases_expansion", keeps={"ȳ of the data trained on": true_labels})
def biases_expansion(case, data):
    """At `start` with biases of the mean size of its weights: |𝓛(δu) − 𝓛(0) + δ^D N(u)| >
    Σ ŷ² for the δ where the largest output should be 1/10, or 1/1000.
    """
    net, theta, _, Y = biased(case)
    need(expansion_fails(case, net, theta, Y), "the expansion holds")


@refutes("control.negative_factor", keeps=PLAIN)
def negative_factor(case, data):
    """At `start`: H(cu) ≠ c^D H(u), and ∇N(cu) ≠ c^{D−1} ∇N(u), each for some c < 0."""
    need_heard(*at(case), *ALL)
    need(outputs_fail(*at(case), sign=-1) and gradients_fail(*at(case), sign=-1), "a scaling holds")


@refutes("control.wrong_labels", keeps=PLAIN)
def wrong_labels(case, data):
    """At `start`: |𝓛(δu) − 𝓛(0) + δ^D N(u)| > Σ ŷ² for the δ where the largest output is 1/10, or
    1/1000, N that of the labels moved on by one sample.
    """
    need_heard(*at(case))
    need(expansion_fails(case, case.net, case.theta, shuffled(case)), "the expansion holds")
