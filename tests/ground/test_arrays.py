"""What users give and write to: arrays of any size, type and layout; instances as values."""

import ctypes
import os
import pickle
import subprocess
import sys
from copy import deepcopy
from dataclasses import dataclass, fields, replace
from pathlib import Path

import numpy as np
import pytest

from ncfcheck import (
    Instance,
    Loss,
    Ncf,
    Network,
    Numerics,
    Problem,
    dense,
    flow_limit,
    instances,
    loss_flow,
    ncf_flow,
    polish,
    rank_one_points,
)
from ncfcheck.model.networks import DENSE, Pattern, convolution
from ncfcheck.strategies.draw import draw
from ncfcheck.strategies.found import found_points
from ncfcheck.theory.flow.trajectories import norm_reaches, time_reaches
from tests.support.commands import claim_file, ncfcheck

ROOT = Path(__file__).parents[2]
HEAP_CHECKS = "libc_malloc_debug.so.0"
NETWORK = dense((2, 3, 1), (2,), (0.5,))
rng = np.random.default_rng(0)
X, y, u = rng.standard_normal((4, 2)), rng.standard_normal((4, 1)), rng.standard_normal(9)
u /= np.linalg.norm(u)
NCF, PROBLEM = Ncf(NETWORK, X, y), Problem(NETWORK, X, y)


def fuzzed(count: int) -> subprocess.CompletedProcess:
    """Wrong arrays in a fresh process under the heap checks of the C library."""
    return checked("-m", "tests.support.array_fuzz", "0", str(count))


def checked(*arguments: str) -> subprocess.CompletedProcess:
    """Python with these arguments under the heap checks of the C library."""
    try:
        ctypes.CDLL(HEAP_CHECKS)
    except OSError:
        pytest.skip(f"no {HEAP_CHECKS} here: glibc 2.34 and later have it")
    settings = {"MALLOC_CHECK_": "3", "MALLOC_PERTURB_": "165", "LD_PRELOAD": HEAP_CHECKS}
    options = {"cwd": ROOT, "env": os.environ | settings, "capture_output": True, "text": True}
    return subprocess.run([sys.executable, *arguments], **options)


def test_wrong_arrays():
    """300 calls with arrays of wrong sizes, types and layouts, the C library checking its heap →
    each result is that of floats, or an error names both shapes; the process ends cleanly"""
    found = fuzzed(300)
    assert found.returncode == 0 and "300 calls" in found.stdout, found.stdout + found.stderr


@pytest.mark.long
def test_many_wrong_arrays():
    """10,000 such calls → the same"""
    found = fuzzed(10_000)
    assert found.returncode == 0 and "10000 calls" in found.stdout, found.stdout + found.stderr


BEYOND = """
import numpy as np
from ncfcheck import Ncf, dense
ncf = Ncf(dense((2, 3, 1), (2,), (0.5,)), np.ones((4, 2)), np.ones((4, 1)))
from ncfcheck.model.kernels import gradients
for size in range(1, 9):
    short = np.ones(size)
    ncf.on_data.pull_back(short, ncf.ybar)
"""


def test_a_kernel_that_writes_beyond_an_array():
    """a compiled kernel given too short a vector, past all checks → the heap checks end the
    process"""
    assert checked("-c", BEYOND).returncode < 0


SHORT = '''
@claim("err.short", kind=CONJECTURE, reference="-", given=instances(only_dense=True))
def short(instance):
    """N without the last layer's weights (a slip: too short a vector) is finite."""
    first = instance.start[instance.network.slices[0]].copy()
    return Margin(1.0 if abs(instance.ncf.value(first)) < 1e300 else -1.0, 0.0)
'''
WRITES = '''
@claim("err.first", kind=CONJECTURE, reference="-", given=instances())
def first(instance):
    """True; but normalises the data in place."""
    instance.problem.X[:] = 0
    return Margin(1.0, 0.0)

@claim("err.second", kind=CONJECTURE, reference="-", given=instances())
def second(instance):
    """No sample is zero, as `instances` promises."""
    return Margin(float(abs(instance.problem.X).max()) - 1e-9, 1e-12)
'''


