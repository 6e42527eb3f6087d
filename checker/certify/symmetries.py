"""Continuous symmetries θ → e^{tA}θ of N at linear layers, A antisymmetric: N and ‖θ‖ stay as they
are (theory §9).

(l, a, b) turns neurons a and b of hidden layer l, counted from 0, that are connected alike, into
each other. (k,) turns every neuron j of a first layer, a circular convolution with one neuron for
each input, into j + k: the kernel's shifts.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import combinations

import numpy as np
import scipy.linalg

from ncfcheck.model.networks import Network, convolution

Generator = tuple[int, ...]
INDEPENDENT = 1e-6  # relative size below which a symmetry does not move the point


def turned(network: Network, theta, generator: Generator) -> list:
    """Aθ for a list θ, (P,)."""
    return (
        _shifted(network, theta, *generator)
        if len(generator) == 1
        else _rotated(network, theta, *generator)
    )


def _rotated(network: Network, theta, layer: int, a: int, b: int) -> list:
    out = [0 * each for each in theta]
    for i, j in zip(_weights(network, layer, a), _weights(network, layer, b)):
        if i >= 0:
            out[i], out[j] = -theta[j], theta[i]
    return out


@lru_cache(maxsize=1024)
def _weights(network: Network, layer: int, neuron: int) -> tuple[int, ...]:
    """Numbers of a neuron's in- and outgoing weights, -1 where there is none."""
    below, own, above = network.widths[layer : layer + 3]
    incoming = network.patterns[layer].expand(own, below)[neuron]
    outgoing = network.patterns[layer + 1].expand(above, own)[:, neuron]
    pairs = zip((incoming, outgoing), network.slices[layer : layer + 2])
    return tuple(int(k) + part.start if k >= 0 else -1 for row, part in pairs for k in row)


def _are_alike(network: Network, layer: int, a: int, b: int) -> bool:
    """Whether two neurons are connected to the same ones, below and above."""
    return all(
        (i < 0) == (j < 0) for i, j in zip(_weights(network, layer, a), _weights(network, layer, b))
    )


def _shifted(network: Network, theta, step: int) -> list:
    """(S^k − S^{−k}) W_1 and W_2 (S^k − S^{−k})ᵀ, S a circular shift by one."""
    width, out = network.widths[1], [0 * each for each in theta]
    for row in range(network.widths[2] + 1):
        start = row * width
        for j in range(width):
            sign = 1 if row else -1
            ahead, behind = theta[start + (j + step) % width], theta[start + (j - step) % width]
            out[start + j] = sign * (ahead - behind)
    return out


def generators(network: Network, theta: np.ndarray) -> tuple[Generator, ...]:
    """Symmetries that move the point θ (P,), as many as are independent there."""
    possible = _possible(network)
    if not possible:
        return ()
    moved = np.array([turned(network, list(map(float, theta)), each) for each in possible]).T
    _, R, order = scipy.linalg.qr(moved, mode="economic", pivoting=True)
    rank = int((np.abs(np.diag(R)) > INDEPENDENT).sum())
    return tuple(possible[k] for k in sorted(order[:rank]))


def _possible(network: Network) -> list[Generator]:
    linear = [l for l in range(network.depth - 1) if network.powers[l] == 1 == network.slopes[l]]
    plain = [l for l in linear if l in network.between_unshared]
    pairs = ((l, a, b) for l in plain for a, b in combinations(range(network.widths[l + 1]), 2))
    found: list[Generator] = [each for each in pairs if _are_alike(network, *each)]
    if 0 in linear and _is_circular(network) and network.patterns[1].is_dense:
        found += [(step,) for step in range(1, (network.widths[0] + 1) // 2)]
    return found


def _is_circular(network: Network) -> bool:
    """Whether the first layer is a convolution, its kernel as long as the input, at every shift."""
    size = network.widths[0]
    return (
        network.widths[1] == size
        and network.patterns[0].index == convolution(size, size, size).index
    )
