"""KKT points of any structure: maxima by flows, saddles by least squares and symmetric starts."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ncfcheck.core.claims import Inapplicable, Unresolved
from ncfcheck.core.tolerances import Numerics
from ncfcheck.model.ncf import Ncf, norm
from ncfcheck.theory.kkt.points import KktPoint, flow_limit, off_kinks, polish
from ncfcheck.theory.rank_one.points import reduced_point, structured_point
from ncfcheck.theory.starts import gaussian_start, unit

Array = np.ndarray
QUICK = Numerics(tolerance=1e-7, calls=6000)
EVALUATIONS = 6000  # of a least-squares search, divided by the number of parameters; 60 at most
NEAR, CLOSE = 1e-4, 1e-6  # sin∠ below which a search hands over to the polish, and goes no further
SHORTEST, LEAST = (
    1e-5,
    1e-8,
)  # a step, and a share of ‖residual‖², at which a search gets no further
DAMPING = 1e-3  # of a search's first step, in units of the largest diagonal entry of JᵀJ


def by_flow(rng, ncf: Ncf) -> Array:
    """The limit of the NCF flow from a Gaussian start: a maximum, nearly always."""
    return off_kinks(flow_limit(ncf, gaussian_start(rng, ncf), QUICK)).point.u


def by_least_squares(rng, ncf: Ncf) -> Array:
    """A zero of the residual from a Gaussian start: a saddle, nearly always."""
    return _least_squares(ncf, gaussian_start(rng, ncf))


def near_structured(rng, ncf: Ncf) -> Array:
    """A zero of the residual from a rank-one point of several neurons, moved by 10^-3 to 10^-1."""
    network = ncf.network
    found = reduced_point(network, ncf.X, ncf.ybar, int(rng.integers(2**31)))
    profiles = [_support(rng, width) for width in network.widths[1:-1]]
    signs = [
        rng.choice([-1.0, 1.0], width) if rng.random() < 0.5 else np.ones(width)
        for width in network.widths[1:-1]
    ]
    profiles = [unit(e * s) for e, s in zip(profiles, signs)]
    theta = structured_point(network, found.u, found.signs, profiles)
    return _least_squares(ncf, unit(theta + 10.0 ** rng.uniform(-3, -1) * gaussian_start(rng, ncf)))


def few_active(rng, ncf: Ncf) -> Array:
    """A zero of the residual with some neurons silent: zero weights, which no gradient changes."""
    active = [_support(rng, width) for width in ncf.network.widths[1:-1]]
    return _least_squares(ncf, _masked(ncf, gaussian_start(rng, ncf), active))


def symmetric(rng, ncf: Ncf) -> Array:
    """The limit of a flow whose active neurons are copies, up to sign where σ is even or odd.

    Copies stay copies along the flow, so that it ends at a saddle with several active neurons.
    """
    network, matrices = ncf.network, ncf.network.matrices(gaussian_start(rng, ncf))
    for l, (width, alpha) in enumerate(zip(network.widths[1:-1], network.slopes)):
        active = _support(rng, width)
        signs = rng.choice([-1.0, 1.0], width) if abs(alpha) == 1 else np.ones(width)
        outgoing = signs if alpha == 1 and network.powers[l] % 2 else np.ones(width)
        matrices[l] = np.outer(active * signs, matrices[l][0])
        matrices[l + 1] = np.outer(matrices[l + 1][:, 0], active * outgoing)
    return off_kinks(flow_limit(ncf, unit(network.flatten(matrices)), QUICK)).point.u


METHODS: dict[str, Callable[..., Array]] = {
    "flow": by_flow,
    "least squares": by_least_squares,
    "near structured": near_structured,
    "few active": few_active,
    "symmetric": symmetric,
}


def find(ncf: Ncf, method: str, seed: int, attempts: int = 3) -> KktPoint | None:
    """A KKT point of positive value by a method of METHODS, from the seed's first stream with one.

    Where a search ends at a negative one, its mirror image under W_L → −W_L is taken.
    """
    for attempt in range(attempts):
        try:
            u = METHODS[method](np.random.default_rng([seed, attempt]), ncf)
            if ncf.value(u) < 0:
                u = u.copy()
                u[ncf.network.slices[-1]] *= -1
            point = polish(ncf, u)
        except (Inapplicable, Unresolved, np.linalg.LinAlgError):
            continue
        if point.is_polished and point.value > ncf.rounding(point.u)[0]:
            return point
    return None


def _support(rng, width: int) -> Array:
    """1 on a random set of neurons that is not empty, 0 elsewhere; all sizes equally likely."""
    active = np.zeros(width)
    active[rng.permutation(width)[: rng.integers(1, width + 1)]] = 1.0
    return active


def _masked(ncf: Ncf, theta: Array, active: list[Array]) -> Array:
    matrices = ncf.network.matrices(theta)
    for l, mask in enumerate(active):
        matrices[l] = matrices[l] * mask[:, None]
        matrices[l + 1] = matrices[l + 1] * mask
    return unit(ncf.network.flatten(matrices))


def _least_squares(ncf: Ncf, start: Array) -> Array:
    """Direction near a zero of q − ⟨q,v⟩v, q = ∇N/‖∇N‖, by Levenberg–Marquardt from start (P,)."""

    def residual(v):
        g = ncf.gradient(v)
        size = norm(g)
        if not size > 0:
            raise Unresolved("∇N vanished on the way")
        return (g - (g @ v) * v) / size

    def jacobian(v):
        g = ncf.gradient(v)
        q = g / norm(g)
        turned = ncf.hessian(v) / norm(g)
        turned -= np.outer(q, q @ turned)
        turned -= np.outer(v, v @ turned + q)
        turned[np.diag_indices(v.size)] -= q @ v
        turned -= np.outer(turned @ v, v)
        return turned

    budget = int(np.clip(EVALUATIONS / start.size, 10, 60))
    v, size = _minimised(residual, jacobian, unit(start), budget)
    if size > NEAR:
        raise Unresolved("the search did not end at a zero of the residual")
    return v


def _minimised(residual, jacobian, v: Array, budget: int) -> tuple[Array, float]:
    """A unit vector where ‖residual‖ is small, and that norm, by Levenberg–Marquardt from v (P,).

    The damping follows the gain of a step over what the linear model predicts (Nielsen 1999).
    MINPACK, as scipy has it, reads memory that nobody has written.
    """
    r, J = residual(v), jacobian(v)
    square, damping, growth = r @ r, DAMPING * (J**2).sum(axis=0).max(), 2.0
    for _ in range(budget):
        slope = J.T @ r
        step = np.linalg.solve(J.T @ J + damping * np.eye(v.size), -slope)
        there = unit(v + step)
        r_there = residual(there)
        fall = square - r_there @ r_there
        if fall <= 0:
            damping, growth = damping * growth, 2 * growth
        else:
            gain = fall / (step @ (damping * step - slope))
            damping, growth = damping * max(1 / 3, 1 - (2 * gain - 1) ** 3), 2.0
            v, r, J, square = there, r_there, jacobian(there), r_there @ r_there
        if square <= CLOSE**2 or norm(step) <= SHORTEST or 0 < fall <= LEAST * square:
            break
    return v, float(np.sqrt(square))
