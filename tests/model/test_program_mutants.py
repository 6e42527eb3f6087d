"""Mistakes planted in the interpreter of programs, and in programs: the formulas catch each."""

from functools import cache

import numpy as np
import pytest

from ncfcheck.model import instructions
from ncfcheck.model.architectures import BUILT_IN
from ncfcheck.model.kernels import programs
from ncfcheck.model.programs import Builder, Weights
from tests.support import ROOT
from tests.support.formulas import Circulant, outputs

SOURCE = (ROOT / "checker/model/kernels/programs.py").read_text(encoding="utf-8")
COMPILED = ("ncfcheck.core.compiling", "ncfcheck.model.kernels.matrix_products")
STEP, TOLERANCE = 1e-100, 1e-10

# Of models whose matrices are square, so that transposed ones are wrong in numbers, not in shape.
SIZES = {
    "attention": {"tokens": 2, "dim": 2, "heads": 1, "rank": 2, "summed": 0},
    "diagonal": {"layers": 3},
    "gated": {"layers": 2, "hidden": 2, "power": 2, "slope": 3},
    "max_pooling": {
        **{"height": 2, "width": 3, "kernel": 2, "filters": 2, "pool": 2},
        **{"power": 1, "slope": 3},
    },
    "normalised": {"hidden": 2, "layers": 2},
    "biased": {"hidden": 2, "layers": 2, "power": 3, "slope": 3},
    "residual": {"blocks": 2, "hidden": 2, "power": 2, "slope": 3},
    "sensing": {"dim": 2, "rank": 2},
    "softmax_attention": {"tokens": 2, "dim": 2, "heads": 1, "rank": 2},
    "tensor_factorisation": {"modes": 3, "dim": 2, "rank": 2},
    "circulant": {},
}

# Fragment, replacement, mistake.
MUTANTS = [
    (
        "z if z.real >= 0 else negative * z) * z",
        "z if z.real < 0 else negative * z) * z",
        "the other side",
    ),
    ("z if z.real >= 0 else negative * z) * z", "z) * z", "no slope"),
    ("z if z.real >= 0 else negative * z, z, power - 1", "z, z, power - 1", "no slope"),
    ("negative * z, z, power - 1", "negative * z, z, power", "one power too many"),
    ("2 * z if z.real", "z if z.real", "no factor of the power"),
    ("else 2 * negative * z", "else 2 * z", "no slope in the derivative"),
    ("power if z.real >= 0", "1 if z.real >= 0", "no factor of the power"),
    ("(delta, z, power - 1)", "(delta, z, power)", "one power too many"),
    ("slope ** row[EXPONENT]", "slope", "the slope is not raised"),
    ("np.exp(z)", "np.expm1(z)", "exp for another"),
    ("+= delta * value\n", "+= delta * z\n", "exp' for another"),
    ("-= delta * value * value", "+= delta * value * value", "sign"),
    ("0.5 * delta * value", "delta * value", "no half"),
    ("1 / np.sqrt(z)", "np.sqrt(z)", "root for its inverse"),
    ("+= scale * left", "+= left", "no scale"),
    ("_add(theta[other], values", "_add(1.0, values", "no weight"),
    ("+= left[0, j] * right[0, j]", "+= left[0, j]", "one factor"),
    ("if not left[0, j].real <= here[0, j].real", "if True", "the last for the largest"),
    ("-np.inf if", "1.0 if", "maxima of 1 and more"),
    ("_fill(empty, values, filled, out", "_fill(1.0, values, filled, out", "sums from 1 on"),
    ("        if out >= filled:", "        if True:", "all terms are the first"),
    ("_add(code.scalars[k], deltas", "_add(1.0, deltas", "no scale back"),
    ("given[0, j] * left[0, j]", "given[0, j] * given[0, j]", "wrong values"),
    ("gradient[other] += _weighted", "gradient[other] = _weighted", "dropped sharing"),
    ("here[0, j] += w *", "here[0, j] = w *", "dropped sharing of units"),
    ("_add_products(values, b, deltas", "_add_products(values, a, deltas", "the wrong factor back"),
    ("_add_products(values, a, deltas", "_add_products(values, b, deltas", "the wrong factor back"),
    ("if b >= free", "if b < 0", "one factor only is passed back to"),
    ("left[0, j] == reached", "left[0, j] != reached", "to what is not the largest"),
    ("row[WEIGHT], rows, columns).T", "row[WEIGHT], rows, columns)", "not transposed back"),
    (
        "product(matrix_view(theta, row[WEIGHT], rows, columns), below",
        "product(matrix_view(theta, row[WEIGHT], columns, rows).T, below",
        "transposed",
    ),
    ("_add(1.0, spare, 0, gradient", "_add(0.5, spare, 0, gradient", "half of what is shared"),
    ("_add(1.0, spare, 0, deltas", "_add(0.5, spare, 0, deltas", "half of what is shared"),
    ("if row[IS_TIED]", "if False", "sharing is not seen"),
    ("if row[IS_SHARED]", "if False", "sharing of units is not seen"),
    ("_fill(1.0, values", "_fill(0.0, values", "no constant"),
    ("value += r[i, j] * values", "value += values", "outputs are not weighed"),
]


