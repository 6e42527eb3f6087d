"""Public functions called with something else: each says what it expected and what came."""

from __future__ import annotations

import inspect
import itertools

import numpy as np
import pytest

import ncfcheck
from ncfcheck import (
    CannotRun,
    Instance,
    Ncf,
    Numerics,
    Problem,
    dense,
    flow_limit,
    loss_flow,
    ncf_flow,
    polish,
    portrait,
    worst,
)
from ncfcheck.core.claim_files import told
from ncfcheck.model.encoding import BadWitness
from ncfcheck.theory.flow.trajectories import norm_reaches

NETWORK = dense((2, 3, 1), (2,), (0.5,))
X, y = np.eye(2), np.ones((2, 1))
u = np.full(9, 1 / 3)
PROBLEM = Problem(NETWORK, X, y)
NCF, INSTANCE, NUMERICS = PROBLEM.ncf, Instance(PROBLEM, u), Numerics(calls=50)
# Arguments that are right, by function; in turn each of those counted is replaced by what is wrong.
RIGHT = {
    "check": ((("homogeneity.euler",),), 1),
    "claim": (("mine.x",), 1),
    "claims": (("homogeneity.euler",), 1),
    "composite": ((lambda draw: 1,), 1),
    "coverage": (([],), 1),
    "dense": (((2, 3, 1), (2,), (0.5,)), 3),
    "families": ((3, 2, ("sphere",)), 3),
    "flow_limit": ((NCF, u, NUMERICS), 3),
    "found_points": ((None,), 1),
    "given": ((lambda data: data,), 1),
    "hunt": (("homogeneity.euler",), 1),
    "instances": ((None,), 1),
    "instances_tested": (("ledger.sqlite",), 1),
    "loss_flow": ((PROBLEM, u, 0.1, NUMERICS, norm_reaches(2.0)), 5),
    "margins": (([],), 1),
    "ncf_flow": ((NCF, u, NUMERICS, norm_reaches(2.0)), 4),
    "own_model": ((lambda: None,), 1),
    "plot": ((INSTANCE,), 1),
    "polish": ((NCF, u, 5), 3),
    "portrait": ((INSTANCE,), 1),
    "positive_limit": ((NCF, u, NUMERICS), 3),
    "rank_one_points": ((None,), 1),
    "replay": (("witness.json",), 1),
    "results": (([],), 1),
    "shrink": (("homogeneity.euler", INSTANCE), 2),
    "unit": ((u,), 1),
    "verify": (("witness.json",), 1),
    "worst": (([ncfcheck.Margin(1.0, 0.0)],), 1),
    "Instance": ((PROBLEM, u), 2),
    "Margin": ((1.0, 0.0), 2),
    "Ncf": ((NETWORK, X, y), 3),
    "Network": (((2, 3, 1), (2,), (0.5,)), 3),
    "Numerics": ((1e-6,), 1),
    "Pattern": (("mine", ((0, 1),)), 2),
    "Problem": ((NETWORK, X, y, "square"), 4),
    "Sample": ((X,), 1),
    "Ncf.value": ((NCF, u), 2),
    "Ncf.gradient": ((NCF, u), 2),
    "Ncf.gradient_bound": ((NCF, u, True), 3),
    "Ncf.projected_hessian": ((NCF, u, 1.0), 3),
    "Ncf.curvature_product": ((NCF, u, u), 3),
    "Problem.outputs": ((PROBLEM, u), 2),
    "Network.matrices": ((NETWORK, u), 2),
}
TOLD = BadWitness | CannotRun
WRONG = (None, 3, "text", object(), PROBLEM, NCF, [], {}, Ncf, 1j, np.datetime64("2020-01-01"))


def test_every_public_function_is_here():
    """a function is added to the API → it is tried with what is wrong"""
    public = {name for name in ncfcheck.__all__ if inspect.isroutine(getattr(ncfcheck, name))}
    assert public <= {*RIGHT, "instances", "found_points", "rank_one_points"}


def calls():
    for name, (_, count) in RIGHT.items():
        for place, (number, wrong) in itertools.product(range(count), enumerate(WRONG)):
            if "." not in name or place:
                yield pytest.param(name, place, wrong, id=f"{name}-{place}-{number}")


@pytest.mark.parametrize(("name", "place", "wrong"), list(calls()))
def test_an_argument_of_another_type(name, place, wrong, tmp_path, monkeypatch):
    """a public function, an argument of another type → it is taken, or the error says what came"""
    monkeypatch.chdir(tmp_path)
    arguments = list(RIGHT[name][0])
    arguments[place] = wrong
    function = ncfcheck
    for part in name.split("."):
        function = getattr(function, part)
    try:
        function(*arguments)
    except Exception as error:
        said = str(error)
        assert isinstance(error, TypeError | ValueError | LookupError | OSError | TOLD), repr(error)
        assert said and "\n" not in said and len(said) < 400
        assert name == "shrink" or "has no attribute" not in said  # the claim's own, which it names


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: flow_limit(PROBLEM, u, NUMERICS), "ncf is of type Ncf, not a Problem: that of"),
        (lambda: polish(PROBLEM, u), "ncf is of type Ncf, not a Problem: that of a problem is pro"),
        (lambda: portrait(PROBLEM), "instance is of type Instance, not a Problem: Instance(probl"),
        (lambda: ncf_flow(NCF, u, None), "numerics is of type Numerics, not None"),
        (lambda: loss_flow(NCF, u, 0.1, NUMERICS), "problem is of type Problem, not a Ncf"),
        (lambda: NCF.gradient_bound(u, object), "settled is of type bool, not the class object"),
        (lambda: worst([3]), "worst takes margins, not (3,)"),
        (lambda: worst(3), "worst takes margins, not 3"),
        (lambda: worst([]), "worst of no margins: none decides; raise Inapplicable where no part"),
    ],
)
def test_what_is_taken_for_another(call, said):
    """a problem for its NCF, a class for a value, no margins → what is expected, and what came"""
    with pytest.raises((TypeError, ValueError)) as found:
        call()
    assert str(found.value).startswith(said)


def test_writing_into_an_instance_in_a_claim():
    """a claim that writes into its instance → an error that says how to have an array of its own"""
    with pytest.raises(ValueError) as found:
        INSTANCE.start[0] = 1.0
    assert told(found.value) == (
        "ValueError: assignment destination is read-only; .copy() gives an array of your own"
    )
