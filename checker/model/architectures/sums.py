"""Sums of subnetworks: homogeneous where all have one order, and a control where they have not."""

from __future__ import annotations

from ncfcheck.model.architectures.built_in import family
from ncfcheck.model.architectures.layers import (
    TENTHS,
    activate,
    activation,
    chain,
    factors,
    layer,
    raised,
    sub,
)


@family(blocks=(1, 2), hidden=(1, 3), power=(1, 2), slope=TENTHS)
def residual(net, blocks, hidden, power, slope):
    """Blocks with a branch without an activation's kink beside one with it: of equal order."""
    units, steps = net.x, []
    for b in range(1, blocks + 1):
        bent = activate(net, layer(net, f"A_{b}", hidden, units), power, slope)
        plain = activate(net, layer(net, f"C_{b}", hidden, units), power, 10)
        units = net.add(
            layer(net, f"B_{b}", hidden, bent),
            layer(net, f"E_{b}", hidden, plain),
        )
        here, below = sub(b), f"h{sub(b - 1)}" if b > 1 else "x"
        skip = raised(f"(C{here} {below})", power)
        steps.append(f"h{here} = B{here} σ(A{here} {below}) + E{here} {skip}")
    told = "; ".join(reversed(steps))
    net.formula = f"H(x) = W h{sub(blocks)}, {told}, {activation(power, slope)}"
    return layer(net, "W", net.width, units)


@family(hidden=(1, 3), power=(2, 3), slope=TENTHS)
def depths(net, hidden, power, slope):
    """A network of two layers, and a linear one of p + 1 layers: both of order p + 1."""
    shallow = activate(net, layer(net, "W_1", hidden, net.x), power, slope)
    deep = chain(net, net.x, [hidden] * power + [net.width], "V")
    net.formula = f"H(x) = W₂ σ(W₁ x) + {factors(power + 1, 'V')} x, {activation(power, slope)}"
    return net.add(layer(net, "W_2", net.width, shallow), deep)


@family(hidden=(1, 3), power=(2, 3), slope=TENTHS)
def unequal_branches(net, hidden, power, slope):
    """A residual sum of unequal order, p + 1 and 1: a control."""
    bent = activate(net, layer(net, "W_1", hidden, net.x), power, slope)
    net.formula = f"H(x) = W₂ σ(W₁ x) + W₃ x, {activation(power, slope)}"
    return net.add(layer(net, "W_2", net.width, bent), layer(net, "W_3", net.width, net.x))