@pytest.mark.parametrize(
    ("body", "said"),
    [(SHORT, "u has shape"), (WRITES, "read-only")],
    ids=["a short vector", "writing to the data"],
)
def test_a_claim_with_a_slip(tmp_path, body, said):
    """a claim that gives N too short a vector, or writes to the instance → told by file and line;
    no other claim is hurt"""
    path = claim_file(tmp_path, body)
    found = ncfcheck("check", "--claims", path, "--examples", 10, folder=tmp_path)
    output = found.stdout + found.stderr
    line = next(
        k
        for k, each in enumerate(path.read_text().splitlines(), 1)
        if "slip" in each or "X[:] = 0" in each
    )
    assert said in output and "mine.py" in output and found.returncode != 0
    assert "VIOLATED" not in output and line
    assert "potential" not in output and "refuted by" not in output


def every_array(value, name: str):
    """Pairs (name, array) of all arrays that a value holds or hands out."""
    if isinstance(value, np.ndarray):
        yield name, value
    elif isinstance(value, tuple | list):
        for k, each in enumerate(value):
            yield from every_array(each, f"{name}[{k}]")
    elif hasattr(value, "__dataclass_fields__"):
        for each in fields(value):
            yield from every_array(getattr(value, each.name), f"{name}.{each.name}")


@pytest.mark.parametrize(
    "strategy", [instances(), rank_one_points(), found_points()], ids=["any", "rank-one", "found"]
)
@pytest.mark.parametrize(
    "made",
    [lambda each: each, deepcopy, replace, lambda each: pickle.loads(pickle.dumps(each))],
    ids=["drawn", "copied", "replaced", "sent to a worker"],
)
def test_writing_to_an_instance(strategy, made):
    """writing to an array of an instance, its problem, its NCF or its limit, drawn or copied →
    a ValueError where it is written"""
    for drawn in draw(strategy.strategy(), 3, 0, simplest=False):
        each = made(drawn)
        arrays = [*every_array(each, "instance"), *every_array(each.ncf, "ncf")]
        assert len(arrays) >= 5
        for name, array in arrays:
            with pytest.raises(ValueError, match="read-only"):
                array[...] = 0
                pytest.fail(f"{name} can be written to")
        assert each.ncf.value(each.start) == drawn.ncf.value(drawn.start)


def test_writing_to_a_limit():
    """writing to a KKT point or a trajectory, which later calls are told again → a ValueError"""
    limit = flow_limit(NCF, u, Numerics())
    for _, array in every_array(limit, "limit"):
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 0


def test_ones_own_arrays_stay_ones_own():
    """writing to an array after it was made into a problem → the array changes, the problem does
    not"""
    data, start = X.copy(), u.copy()
    instance = Instance(Problem(NETWORK, data, y), start)
    before = instance.ncf.value(instance.start)
    data[:], start[:] = 0, 0
    assert instance.ncf.value(instance.start) == before != 0


def overriding(kind):
    """A subclass that overrides what compiled code computes."""
    return type("Mine", (kind,), {"value": lambda self, u: 0.0})


@pytest.mark.parametrize("kind", [Ncf, Problem, Network])
def test_a_subclass_that_would_be_ignored(kind):
    """a subclass of Ncf, Problem or Network → a TypeError that says why and what to do instead"""
    with pytest.raises(TypeError, match="compiled code, which ignores") as refused:
        overriding(kind)
    assert "; " in str(refused.value)


def test_an_instance_with_more_parts():
    """a subclass of Instance with an array of its own → read-only like the others"""

    @dataclass(frozen=True, eq=False)
    class Weighted(Instance):
        weights: np.ndarray | None = None

    each = Weighted(PROBLEM, u, weights=np.ones(4))
    with pytest.raises(ValueError, match="read-only"):
        each.weights[0] = 2


