"""Options of strategies: what is plain is converted, else one is told what is possible."""

from __future__ import annotations

import re

import numpy as np
import pytest

from ncfcheck import Loss, composite, families, found_points, given, instances, rank_one_points
from ncfcheck.strategies.data_families import FAMILIES
from ncfcheck.strategies.draw import draw
from tests.support.commands import claim_file, ncfcheck

PLAIN = {
    "powers of one network": (instances(powers=(2,)), {"powers": ((2,),)}),
    "powers of one hidden layer": (instances(powers=2), {"powers": ((2,),)}),
    "powers of several": (instances(powers=[[2], (1, 3)]), {"powers": ((2,), (1, 3))}),
    "a start": (instances(starts="balanced"), {"starts": ("balanced",)}),
    "losses by name": (instances(losses=("logistic",)), {"losses": (Loss.LOGISTIC,)}),
    "a loss": (instances(losses="square"), {"losses": (Loss.SQUARE,)}),
    "one output": (instances(outputs=1), {"outputs": (1,)}),
    "a slope": (instances(slopes=0, lipschitz=False), {"slopes": (0.0,), "lipschitz": False}),
    "labels in a set": (instances(labels={"signs", "inner"}), {"labels": ("inner", "signs")}),
}


@pytest.mark.parametrize("name", PLAIN)
def test_a_plain_meaning_is_taken(name):
    """an option as one would write it → it is taken so, and drawn"""
    found, expected = PLAIN[name]
    assert found.options == expected
    assert list(draw(found.strategy(), 3, 0, simplest=True))


@pytest.mark.parametrize("data", ["lattice", ("lattice",), families(only="lattice")])
def test_families_of_data_by_name(data):
    """data="lattice" → data of that family"""
    seen = draw(instances(data=data).strategy(), 5, 0, simplest=True)
    assert {each.families["data"] for each in seen} == {"lattice"}


@pytest.mark.parametrize("most", [1, 2, 3, 4, 12])
def test_a_maximum_is_one(most):
    """families(max_samples=4, max_dimension=4) → never more, and just as many, of every family"""
    kinds = families(max_samples=most, max_dimension=most)
    seen = [sample.X.shape for sample in draw(kinds, 300, 0, simplest=True)]
    assert tuple(np.max(seen, axis=0)) == (most, most)
    for each in FAMILIES:
        if most > 1 or each not in ("antipodal", "duplicated"):
            seen = draw(families(max_samples=most, only=each), 30, 0, simplest=True)
            assert max(len(sample.X) for sample in seen) <= most


def two_samples(draw, data, widest=4):
    return draw.integer(1, widest)


def no_data(draw, widest=4):
    return draw.integer(1, widest)