@cache
def sampled(name):
    """A model with samples, weights w, r, and the value and gradient of its formula."""
    rng = np.random.default_rng(5)
    model = Circulant() if name == "circulant" else built(name)
    d, m = model.inputs, model.width
    X, w = rng.standard_normal((4, d)), rng.standard_normal(model.size)
    r = rng.standard_normal((4, m))
    moved = w + 1j * STEP * np.eye(w.size)
    slopes = [(r * outputs(model, X, each)).sum().imag / STEP for each in moved]
    return model, X, w, r, np.array([(r * outputs(model, X, w)).sum(), *slopes])


def built(name):
    family = BUILT_IN[name]
    d, m = family.inputs_of(SIZES[name]), family.width_of(SIZES[name])
    return family.build(d or 2, m or 2, SIZES[name])


def agrees(kernels, name, change=lambda code: code) -> bool:
    """Whether value and gradient are those of the formula."""
    model, X, w, r, expected = sampled(name)
    code, fixed = change(model.program.code), np.empty((model.program.code.fixed, len(X)))
    fixed[: X.shape[1]] = X.T
    kernels["forward"](code, w, len(X), fixed.reshape(-1), 0, code.leading)
    value, gradient = kernels["pull_back"](code, w, fixed, np.array(r.T, order="C"))
    found = np.array([value, *gradient])
    return bool(abs(found - expected).max() <= TOLERANCE * abs(expected).max())


def interpreted(source):
    """The functions of a source of the kernels, not compiled."""
    lines = source.split("\n")
    kept = [line for line in lines if not any(f"from {each} import" in line for each in COMPILED)]
    plain = lambda **_: lambda function: function  # noqa: E731
    names = {"bare": plain, "compiled": plain, "inlined": plain, "product": _product}
    names |= {"matrix_view": _matrix, "product_with_transposed": _product_with_transposed}
    exec(compile("\n".join(kept), "programs", "exec", dont_inherit=True), names)
    return names


def _matrix(flat, start, rows, columns):
    return flat[start : start + rows * columns].reshape(rows, columns)


def _product(A, B, out):
    out[:] = A @ B


def _product_with_transposed(A, B, out):
    out[:] = A @ B.T


@pytest.mark.parametrize("name", SIZES)
def test_the_interpreter_agrees_with_formulas_compiled_or_not(name):
    assert agrees(vars(programs), name)
    assert agrees(interpreted(SOURCE), name)


@pytest.mark.parametrize("fragment, replacement, mistake", MUTANTS)
def test_a_mistake_in_the_interpreter_is_found(fragment, replacement, mistake):
    assert fragment in SOURCE
    kernels = interpreted(SOURCE.replace(fragment, replacement, 1))
    assert not all(agrees(kernels, name) for name in SIZES), mistake


def table(column, change, op=None):
    """A change of one column of the rows of an operation."""

    def changed(code):
        moved = code.table.copy()
        rows = slice(None) if op is None else moved[:, instructions.OP] == op
        moved[rows, column] = change(moved[rows, column])
        return code._replace(table=moved)

    return changed


PROGRAMS = [
    ("sensing", table(instructions.IS_TIED, lambda _: 0), "dropped sharing"),
    ("gated", table(instructions.IS_TRANSPOSED, lambda t: 1 - t), "matrices stored by columns"),
    ("residual", table(instructions.IS_SHARED, lambda _: 0), "dropped sharing of units"),
    ("gated", table(instructions.OP, lambda _: instructions.SUM, instructions.PRODUCT), "wrong op"),
    (
        "max_pooling",
        table(instructions.OP, lambda _: instructions.SUM, instructions.MAXIMUM),
        "wrong op",
    ),
    ("gated", table(instructions.EXPONENT, lambda p: p + 1, instructions.POWER), "wrong power"),
    ("gated", table(instructions.WEIGHT, lambda w: w[::-1], instructions.DENSE), "wrong matrices"),
    ("diagonal", lambda code: code._replace(others=code.others[::-1].copy()), "wrong parameters"),
    ("gated", lambda code: code._replace(scalars=0 * code.scalars), "no slope"),
]


@pytest.mark.parametrize("name, change, mistake", PROGRAMS)
def test_a_mistake_in_a_program_is_found(name, change, mistake):
    assert not agrees(vars(programs), name, change), mistake


@pytest.mark.parametrize("kernels", [vars(programs), interpreted(SOURCE)], ids=["compiled", "not"])
def test_units_that_no_term_is_of_are_0(kernels):
    net = Builder(1, 4)
    numbers = np.array([[-1], [0], [-1], [-1]]) + 0 * net.weights("A", 1).numbers
    program = net.finish(net.apply("ij,j->i", Weights(numbers), net.x))
    values = np.full(program.code.units, np.nan)
    values[0] = 2.0
    kernels["forward"](program.code, np.array([3.0]), 1, values, 0, len(program.code.table))
    assert values.tolist() == [2, 0, 6, 0, 0]