WRONG = {
    "power 2.9": (lambda: dense((2, 3, 1), (2.9,), (0.5,)), "powers must be whole numbers"),
    "width 2.9": (lambda: dense((2.9, 3, 1), (2,), (0.5,)), "widths must be whole numbers"),
    "width 0": (lambda: dense((2, 0, 1), (2,), (0.5,)), "widths must be whole numbers from 1"),
    "width -1": (lambda: dense((2, -1, 1), (2,), (0.5,)), "widths must be whole numbers from 1"),
    "widths a number": (lambda: dense(3, (2,), (0.5,)), "sequences"),
    "power NaN": (lambda: dense((2, 3, 1), (np.nan,), (0.5,)), "powers must be whole numbers"),
    "a power too many": (lambda: dense((2, 3, 1), (2, 2), (0.5,)), "3 widths, 2 powers"),
    "slope 2": (lambda: dense((2, 3, 1), (2,), (2.0,)), r"slopes lie in \[-1, 1\]"),
    "slope NaN": (lambda: dense((2, 3, 1), (2,), (np.nan,)), r"slopes lie in \[-1, 1\]"),
    "too wide": (lambda: dense((10**9, 10**9, 1), (2,), (0.5,)), "too large"),
    "patterns None": (lambda: Network((2, 3, 1), (2,), (0.5,), None), "sequences"),
    "pattern a name": (lambda: Network((2, 3, 1), (2,), (0.5,), ("dense", DENSE)), "Pattern"),
    "pattern 1.5": (lambda: Pattern("mine", ((0, 1.5),)), "whole numbers"),
    "pattern ragged": (lambda: Pattern("mine", ((0, 1), (2,))), "no matrix"),
    "pattern of another layer": (
        lambda: Network((2, 3, 1), (2,), (0.5,), (convolution(2, 2, 1), DENSE)),
        r"shape \(2, 2\) in a 3×2 layer",
    ),
    "loss hinge": (lambda: Problem(NETWORK, X, y, "hinge"), "square, logistic"),
    "logistic labels 0 and 1": (
        lambda: Problem(NETWORK, X, np.zeros_like(y), "logistic"),
        r"y holds 0: labels are ±1 with the logistic loss; of 0 and 1, 2\*y - 1 makes these",
    ),
    "no samples": (lambda: Ncf(NETWORK, X[:0], y[:0]), "one sample at least"),
    "start 2v": (lambda: Instance(PROBLEM, 2 * u), "its norm is 2, not 1"),
    "fraction 1": (lambda: Instance(PROBLEM, u, fraction=1), "between 0 and 1"),
    "fraction NaN": (lambda: Instance(PROBLEM, u, fraction=np.nan), "between 0 and 1"),
    "integrator": (lambda: Numerics(integrator="euler"), "compiled, scipy"),
    "tolerance -1": (lambda: Numerics(tolerance=-1), "above 0"),
    "tolerance NaN": (lambda: Numerics(tolerance=np.nan), "above 0"),
    "calls 0": (lambda: Numerics(calls=0), "from 1 up"),
    "calls 10.5": (lambda: Numerics(calls=10.5), "from 1 up"),
    "delta 0": (lambda: loss_flow(PROBLEM, u, 0.0, Numerics(), norm_reaches(2.0)), "above 0"),
    "delta NaN": (lambda: loss_flow(PROBLEM, u, np.nan, Numerics(), norm_reaches(2)), "above 0"),
    "radius 0": (lambda: norm_reaches(0), "above 0"),
    "time NaN": (lambda: time_reaches(np.nan), "0 or more"),
    "steps 0": (lambda: polish(NCF, u, 0), "1 or more"),
    "start of a flow 2v": (lambda: ncf_flow(NCF, 2 * u, Numerics()), "its norm is 2, not 1"),
}


@pytest.mark.parametrize(("make", "said"), WRONG.values(), ids=WRONG)
def test_what_is_no_network_problem_or_flow(make, said):
    """numbers that no network, problem, instance or flow has → a ValueError that says which are
    right"""
    with pytest.raises(ValueError, match=said):
        make()


def test_what_is_plainly_meant():
    """widths as a list of floats, a loss by its name, data as lists of integers → converted"""
    assert dense([2, 3.0, 1], np.array([2]), [0.5]) is dense((2, 3, 1), (2,), (0.5,))
    problem = Problem(NETWORK, [[1, 2], [3, 4]], [[1], [-1]], "logistic")
    assert problem.loss is Loss.LOGISTIC and problem.X.dtype == problem.y.dtype == float


def test_kernels_are_compiled_for_one_kind_of_array():
    """N at a read-only vector, a list and a vector of another type → no kernel is compiled again"""
    from ncfcheck.model.kernels import gradients

    NCF.value(u)
    before = len(gradients.correlation.signatures) if _compiled() else 0
    for each in (list(u), u.astype(np.float32), np.repeat(u, 2)[::2], Instance(PROBLEM, u).start):
        NCF.value(each)
    assert not _compiled() or len(gradients.correlation.signatures) == before == 1


def _compiled() -> bool:
    from ncfcheck.model.kernels import gradients

    return hasattr(gradients.correlation, "signatures")
