"""Gated layers: products of two linear images of what is below."""

from __future__ import annotations

from ncfcheck.model.architectures.built_in import family
from ncfcheck.model.architectures.layers import TENTHS, activate, activation, layer, sub


@family(layers=(1, 2), hidden=(1, 3), power=(1, 2), slope=TENTHS)
def gated(net, layers, hidden, power, slope):
    """W ((A_L h) ∘ σ(B_L h)) with the same for h, down to x."""
    units, formula = net.x, "x"
    for l in range(1, layers + 1):
        gate = activate(net, layer(net, f"B_{l}", hidden, units), power, slope)
        units = net.multiply("a,a->a", layer(net, f"A_{l}", hidden, units), gate)
        below = formula if l == 1 else f"h{sub(l - 1)}"
        formula = f"(A{sub(l)} {below}) ∘ σ(B{sub(l)} {below})"
    before = "".join(f", h{sub(l)} = (A{sub(l)} x) ∘ σ(B{sub(l)} x)" for l in range(1, layers))
    net.formula = f"H(x) = W ({formula}){before}, {activation(power, slope)}"
    return layer(net, "W", net.width, units)


@family(layers=(2, 4))
def diagonal(net, layers):
    """A deep diagonal network: every input on a path of its own to every output."""
    units = net.apply("oi,i->oi", net.weights("u_1", net.width, net.x.size), net.x)
    for l in range(2, layers + 1):
        subscripts = "oi,oi->oi" if l < layers else "oi,oi->o"
        units = net.apply(subscripts, net.weights(f"u_{l}", net.width, net.x.size), units)
    product = " ∘ ".join(f"u{sub(l)}" for l in range(layers, 0, -1))
    net.formula = f"H(x)_o = ⟨{product}, x⟩, u_l = u_l[o]"
    return units
