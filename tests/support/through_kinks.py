"""Small networks with kinks of p = 1, their certificates, and a reference for their flows: explicit
Euler steps along the least-norm subgradient, in floats; shared by tests of mode tubes.
"""

from __future__ import annotations

import json

import numpy as np
from scipy.optimize import lsq_linear

from ncfcheck.certify.certificate import within
from ncfcheck.certify.mode_series import taylor
from ncfcheck.certify.mode_steps import reach, step
from ncfcheck.model.encoding import encode
from ncfcheck.model.instance import Instance
from ncfcheck.model.ncf import Problem
from ncfcheck.model.networks import dense
from ncfcheck.theory.starts import unit
from ncfcheck.verifier import FORMAT, Rejected, digest, verify
from ncfcheck.verifier.networks import Case

BAND = 2.0  # pre-activations of at most so many steps count as at their kinks


def network_of(widths, slopes, X, y, start, powers=None) -> Instance:
    """A dense network, samples X, labels y, and a start that is normalised."""
    network = dense(widths, powers or (1,) * (len(widths) - 2), slopes)
    labels = np.array(y, dtype=float).reshape(-1, 1)
    return Instance(Problem(network, np.array(X, dtype=float), labels), unit(np.array(start)))


def drawn(widths, slopes, seed: int, samples: int, powers=None) -> Instance:
    """A network on Gaussian data, from a Gaussian start."""
    rng = np.random.default_rng(seed)
    powers = powers or (1,) * (len(widths) - 2)
    network = dense(widths, powers, slopes)
    X, y = rng.standard_normal((samples, widths[0])), rng.standard_normal((samples, 1))
    return Instance(Problem(network, X, y), unit(rng.standard_normal(network.size)))


def case_of(instance) -> Case:
    """The instance as the verifier has it."""
    return Case(json.loads(json.dumps(encode(instance))))


def document(instance, data: dict) -> dict:
    """A witness with this certificate, of a claim "kinks.any"."""
    certificate = {"method": "flow", "proves": "", "data": data}
    found = {
        "format": FORMAT,
        "claim": "kinks.any",
        "instance": encode(instance),
        "certificate": certificate,
    }
    found = json.loads(json.dumps(found))
    found["certificate"]["sha256"] = digest(found)
    return found


def reason(check, instance, data: dict) -> str:
    """Why the verifier rejects a certificate, "" if it accepts it."""
    try:
        verify(document(instance, data), {"kinks.any": check})
    except Rejected as rejected:
        return str(rejected)
    return ""


def extended(path, time: float):
    """The path that goes on to a time whatever units come to their kinks."""
    within(60)
    while path.time < time:
        series = taylor(path.mode.field, path.at)
        longest = min(reach(series), time * (1 + 1e-12) - float(path.time))
        path = path.longer(step(path.mode.field, path.start, path.error, series, longest))
    return path


def euler(instance, time: float, steps: int) -> np.ndarray:
    """Where explicit Euler steps along the least-norm subgradient lead to, (P,)."""
    u, h = instance.start.copy(), time / steps
    for _ in range(steps):
        u = u + h * least_norm(instance, u, BAND * h)
    return u


def least_norm(instance, u: np.ndarray, band: float) -> np.ndarray:
    """The element of least norm of ∂N(u) where |z| ≤ band counts as a kink, (P,)."""
    network = instance.network

    def gradient(theta):
        W, h, bent = network.matrices(u), [instance.ncf.X.T], []
        for l, (w, q, alpha) in enumerate(zip(W, network.powers, network.slopes)):
            z = w @ h[-1]
            slope = np.where(z > 0, 1.0, alpha)
            for (k, j, i), value in theta.items():
                if k == l:
                    slope[j, i] = value
            kinks.extend((l, *map(int, at)) for at in np.argwhere(abs(z) <= band) if q == 1 > alpha)
            h.append((slope * z) ** q)
            bent.append(q * slope * (slope * z) ** (q - 1))
        delta, parts = instance.ncf.ybar.T, []
        for l in reversed(range(len(W))):
            parts.insert(0, delta @ h[l].T)
            if l:
                delta = (W[l].T @ delta) * bent[l - 1]
        return network.flatten(parts)

    kinks: list = []
    gradient({})
    near = list(dict.fromkeys(kinks))
    lowest = {each: network.slopes[each[0]] for each in near}
    base = gradient(lowest)
    if not near:
        return base
    spans = np.array([1 - each for each in lowest.values()])
    moves = np.array([gradient(lowest | {each: 1.0}) - base for each in near]).T / spans
    if len(near) == 1:
        square = float(moves[:, 0] @ moves[:, 0])
        share = np.clip(-(moves[:, 0] @ base) / square, 0, spans[0]) if square else 0.0
        return base + share * moves[:, 0]
    return base + moves @ lsq_linear(moves, -base, (0, spans), method="bvls").x


SAMPLES = [[1.0, 0.0], [0.5, 1.0]]
SLIDES = network_of((2, 1, 1), (0.0,), SAMPLES, [-1.0, 1.0], [0.3, 0.8, 0.6])
CROSSES = network_of((2, 1, 1), (0.3,), SAMPLES, [-1.0, 0.2], [0.3, 0.8, 0.6])
BRANCHES = network_of((2, 1, 1), (0.1,), [[1, 0], [-0.5, 1]], [-1.0, -1.0], [0.02, 1.0, 0.7])
DIES = network_of((2, 1, 1), (0.0,), [[1.0, 0.0], [-1.0, 0.2]], [-1.0, 1.0], [0.3, -0.1, 0.6])
LEAVES = drawn((2, 2, 2, 1), (0.1, 0.3), 16, 4)