STARTS = "possible: balanced, closing, gaussian, near-kkt, negative-kkt, sparse, unbalanced"
DATA = (
    "possible: antipodal, badly-scaled, clusters, collinear, d=1, duplicated, fan, gaussian, "
    "lattice, n=1, orthogonal, sparse, sphere"
)
POWERS = "powers are (p_1, …, p_{L-1}) of one network, such as (2,) or (1, 3), or several of these"
SLOPES = (
    "with kinked=True all are below 1; with lipschitz=True, α = 1 where p = 1: take 1.0 among the "
    "slopes, or lipschitz=False"
)
MISTAKES = {
    "an unknown start": (
        lambda: instances(starts=("xavier",)),
        f"ValueError: instances(starts=('xavier',)): 'xavier' is none of them; {STARTS}",
    ),
    "a start misspelt": (
        lambda: instances(starts="ballanced"),
        f"ValueError: instances(starts='ballanced'): 'ballanced' is none of them; {STARTS}; did "
        "you mean 'balanced'?",
    ),
    "an unknown loss": (
        lambda: instances(losses="squared"),
        "ValueError: instances(losses='squared'): 'squared' is no loss; possible: "
        "exponential, huber, logistic, softmax, square; did you mean 'square'?",
    ),
    "no loss": (
        lambda: instances(losses=()),
        "ValueError: instances(losses=()): nothing to draw from",
    ),
    "an unknown option": (
        lambda: instances(start="balanced"),
        "TypeError: instances has no option 'start'; possible: data, filtered, kinked, labels, "
        "lipschitz, losses, models, narrowest, needs, only_dense, outputs, powers, shared, slopes, "
        "starts; did you mean 'starts'?",
    ),
    "a family in place of a number": (
        lambda: families("nonsense"),
        "TypeError: families(max_samples='nonsense'): takes an integer, 1 or more",
    ),
    "an unknown family": (
        lambda: families(only="latice"),
        f"ValueError: families(only='latice'): 'latice' is none of them; {DATA}; did you mean "
        "'lattice'?",
    ),
    "an unknown option of families": (
        lambda: families(onli="lattice"),
        "TypeError: families has no option 'onli'; possible: max_dimension, max_samples, only; "
        "did you mean 'only'?",
    ),
    "a number below the least": (
        lambda: rank_one_points(fewest=-1),
        "ValueError: rank_one_points(fewest=-1): 1 is the least that is possible",
    ),
    "an option of another strategy": (
        lambda: found_points(narrowest=2),
        "TypeError: found_points has no option 'narrowest'; possible: data, kinked, labels, "
        "lipschitz, losses, methods, powers, slopes",
    ),
    "a power of zero": (
        lambda: instances(powers=(0,)),
        f"ValueError: instances(powers=(0,)): 1 is the least that is possible: {POWERS}",
    ),
    "powers in words": (
        lambda: instances(powers="two"),
        f"TypeError: instances(powers='two'): takes an integer, 1 or more: {POWERS}",
    ),
    "half an output": (
        lambda: instances(outputs=1.5),
        "TypeError: instances(outputs=1.5): takes an integer, 1 or more",
    ),
    "a slope out of range": (
        lambda: instances(slopes=(0.5, 2)),
        "ValueError: instances(slopes=(0.5, 2)): 2 is not from -1 to 1",
    ),
    "slopes that contradict another option": (
        lambda: instances(slopes=0.5, powers=(1, 2)),
        f"ValueError: instances: slopes=(0.5,): {SLOPES}",
    ),
    "slopes of two kinds": (
        lambda: instances(lipschitz=True, kinked=True),
        "ValueError: instances: kinked=True: every α_l is below 1; with lipschitz=True, α_l = 1 "
        "where p_l = 1: take one of them, or powers from 2 on",
    ),
    "fewer samples than the family has": (
        lambda: families(max_samples=1, only="antipodal"),
        "ValueError: families(max_samples=1, only=('antipodal',)): they have 2 or more",
    ),
    "layers that contradict each other": (
        lambda: instances(filtered=True, only_dense=True),
        "ValueError: instances: filtered=True: a convolution shares its weights, and is not dense",
    ),
    "a word for True": (
        lambda: instances(only_dense="yes"),
        "TypeError: instances(only_dense='yes'): takes True or False",
    ),
    "data that are a number": (
        lambda: instances(data=3),
        "TypeError: instances(data=3): takes a strategy of data sets, as families(…) or a call of "
        "a composite of your own returns it, or names of families: "
        + DATA.removeprefix("possible: "),
    ),
    "an option that a strategy of one's own lacks": (
        lambda: given(composite(two_samples))(widset=3),
        "TypeError: two_samples has no option 'widset'; possible: widest; did you mean 'widest'?",
    ),
    "a strategy of one's own without data": (
        lambda: given(composite(no_data)),
        "TypeError: ncfcheck.given(no_data): it is handed the strategy of data sets, used or not: "
        "write no_data(draw, data, …) under @composite, or no_data(data, …)",
    ),
    "a hypothesis that is no function": (
        lambda: instances().assuming("balanced"),
        "TypeError: assuming('balanced'): a hypothesis is a function of what is drawn",
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_in_an_option_is_told_with_what_is_possible(name):
    """an option that is none, or a value it cannot have → an error where it is written"""
    make, message = MISTAKES[name]
    with pytest.raises((TypeError, ValueError)) as found:
        make()
    assert f"{type(found.value).__name__}: {found.value}" == message


def drawn_from(strategy):
    return list(draw(strategy, 3, 0, simplest=True))


def test_a_strategy_that_returns_nothing():
    """a composite that forgets to return → an error that names it"""

    @composite
    def forgetful(draw):
        draw.integer(0, 1)

    with pytest.raises(TypeError, match=re.escape("forgetful() returned nothing; it must return")):
        drawn_from(forgetful())


def test_a_strategy_that_returns_a_strategy():
    """a composite that returns a strategy, not a draw of it → an error that names it"""
    nested = composite(lambda draw: families())()
    with pytest.raises(TypeError, match="not a draw of it; it must return an instance"):
        drawn_from(nested)


def test_data_that_are_no_sample():
    """a strategy of data sets that returns an array → an error that says what it must return"""

    @composite
    def arrays(draw):
        return [[1.0]]

    with pytest.raises(TypeError, match=re.escape("arrays() returned a list; data sets are")):
        drawn_from(instances(data=arrays()).strategy())


def test_a_function_that_is_no_strategy():
    """given() of a function without @composite → an error that names it"""

    def bare(data, widest=4):
        return widest

    with pytest.raises(TypeError, match="bare returned 4, no strategy: @composite makes it one"):
        drawn_from(given(bare)().strategy())


def test_a_mistake_in_a_claim_file(tmp_path):
    """a claim file with an option that is none → exit code 2, one line by file and line"""
    body = '@claim("a.b", kind=CONJECTURE, reference="-", given=instances(starts="xavier"))\n'
    path = claim_file(tmp_path, body + "def b(instance):\n    'B.'\n")
    line = path.read_text().splitlines().index(body.strip()) + 1
    found = ncfcheck("check", "--claims", path.name, folder=tmp_path)
    assert (found.returncode, found.stdout) == (2, "")
    told = "ValueError: instances(starts='xavier'): 'xavier' is none of them; possible: balanced"
    assert f"mine.py:{line}: {told}" in found.stderr and found.stderr.count("\n") == 1
