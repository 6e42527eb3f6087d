"""Wrong arrays for public calls that take one: `python -m tests.support.array_fuzz SEED CALLS`.

A process of its own, which the C library's heap checks end where memory is written to that is not
an array's. Prints what was wrong, a line each; exit code 1 for any.
"""

import sys
import warnings
from dataclasses import dataclass

import numpy as np

from ncfcheck import (
    Inapplicable,
    Instance,
    Ncf,
    Network,
    Numerics,
    Problem,
    Unresolved,
    dense,
    flow_limit,
    loss_flow,
    ncf_flow,
    polish,
    positive_limit,
)
from ncfcheck.model.layered import FEW
from ncfcheck.model.ncf import group_norms, neuron_balance, sign_flipped
from ncfcheck.model.networks import DENSE, convolution, masked
from ncfcheck.theory.flow.trajectories import aligned_with, norm_reaches
from ncfcheck.theory.kkt.clarke import clarke_error, clarke_residual
from ncfcheck.theory.kkt.points import blowup_time, describe
from ncfcheck.theory.rank_one.points import reduced_value

QUICK = Numerics(tolerance=1e-6, calls=600)
MASK = np.array([[1, 0, 1], [0, 1, 1], [1, 1, 0], [0, 0, 1]])
NETWORKS = (
    dense((2, 3, 1), (2,), (0.5,)),
    dense((4, 5, 5, 2), (2, 1), (0.0, 1.0)),
    Network((3, 4, 4, 1), (1, 2), (0.3, -0.2), (masked(MASK), convolution(4, 4, 2), DENSE)),
)


@dataclass
class Call:
    """One argument of a public call: its name, the call, and the value that is right."""

    name: str
    function: object
    right: np.ndarray
    any_ring: bool = False  # numbers of any kind may be told, not only finite floats
    any_rows: bool = False


def calls(network: Network, seed: int) -> list[Call]:
    """All of them, for one network."""
    rng = np.random.default_rng(seed)
    X, y = rng.standard_normal((5, network.widths[0])), rng.standard_normal((5, network.widths[-1]))
    problem, u = Problem(network, X, y), rng.standard_normal(network.size)
    u /= np.linalg.norm(u)
    return [
        *of_ncf(problem.ncf, u),
        *of_data(problem, u),
        *of_weights(problem, u),
        *of_flows(problem, u),
        *([] if network.widths[-1] > 1 else of_reduced(problem, rng)),
    ]


def of_ncf(ncf: Ncf, u) -> list[Call]:
    at_u = ncf.curvature(u)
    methods = ("value", "gradient", "value_and_gradient", "residual", "hessian")
    more = ("rounding", "gradient_bound", *(("head_start",) if u.size <= FEW else ()))
    several = np.stack([u, u[::-1]])
    return [
        *(Call(f"Ncf.{name}", getattr(ncf, name), u) for name in methods + more),
        Call("Ncf.projected_hessian", lambda v: ncf.projected_hessian(v, 0.5), u),
        Call("Ncf.curvature", lambda v: ncf.curvature(v).matrix(), u),
        Call("Ncf.curvature_product u", lambda v: ncf.curvature_product(v, u), u),
        Call("Ncf.curvature_product direction", lambda v: ncf.curvature_product(u, v), u),
        Call("Curvature.product", at_u.product, u),
        Call("Curvature.products", at_u.products, several, any_rows=True),
    ]


def of_data(problem: Problem, u) -> list[Call]:
    network, X, y = problem.network, problem.X, problem.y
    return [
        Call("Ncf X", lambda v: Ncf(network, v, y).value(u), X),
        Call("Ncf ybar", lambda v: Ncf(network, X, v).value(u), y),
        Call("Problem X", lambda v: Problem(network, v, y).outputs(u), X),
        Call("Problem y", lambda v: Problem(network, X, v, "square").training_loss(u), y),
        Call("Instance start", lambda v: Instance(problem, v).coverage() and 0.0, u),
    ]


def of_weights(problem: Problem, u) -> list[Call]:
    network, matrices = problem.network, problem.network.matrices(u)
    methods = ("outputs", "output_bound", "training_loss", "training_gradient")
    return [
        *(Call(f"Problem.{name}", getattr(problem, name), u) for name in methods),
        Call("Network.matrices", network.matrices, u, any_ring=True),
        Call("Network.flatten", lambda v: network.flatten([v, *matrices[1:]]), matrices[0], True),
        Call("neuron_balance", lambda v: neuron_balance(network, v), u, any_ring=True),
        Call("group_norms", lambda v: group_norms(network, v), u),
        Call("sign_flipped", lambda v: sign_flipped(network, v), u),
    ]


def of_flows(problem: Problem, u) -> list[Call]:
    ncf, doubled = problem.ncf, norm_reaches(2.0)
    return [
        Call("ncf_flow start", lambda v: ncf_flow(ncf, v, QUICK).direction, u),
        Call("aligned_with", lambda v: ncf_flow(ncf, u, QUICK, aligned_with(v, 0.9)).norm, u),
        Call("loss_flow start", lambda v: loss_flow(problem, v, 0.1, QUICK, doubled).norm, u),
        Call("flow_limit", lambda v: flow_limit(ncf, v, QUICK).point.value, u),
        Call("positive_limit", lambda v: positive_limit(ncf, v, QUICK).point.value, u),
        Call("blowup_time", lambda v: blowup_time(ncf, v, QUICK)[0].value, u),
        Call("polish", lambda v: polish(ncf, v, 3).value, u),
        Call("describe", lambda v: describe(ncf, v).value, u),
        Call("clarke_residual", lambda v: clarke_residual(ncf, v), u),
        Call("clarke_error", lambda v: clarke_error(ncf, v), u),
    ]


