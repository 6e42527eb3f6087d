"""Errors that the bounds on rounding of programs forget: rational arithmetic finds each."""

from fractions import Fraction
from functools import cache
from itertools import product

import numpy as np
import pytest

from ncfcheck.model.architectures import BUILT_IN
from ncfcheck.model.kernels import programs
from tests.support import ROOT
from tests.support.formulas import Dual, drawn, outputs

PARTS = ("checker/model/rounding.py", "checker/model/program_rounding.py")
SOURCES = [(ROOT / path).read_text(encoding="utf-8") for path in PARTS]
STUBBED = ("ncfcheck.core.compiling", "ncfcheck.model.rounding", "ncfcheck.model.kernels")
FAMILIES = ("attention", "diagonal", "gated", "max_pooling", "residual", "sensing")
GRID = (-0.4, -0.3, -0.1, 0.1, 0.3, 0.4)  # terms cancel, and kinks are near

MUTANTS = [
    ("EPS * (terms + 2) * abs(a) * abs(b)", "0.0", "products and sums do not round"),
    ("+ a_error * abs(b)", "", "one factor is exact"),
    ("abs(a) * b_error", "0.0", "the other factor is exact"),
    ("off * (abs(factor) + factor_error)", "0.0", "deltas are exact"),
    ("abs(delta) * factor_error", "0.0", "slopes and ties are exact"),
]


def interpreted(source):
    """The bounds of a source, not compiled."""
    plain = lambda **_: lambda function: function  # noqa: E731
    names = {"compiled": plain, "internal": plain, "bare": plain}
    for each in (SOURCES[0], source):
        lines = [
            line
            for line in each.split("\n")
            if not any(f"from {module}" in line for module in STUBBED)
        ]
        exec(compile("\n".join(lines), "bounds", "exec", dont_inherit=True), names)
    return names["gradient_bound"]


def drawn_on_a_grid(name, seed):
    model, *arrays = drawn(name, seed)
    rng = np.random.default_rng(seed)
    return model, *(rng.choice(GRID, each.shape) for each in arrays)


def cancelled(group, power):
    """W (A x) σ(B x) where A x or B x is nothing but rounding, and the other factor is not."""
    sizes = {"layers": 1, "hidden": 1, "power": power, "slope": 3}
    model, x = BUILT_IN["gated"].build(3, 1, sizes), np.array([0.1, 0.3, 0.4])
    w = np.ones(model.size)
    rows = [np.array(row) for row in product(GRID, repeat=3)]
    part = next(each.part for each in model.groups if each.name == group)
    w[part] = max(rows, key=lambda row: (-round(abs(row @ x), 9), off(row, x)))
    return model, x[None], w, np.ones((1, 1))


def off(row, x):
    """The error of a computed ⟨row, x⟩."""
    exact = sum(Fraction(a) * Fraction(b) for a, b in zip(row, x))
    return abs(Fraction(sum(row * x)) - exact)


INSTANCES = {(name, seed): drawn_on_a_grid(name, seed) for name in FAMILIES for seed in range(3)}
INSTANCES |= {each: cancelled(*each) for each in product(("A_1", "B_1"), (1, 2))}


@cache
def errors(key):
    """Code, weights, columns and r of an instance, and true errors of N and ∇N, (1 + P,)."""
    model, X, w, r = INSTANCES[key]
    exact = [np.vectorize(Fraction, otypes=[object])(each) for each in (X, w, r)]
    value, gradient = programs.pull_back(
        model.program.code, w, model.on(X).fixed, np.array(r.T, order="C")
    )
    found = [abs(Fraction(value) - (exact[2] * outputs(model, *exact[:2])).sum())]
    for number, entry in enumerate(gradient):
        moved = np.array(
            [Dual(each, Fraction(int(k == number))) for k, each in enumerate(exact[1])]
        )
        slope = (exact[2] * outputs(model, exact[0], moved)).sum().slope
        found.append(abs(Fraction(entry) - slope))
    return model.program.code, w, np.array(X.T, order="C"), np.array(r.T, order="C"), found


def holds(gradient_bound) -> bool:
    """Whether the bounds hold all true errors."""
    for key in INSTANCES:
        code, w, X, r, found = errors(key)
        value, gradient = gradient_bound(code, w, X, r)
        if any(error > bound for error, bound in zip(found, (value, *gradient))):
            return False
    return True


def test_the_bounds_hold():
    assert holds(interpreted(SOURCES[1]))


@pytest.mark.parametrize("fragment, replacement, mistake", MUTANTS)
def test_an_error_that_bounds_forget_is_found(fragment, replacement, mistake):
    assert fragment in SOURCES[1]
    assert not holds(interpreted(SOURCES[1].replace(fragment, replacement, 1))), mistake
