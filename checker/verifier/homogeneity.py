"""Claims about homogeneity: what is proved of them; standard library only."""

from .biases import biased_network
from .identities import euler_fails, expansion_fails, layers_fail, scaling_fails, shuffled
from .networks import numbers
from .numbers import ball, need
from .registry import refutes


def biased(case, data):
    """The network with biases, and its weights."""
    net, theta = biased_network(case), list(map(ball, numbers(data["point"])))
    need(len(theta) == net.size, "a point of another length")
    return net, theta, case.X, case.Y


@refutes("control.biases", keeps={})
def biases(case, data):
    """At `point`, weights and biases: Euler's identity fails, in all and for a layer, and both
    scalings fail.
    """
    found = biased(case, data)
    need(euler_fails(*found) and layers_fail(*found) and scaling_fails(*found), "an identity holds")


@refutes("control.biases_expansion", keeps={})
def biases_expansion(case, data):
    """At `point`, weights and biases: |𝓛(δu) − 𝓛(0) + δ^D N(u)| > Σ ŷ² for this δ."""
    net, theta, _, Y = biased(case, data)
    expansion_fails(case, net, theta, data["delta"], Y)


@refutes("control.negative_factor", keeps={})
def negative_factor(case, data):
    """At `start`: H(cu) ≠ c^D H(u), and ∇N(cu) ≠ c^{D−1} ∇N(u), each for some c < 0."""
    need(scaling_fails(case.net, case.theta, case.X, case.Y, -1), "a scaling holds")


@refutes("control.wrong_labels", keeps={})
def wrong_labels(case, data):
    """At `start`: |𝓛(δu) − 𝓛(0) + δ^D N(u)| > Σ ŷ² for this δ, N that of the labels moved on by one
    sample.
    """
    expansion_fails(case, case.net, case.theta, data["delta"], shuffled(case))
