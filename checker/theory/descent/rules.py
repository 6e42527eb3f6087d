"""Rules by which a descent steps, in the variables s = w/δ (theory §12)."""

from __future__ import annotations

import math
from numbers import Integral, Real
from typing import NamedTuple

import numpy as np

from ncfcheck.core.stated import shown

# Along the gradient and what is left of earlier ones; Adam's; by the gradient's signs alone.
GRADIENT, ADAM, SIGN = 0, 1, 2


class Rule(NamedTuple):
    """One step: s ← s + h · rates ∘ d, with d the gradient g(s) − κs, or what `kind` makes of it.

    In w ← w − η(∇𝓛 + μw) that is h = ηδ^{D−2} and κ = μ/δ^{D−2}.
    """

    kind: int
    step: float  # h
    decay: float  # κ
    memory: float  # β, or Adam's β₁
    squares: float  # Adam's β₂
    floor: float  # Adam's ε
    batch: int  # samples a step, 0 for all
    is_shuffled: int  # whether samples are drawn without replacement, permutation by permutation
    seed: int
    rates: np.ndarray  # (P,)

    @property
    def pace(self) -> float:
        """The time of the flow that a step stands for: h, of heavy balls h/(1 − β)."""
        return self.step / (1 - self.memory) if self.kind == GRADIENT else self.step


def heavy_ball(size: int, step: float, memory: float = 0.0, decay: float = 0.0, rates=None) -> Rule:
    """m ← βm + g − κs, s ← s + h·m: gradient descent where the memory β is 0.

    `rates` (P,) multiply the step, weight by weight. Raises ValueError for a step that is not above
    0, β outside [0, 1), rates that are no P numbers.
    """
    _refuse(step, memory)
    rates = np.ones(size) if rates is None else np.array(rates, float)
    if rates.shape != (size,) or not np.isfinite(rates).all():
        raise ValueError(f"rates must be {size} finite numbers, not {shown(rates)}")
    return Rule(GRADIENT, float(step), float(decay), float(memory), 0.0, 0.0, 0, 0, 0, rates)


def stochastic(
    size: int, step: float, batch: int, seed: int, shuffled: bool = False, memory: float = 0.0
) -> Rule:
    """The same along n/b times the gradient of b samples: drawn one by one with replacement or,
    `shuffled`, in the order of one permutation of all after the other.
    """
    if not (isinstance(batch, Integral) and batch >= 1):
        raise ValueError(f"batch must be a whole number from 1 up, not {shown(batch)}")
    found = heavy_ball(size, step, memory)
    return found._replace(batch=int(batch), is_shuffled=int(shuffled), seed=int(seed))


def adam(
    size: int, step: float, memory: float = 0.9, squares: float = 0.999, floor: float = 0.0
) -> Rule:
    """m ← β₁m + (1 − β₁)g, q ← β₂q + (1 − β₂)g², s ← s + h·m̂/(√q̂ + ε), both freed of their bias.

    In w with rate η and ε that is h = η/δ, and ε/δ^{D−1} for ε.
    """
    _refuse(step, memory)
    _refuse(step, squares)
    numbers = float(step), 0.0, float(memory), float(squares), float(floor)
    return Rule(ADAM, *numbers, 0, 0, 0, np.ones(size))


def sign_descent(size: int, step: float) -> Rule:
    """s ← s + h·sign g."""
    return heavy_ball(size, step)._replace(kind=SIGN)


def _refuse(step, memory) -> None:
    if not (isinstance(step, Real) and 0 < step < math.inf):
        raise ValueError(f"step must be above 0, not {shown(step)}")
    if not (isinstance(memory, Real) and 0 <= memory < 1):
        raise ValueError(f"memory must be from 0 up and below 1, not {shown(memory)}")
