"""The user's own network as a program for the compiled kernels, held against what was written."""

from __future__ import annotations

import numpy as np

from ncfcheck.model.own.contract import EXACT, drawn
from ncfcheck.model.program_models import ProgramEvaluation
from ncfcheck.model.programs import Program

DRAWS, SAMPLES = 3, 5  # random weights, each with samples, that both are computed at


def same_program(model) -> Program | None:
    """The program of an `OwnModel`, if there is one, and it gives the same outputs and gradients at
    random weights.
    """
    program = model.backend.program(model.inputs, model.width)
    if program is None or program.size != model.size:
        return None
    rng = np.random.default_rng(0)
    return program if all(_is_same(model, program, rng) for _ in range(DRAWS)) else None


def _is_same(model, program: Program, rng: np.random.Generator) -> bool:
    X, w = drawn(model, rng, SAMPLES)
    r = rng.standard_normal((SAMPLES, model.width))
    ours, own = ProgramEvaluation(model, X, program), model.as_written(X)
    value, gradient = own.pull_back(w, r)
    found, there = ours.pull_back(w, r)
    pairs = (ours.outputs(w), own.outputs(w)), (there, gradient), (found, value)
    return all(np.abs(a - b).max() <= EXACT * max(1.0, np.abs(b).max()) for a, b in pairs)
