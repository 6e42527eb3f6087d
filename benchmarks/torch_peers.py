"""torch as a contender: eager gradients, and flows by torchdiffeq."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from benchmarks.cases import Case
from benchmarks.contenders import End, flow, gradient, ncf_with
from benchmarks.peers import scipy_flow

TORCH, TORCHDIFFEQ = "torch, eager", "torchdiffeq dopri8"


@lru_cache(maxsize=1)
def library():
    """torch on one thread; raises ImportError where it is not installed."""
    import torch

    torch.set_num_threads(1)
    return torch


def gradient_of(case: Case):
    """∇N as a function of the flat weights, a tensor, for dense layers."""
    torch = library()
    X, ybar = torch.from_numpy(case.ncf.X), torch.from_numpy(case.ncf.ybar)
    value = ncf_with(case.ncf.network, torch.where)

    def evaluate(theta):
        theta = theta.detach().requires_grad_()
        with torch.enable_grad():
            return torch.autograd.grad(value(theta, X, ybar), theta)[0]

    return evaluate


@gradient(TORCH)
def torch_gradient(case: Case):
    """Autograd as one writes it."""
    torch, evaluate = library(), gradient_of(case)
    start = torch.from_numpy(case.start)
    return lambda: evaluate(start).numpy()


@flow(TORCHDIFFEQ)
def torchdiffeq_flow(case: Case, tolerance: float):
    """The polar form of the flow to just before scipy's end: torchdiffeq is told how far, which it
    would have to find out.
    """
    torch = library()
    from torchdiffeq import odeint

    order, evaluate, count = case.ncf.network.order, gradient_of(case), [0]
    path = np.array([0.0, 0.98 * scipy_flow(case, tolerance)().path[-1]])
    start = torch.cat([torch.from_numpy(case.start), torch.zeros(2, dtype=torch.float64)])
    tight = tolerance / np.sqrt(case.start.size + 2)

    def field(_, state):
        count[0] += 1
        v = state[:-2]
        g = evaluate(v)
        norm, radial = torch.linalg.norm(g), torch.dot(g, v) / torch.dot(v, v)
        return torch.cat(
            [
                (g - radial * v) / norm,
                torch.stack([radial, torch.exp(-(order - 2) * state[-2])]) / norm,
            ]
        )

    def run() -> End:
        count[0] = 0
        with torch.no_grad():
            states = odeint(
                field, start, torch.from_numpy(path), rtol=tight, atol=tight, method="dopri8"
            )
        return End(count[0], path, states[:, :-1].numpy())

    return run
