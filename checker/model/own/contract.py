"""What a user's function must be before anything is measured: a function of samples and weights,
which leaves them alone, and takes every sample for itself.
"""

from __future__ import annotations

import numpy as np

from ncfcheck.core.claim_files import is_placed, told
from ncfcheck.core.describing import one_line
from ncfcheck.model.backends.backend import BrokenModel

Array = np.ndarray
SAMPLES = 3
AGAIN = 4  # calls that must give the same: what drops units at random may drop the same twice
# Relative to the largest output: far above rounding, far below single precision.
EXACT = 1e-9
# What single precision inside of it may do, which is told of where orders are measured.
SINGLE = 1e-4
LONGEST = 300  # characters of an error's message: JAX writes pages


def broken(model, what: str) -> BrokenModel:
    """The error that says what is wrong with a model, after where that is written."""
    place = f"{model.family.place}: " if model.family else ""
    return BrokenModel(f"{place}{model.named}: {what}")


def called(model, function, *arguments):
    """What a function of the user's returns. Raises BrokenModel for what it raises."""
    try:
        with np.errstate(all="ignore"):
            return function(*arguments)
    except Exception as error:
        what = one_line(told(error), LONGEST)
        if is_placed(what):
            raise BrokenModel(f"{what} ({model.named})") from error
        raise broken(model, what) from error


def drawn(model, rng: np.random.Generator, samples: int = SAMPLES) -> tuple[Array, Array]:
    """Random samples (n, d) and weights (P,)."""
    return rng.standard_normal((samples, model.inputs)), rng.standard_normal(model.size)


def check(model, rng: np.random.Generator) -> None:
    """Raise BrokenModel for outputs that are no (n, m) of float64, not finite, or another time
    other ones, that depend on other samples, and for a function that writes to what it is given.
    """
    X, w = drawn(model, rng)
    _check_signature(model, X, w)
    kept = X.copy(), w.copy()
    on_data = called(model, model.as_written, X)
    first = called(model, on_data.outputs, w)
    called(model, on_data.outputs, rng.standard_normal(model.size))
    others = [called(model, on_data.outputs, w) for _ in range(AGAIN)]
    if not np.isfinite(first).all():
        raise broken(model, f"outputs at random weights are {first[~np.isfinite(first)][0]}")
    again = next((each for each in others if not same(first, each)), first)
    if not np.array_equal(X, kept[0]) or not np.array_equal(w, kept[1]):
        raise broken(model, "it writes to the samples or weights that it is given: copy them")
    if not same(first, again):
        raise broken(
            model,
            f"outputs at the same weights are {shown(first, again)}: is there dropout (call "
            ".eval() on the module), a random number, or a state that it keeps?",
        )
    alone = [called(model, model.as_written(X[i : i + 1]).outputs, w)[0] for i in range(len(X))]
    if not same(first, np.array(alone)):
        raise broken(
            model,
            f"outputs of a sample depend on the other samples, {shown(first, np.array(alone))} "
            "with and without these: is there batch normalisation (.eval() stops it), or a "
            "reshape that mixes them?",
        )


def _check_signature(model, X: Array, w: Array) -> None:
    found = called(model, model.backend.signature, X, w)
    width = called(model, lambda: model.width)
    rows = (len(X), width)
    if found.shape != rows and not (width == 1 and found.shape == rows[:1]):
        raise broken(
            model,
            f"outputs of {len(X)} samples have shape {found.shape}: {rows} is right, a row for "
            "each sample",
        )
    if found.dtype != "float64":
        raise broken(model, f"outputs are {found.dtype}: float64 is right, like X and the weights")


def same(one: Array, other: Array) -> bool:
    """Whether outputs are equal to rounding, in single precision perhaps."""
    return one.shape == other.shape and bool(
        np.abs(one - other).max() <= SINGLE * max(np.abs(one).max(), np.abs(other).max())
    )


def shown(one: Array, other: Array) -> str:
    """The two entries that differ most."""
    i = int(np.argmax(np.abs(one - other)))
    return f"{one.flat[i]:.6g} and {other.flat[i]:.6g}"
