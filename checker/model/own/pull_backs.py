"""The pull-back held against differences of the outputs, and the place of a mistake in it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ncfcheck.core.tolerances import EPS
from ncfcheck.model.own.contract import broken, called, drawn

Array = np.ndarray
DRAWS = 2
# Relative steps, where truncation is as large as rounding at first; the others are for kinks that
# happen to lie within one.
STEPS = (EPS ** (1 / 3), EPS ** (1 / 3) / 16, EPS ** (1 / 3) / 256)
AGREES = 1e-6  # relative: above what differences leave out at any of the steps
ENTRIES = 400  # of a group that are looked at one by one


@dataclass(frozen=True)
class Place:
    """Where the pull-back was asked: its gradient (P,) at w of the outputs weighed by r."""

    on_data: object
    w: Array
    r: Array
    gradient: Array

    def value(self, w: Array) -> float:
        """Σ r ∘ H(X; w)."""
        return float(np.vdot(self.r, self.on_data.outputs(w)))

    def difference(self, direction: Array, step: float) -> float:
        """The derivative along a direction (P,), by a central difference."""
        step = step * max(1.0, float(np.abs(self.w).max()))
        ahead, behind = self.w + step * direction, self.w - step * direction
        return (self.value(ahead) - self.value(behind)) / (2 * step)

    def is_off(self, direction: Array) -> tuple[float, float] | None:
        """Derivatives along a direction (P,), by the pull-back and by differences, where these are
        not the same at any step; else None.
        """
        told = float(self.gradient @ direction)
        size = np.linalg.norm(self.gradient) * np.linalg.norm(direction)
        size = size + np.abs(self.r * self.on_data.outputs(self.w)).sum()
        for step in STEPS:
            found = self.difference(direction, step)
            if abs(found - told) <= AGREES * size:
                return None
        return told, found


def check(model, rng: np.random.Generator) -> None:
    """Raise BrokenModel where value and gradient are not those of the outputs."""
    for _ in range(DRAWS):
        X, w = drawn(model, rng)
        r = rng.standard_normal((len(X), model.width))
        on_data = model.as_written(X)
        _, gradient = called(model, on_data.pull_back, w, r)
        if np.shape(gradient) != w.shape or not np.isfinite(gradient).all():
            raise broken(model, f"the gradient at random weights is {gradient}: finite is right")
        place = Place(on_data, w, r, gradient)
        for name, part, shape in model.backend.parts:
            direction = np.zeros(w.size)
            direction[part] = rng.standard_normal(w[part].shape)
            if (off := place.is_off(direction)) and (told := _where(place, name, part, shape, off)):
                raise broken(model, told)


def _where(place: Place, name: str, part: slice, shape: tuple[int, ...], off) -> str:
    """What is wrong with the gradient in one group; empty where it was a kink."""
    entries = range(part.start, min(part.stop, part.start + ENTRIES))
    found = {}
    for entry in entries:
        one = np.zeros(place.w.size)
        one[entry] = 1.0
        if wrong := place.is_off(one):
            found[entry] = wrong
    if not found:
        # Along the group as a whole only: of many entries, or a kink that only that meets.
        if part.stop - part.start <= ENTRIES:
            return ""
        told, right = off
        return f"pull_back in {name!r} is wrong: along it, {told:.6g}; differences tell {right:.6g}"
    entry = max(found, key=lambda each: abs(found[each][0] - found[each][1]))
    told, right = found[entry]
    index = tuple(int(i) for i in np.unravel_index(entry - part.start, shape))
    all_of = f"{len(found)} of {len(entries)} entries of {name!r} are wrong, such as"
    return (
        f"pull_back is not that of the outputs: {all_of} {index}, {told:.6g}, where differences of "
        f"the outputs tell {right:.6g}{_pattern(found, place, part, shape)}"
    )


def _pattern(found: dict, place: Place, part: slice, shape: tuple[int, ...]) -> str:
    """What mistake it looks like, if it looks like one."""
    told, right = np.array(list(found.values())).T
    if len(found) == 1:
        return ""
    if len(shape) == 2 and shape[0] == shape[1]:
        turned = place.gradient[part].reshape(shape).T.ravel()
        if np.allclose(turned[[each - part.start for each in found]], right, rtol=1e-4, atol=1e-6):
            return ": is it transposed?"
    with np.errstate(all="ignore"):
        factors = told / right
    is_one = np.isfinite(factors).all() and np.ptp(factors) <= 1e-4 * abs(factors[0])
    return f": all are {factors[0]:.4g} times what is right" if is_one else ""