def of_reduced(problem: Problem, rng) -> list[Call]:
    network, X, ybar = problem.network, problem.X, problem.y[:, 0].copy()
    q, signs = rng.standard_normal(X.shape[1]), (1.0,) * (network.depth - 1)
    return [
        Call(
            "reduced_value X", lambda v: reduced_value(network, v, ybar, q, signs), X, any_rows=True
        ),
        Call("reduced_value ybar", lambda v: reduced_value(network, X, v, q, signs), ybar),
        Call("reduced_value u", lambda v: reduced_value(network, X, ybar, v, signs), q),
    ]


def resized(rng, right: np.ndarray):
    """The array with other sizes, or one dimension more or less; mostly as it is."""
    if rng.random() < 0.5:
        return right.copy()
    size = int(rng.choice([0, 1, 2, max(right.size - 1, 0), right.size + 1, 7 * right.size]))
    shapes = [(size,), (size, 1), (1, size), right.shape[::-1], (*right.shape, 1), ()]
    return np.resize(rng.standard_normal(right.size + 1), shapes[rng.integers(len(shapes))])


DTYPES = (
    "f8",
    "f8",
    "f8",
    "f4",
    "f2",
    "g",
    ">f8",
    "i8",
    "i4",
    "u1",
    "?",
    "c16",
    "O",
    "U8",
    "M8[s]",
)


def retyped(rng, array: np.ndarray):
    """The same in another type of numbers, or of no numbers."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return array.astype(rng.choice(DTYPES))


def relaid(rng, array: np.ndarray):
    """The same in another layout of memory, or as what is no array."""
    kind = rng.integers(10)
    if kind == 0:
        return array.tolist()
    if kind == 1:
        return np.asfortranarray(array)
    if kind == 2 and array.ndim:
        return np.repeat(array, 2, axis=0)[::2]
    if kind == 3 and array.ndim:
        return array[::-1]
    if kind == 4:
        array.flags.writeable = False
    if kind == 5 and array.dtype == float and array.size:
        shifted = np.frombuffer(bytearray(1) + array.tobytes(), np.uint8)[1:]
        return shifted.view(float).reshape(array.shape)  # not aligned
    if kind == 6 and array.dtype.kind == "f" and array.size:
        array.flat[rng.integers(array.size)] = rng.choice([np.nan, np.inf, -np.inf])
    if kind == 7 and rng.random() < 0.2:
        return rng.choice(np.array([None, "weights", [[1.0], [1.0, 2.0]], {}], dtype=object))
    if kind == 8 and array.size:
        return np.ma.masked_array(array, np.arange(array.size).reshape(array.shape) == 0)
    if kind == 9 and array.dtype == float:
        return array * rng.choice([0.0, 1e200, 1e-200])
    return array


DOCUMENTED = ValueError, TypeError, Inapplicable, Unresolved


def outcome(function, values):
    """What comes of a call: its numbers, or the exception."""
    try:
        with np.errstate(all="ignore"):
            return numbers(function(values))
    except Exception as error:
        return error


def numbers(found) -> np.ndarray:
    """All numbers of a result in a row."""
    parts = found if isinstance(found, tuple | list) else [found]
    return np.concatenate([np.ravel(np.asarray(each)) for each in parts])


def fault(call: Call, values) -> str:
    """What is wrong about what comes of a call with these values; empty for nothing."""
    found, right = outcome(call.function, values), call.right.shape
    if isinstance(found, Exception) and not isinstance(found, DOCUMENTED):
        return repr(found)
    try:
        given = np.asarray(values)
    except ValueError:
        return "" if isinstance(found, ValueError) else f"rows of different lengths: {found!r}"
    fits = given.shape == right
    if call.any_rows and given.ndim == 2:
        fits = given.shape[1] == right[1] and "of samples X" not in str(found)
    if not fits:
        wanted = f", {right[1]})" if right[1:] and not call.any_rows else str(right[-1])
        names_both = str(given.shape) in str(found) and wanted in str(found)
        return "" if isinstance(found, ValueError) and names_both else f"{given.shape}: {found!r}"
    if given.dtype.kind not in "fiub" or np.ma.is_masked(values):
        said = isinstance(found, ValueError | TypeError) or call.any_ring
        return "" if said else f"{given.dtype}: {found!r}"
    with np.errstate(over="ignore"):
        plain = np.array(given, float, order="C")
    if not np.isfinite(plain).all():
        said = "finite" in str(found) or call.any_ring
        return "" if said else f"not finite: {found!r}"
    expected = outcome(call.function, plain)
    if isinstance(expected, Exception):
        same = type(found) is type(expected)
    else:
        equal = np.allclose if call.any_ring else np.array_equal
        same = isinstance(found, np.ndarray) and equal(found, expected, equal_nan=True)
    return "" if same else f"{given.dtype} {found!r}, as floats {expected!r}"


def main(seed: int, count: int) -> int:
    """Try `count` calls; the number of those with faults."""
    rng, faults = np.random.default_rng(seed), 0
    everything = [each for k, network in enumerate(NETWORKS) for each in calls(network, k)]
    for _ in range(count):
        call = everything[rng.integers(len(everything))]
        values = relaid(rng, retyped(rng, resized(rng, call.right)))
        wrong = fault(call, values)
        if wrong:
            faults += 1
            print(call.name, wrong, flush=True)
    print(f"{count} calls of {len({each.name for each in everything})} arguments, {faults} faults")
    return faults


if __name__ == "__main__":
    sys.exit(min(main(int(sys.argv[1]), int(sys.argv[2])), 1))
