"""Layer normalisation, not homogeneous."""

from __future__ import annotations

import numpy as np

from ncfcheck.model.architectures.built_in import family
from ncfcheck.model.architectures.layers import chain, factors, layer, sub


@family(hidden=(2, 4), layers=(2, 3))
def normalised(net, hidden, layers):
    """Layers with a normalisation before the last, biased by 1 in the root: a control."""
    units = chain(net, net.x, [hidden] * (layers - 1))
    mean = net.sum(units, scale=1 / hidden)
    centred = net.add(units, np.broadcast_to(net.sum(mean[None], scale=-1.0), hidden))
    squares = net.sum(net.power(centred, 2, 1.0), scale=1 / hidden)
    scale = net.inverse_root(net.add(squares, net.ones()))
    told = f"W{sub(layers)} norm({factors(layers - 1)} x)"
    net.formula = f"H(x) = {told}, norm(z) = (z − z̄)/√(1 + mean (z − z̄)²)"
    return layer(net, f"W_{layers}", net.width, net.multiply("a,->a", centred, scale))
