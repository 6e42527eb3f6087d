"""Attention between tokens, the rows of a sample: linear, and with softmax as a control."""

from __future__ import annotations

from ncfcheck.model.architectures.built_in import family


def _inputs(sizes) -> int:
    return sizes["tokens"] * sizes["dim"]


def _scores(net, tokens, query, heads, rank):
    """⟨K_h x_t, Q_h x⟩ for every head and token, (heads, tokens)."""
    dim = tokens.shape[1]
    Q, K = net.weights("Q", heads, rank, dim), net.weights("K", heads, rank, dim)
    keys = net.apply("hrd,dt->hrt", K, tokens.T)
    return net.multiply("hrt,hr->ht", keys, net.apply("hrd,d->hr", Q, query))


def _read_out(net, tokens, shares):
    """Σ_h V_h Σ_t shares_{ht} x_t."""
    V = net.weights("V", net.width, len(shares), tokens.shape[1])
    return net.apply("ohd,hd->o", V, net.multiply("ht,td->hd", shares, tokens))


@family(d=_inputs, tokens=(1, 4), dim=(1, 3), heads=(1, 2), rank=(1, 2), summed=(0, 1))
def attention(net, tokens, dim, heads, rank, summed):
    """Linear attention: the query is the last token, or the outputs of all are summed."""
    rows = net.x.reshape(tokens, dim)
    query = net.sum(rows, 0) if summed else rows[-1]
    asked = "Σ_t x_t" if summed else "x_T"
    net.formula = f"H(X) = Σ_h V_h Xᵀ X K_hᵀ Q_h {asked}, tokens x_t the rows of X"
    return _read_out(net, rows, _scores(net, rows, query, heads, rank))


@family(d=_inputs, tokens=(2, 4), dim=(1, 3), heads=(1, 2), rank=(1, 2))
def softmax_attention(net, tokens, dim, heads, rank):
    """Attention with softmax: a control."""
    rows = net.x.reshape(tokens, dim)
    raised = net.exponential(_scores(net, rows, rows[-1], heads, rank))
    shares = net.multiply("ht,h->ht", raised, net.reciprocal(net.sum(raised)))
    net.formula = "H(X) = Σ_h V_h Xᵀ softmax(X K_hᵀ Q_h x_T), tokens x_t the rows of X"
    return _read_out(net, rows, shares)
