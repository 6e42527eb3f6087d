"""Continuous symmetries of N at linear layers; standard library only."""

from .networks import whole
from .numbers import Ball, need


def symmetry(net, turn):
    """θ → Aθ, Aᵀ = −A, a symmetry of N: outputs of a linear layer turned, or shifted in circles."""
    l = turn[0] if len(turn) == 3 else 0
    need(
        whole(turn, 0, 500)
        and l < net.depth - 1
        and net.laws[l][0] == 1
        and not (net.laws[l][2] - 1).nonzero,
        "not a symmetry",
    )
    below, own, above = net.widths[l : l + 3]
    if len(turn) == 3:
        _, a, b = turn
        need(a < b < own and not net.shared[l] and not net.shared[l + 1], "not two neurons")
        both = [
            *zip(net.index[l][a], net.index[l][b]),
            *((row[a], row[b]) for row in net.index[l + 1]),
        ]
        need(all((i < 0) == (j < 0) for i, j in both), "neurons that are not connected alike")
        starts = [net.starts[l]] * len(net.index[l][a]) + [net.starts[l + 1]] * above
        pairs = [(start + i, start + j) for start, (i, j) in zip(starts, both) if i >= 0]
    else:
        circular = [[(j - i) % below for j in range(below)] for i in range(below)]
        need(
            len(turn) == 1 and net.index[0] == circular and net.plain[1],
            "not a circular layer below a dense one",
        )
        pairs = [(j, (j - turn[0]) % own) for j in range(own)]
        pairs += [
            (k * own + j, k * own + (j + turn[0]) % own)
            for k in range(1, above + 1)
            for j in range(own)
        ]

    def turned(theta):
        out = [Ball(0)] * net.size
        for i, j in pairs:
            out[i], out[j] = out[i] - theta[j], out[j] + theta[i]
        return out

    return turned
