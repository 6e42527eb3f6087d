"""Claims about rank-one points: what is proved of them; standard library only."""

from fractions import Fraction

from .hypotheses import dense
from .identities import ANY, is_aside, need_heard
from .kinks import kinked, rate
from .networks import numbers, whole
from .numbers import Ball, ball, dot, limits, need
from .registry import refutes
from .structures import (
    balanced,
    coherent,
    exact_kkt,
    layers,
    mixed,
    mixing,
    one_sided,
    placed,
    reduced,
    signed,
    unequal,
    uniform,
)

FAR, CLARKE_FAR = Fraction(1, 10**4), Fraction(103, 10**8)  # sin²

DENSE = {"dense layers": dense}
COHERENT = {"sign-coherent: every a_l ≥ 0": coherent}
UNIFORM = {"e_l uniform on its support where p_l ≥ 2": uniform}
NORMS = {"c_l² = P_l/D": balanced}
MIXED = {"e_l of entries 0, P and −Q in one layer, uniform in others with p_l ≥ 2": uniform}
REDUCED = {"u a KKT point of the reduced problem": reduced}


def far(case, theta):
    """sin∠ > 0.01 at the exact point, and at `start`."""
    for each in (theta, case.theta):
        need_heard(case.net, each, case.X, case.Y)
        G = case.net.run(each, case.X, case.Y)[2]
        need(is_aside(G, each, FAR), "sin∠ > 0.01 is not proved")


@refutes("control.nonuniform", keeps=DENSE | COHERENT | NORMS | REDUCED)
def nonuniform(case, data):
    """A structured point near `start`, u reduced-KKT with n(u) > 0, an e_l not uniform at p_l ≥ 2:
    sin∠(∇N, w) > 0.01.
    """
    uneven = any(q > 1 and unequal(case, l) for l, q in enumerate(case.powers))
    need(uneven, "every profile is uniform")
    far(case, balanced(case, reduced(case, data)[0]))


@refutes("control.unbalanced", keeps=DENSE | COHERENT | UNIFORM | REDUCED)
def unbalanced(case, data):
    """A structured point near `start`, u reduced-KKT with n(u) > 0, of other layer norms: sin∠(∇N,
    w) > 0.01.
    """
    far(case, placed(case, reduced(case, data)[0], norms=list(map(ball, case.norms or ()))))


@refutes("control.any_direction", keeps=DENSE | COHERENT | UNIFORM | NORMS)
def any_direction(case, data):
    """A structured point near `start`, along the u of the instance: sin∠(∇N, w) > 0.01."""
    far(case, balanced(case, case.u))


@refutes("control.signless", keeps=DENSE | UNIFORM | NORMS | REDUCED)
def signless(case, data):
    """A structured point near `start`, u reduced-KKT with n(u) > 0, an e_l of both signs: sin∠(∇N,
    w) > 0.01.
    """
    need(any(e < 0 for each in case.profiles for e in each), "no profile has a negative entry")
    far(case, balanced(case, reduced(case, data)[0]))


@refutes("control.sparse_layers", keeps=COHERENT | UNIFORM | NORMS | REDUCED)
def sparse_layers(case, data):
    """A structured point near `start`, u reduced-KKT with n(u) > 0, without some weights: sin∠(∇N,
    w) > 0.01.
    """
    need(not case.net.dense and not any(case.net.shared), "every layer is dense, or shares weights")
    far(case, balanced(case, reduced(case, data)[0]))


@refutes("control.two_sided", keeps=DENSE | MIXED | NORMS | REDUCED)
def two_sided(case, data):
    """A structured point near `start`, u reduced-KKT with n(u) > 0, entries P and −Q of one e_l, of
    inputs of both signs: sin∠(∇N, w) > 0.01.

    The ratio is that for inputs of the sign of the first sample, or of s_l above the first layer.
    """
    u = reduced(case, data)[0]
    l, z = mixed(case, u)
    need(any(t > 0 for t in z) and any(t < 0 for t in z), "inputs of both signs are not proved")
    positive = case.signs[l - 1] > 0 if l else z[0] > 0
    far(case, balanced(case, u, *mixing(case, l, 1 if positive else -1)))


def not_kkt(case, theta):
    G = case.net.run(theta, case.X, case.Y)[2]
    need(is_aside(G, theta, ANY), "the point may be KKT")


@refutes("rank_one.sufficient", keeps=DENSE | COHERENT | UNIFORM | NORMS | REDUCED)
def sufficient(case, data):
    """A structured point near `start` that meets every hypothesis is no KKT point."""
    not_kkt(case, balanced(case, reduced(case, data)[0]))


@refutes(
    "rank_one.mixed_sign_even_p",
    keeps=DENSE | MIXED | NORMS | REDUCED | {"the layer's inputs have one sign": one_sided},
)
def mixed_sign(case, data):
    """A structured point near `start` with entries P and −Q of one e_l, of inputs of one sign, is
    no KKT point.
    """
    u = reduced(case, data)[0]
    not_kkt(case, balanced(case, u, *mixing(case, *one_sided(case, u))))


@refutes("rank_one.perturbed_fails", keeps=DENSE | COHERENT)
def perturbed(case, data):
    """A structured point with unequal entries of an e_l, p_l ≥ 2, is a KKT point."""
    uneven = any(q > 1 and unequal(case, l) for l, q in enumerate(case.powers))
    need(uneven, "every profile is uniform")
    rows, u = [signed(each) for each in case.profiles], reduced(case, data)[0]
    balanced(case, u)
    exact_kkt(case, u, rows, rows)


@refutes("control.slope_outside", keeps=DENSE | COHERENT | NORMS)
def slope_outside(case, data):
    """p_l = 1: whatever the slopes in [α, 1] at the kinks that u lies on, sin∠(∇N, w) > 10⁻³; some
    slopes would make it 0.
    """
    net, samples, basis, weights = case.net, data["kinks"], data["basis"], numbers(data["normal"])
    need(
        set(case.powers) == {1} and sum(a != 1 for a in case.slopes) == 1,
        "not one kinked layer",
    )
    need(whole(samples, 0, len(case.X) - 1) and whole(basis, 0, len(case.X) - 1), "not samples")
    need(
        set(basis) <= set(samples) and 0 < len(set(basis)) == len(basis) == len(weights) <= 20,
        "not samples",
    )
    u = kinked(case, set(samples), basis)
    balanced(case, u)
    limits.bits = 10**6
    profiles, ones = [list(map(ball, each)) for each in case.profiles], [Ball(1)] * net.depth
    theta = layers(case, profiles, [list(map(ball, u)), *profiles], ones)
    normal = [dot(map(ball, weights), [case.X[i][k] for i in basis]) for k in range(len(u))]
    across = layers(case, profiles, [normal, *profiles], ones)[: net.starts[1]]
    least = abs(rate(net, theta, across + [Ball(0)] * (net.size - len(across)), case.X, case.Y))
    value, W = net.run(theta, case.X, case.Y)[1], net.part(theta, 0)
    need(
        value > 0 and not dot(across, W).nonzero, "N > 0 is not proved, or the normal is not across"
    )
    # ∇N has the part L·N along w, ‖W_l‖² = 1/L, and one of `least`/‖across‖ or more across it;
    # layers get equal norms.
    need(
        least * least * dot(W, W)
        > value * value * dot(across, across) * net.depth * ball(CLARKE_FAR),
        "sin∠ > 0.001 is not proved",
    )
