"""Instances on models of families: stored by name and sizes, read again, rendered."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from ncfcheck.core.claims import CONJECTURE, Claim, Margin
from ncfcheck.model import sources
from ncfcheck.model.encoding import BadWitness, decode, encode
from ncfcheck.model.instance import Instance
from ncfcheck.model.ncf import Problem, unit
from ncfcheck.model.rendering import render
from ncfcheck.verifier import Rejected
from ncfcheck.verifier.reading import instance as read_by_verifier
from tests.support.toy_models import GATED, SENSING

CLAIM = Claim("t.any", CONJECTURE, "Any.", "", (), None, lambda _: Margin(1.0, 0.0))


def instance(network, n: int = 2) -> Instance:
    rng = np.random.default_rng(0)
    X, y = np.ones((n, network.inputs)), np.ones((n, network.width))
    return Instance(Problem(network, X, y), unit(np.rint(2 * rng.standard_normal(network.size))))


@pytest.fixture
def known(monkeypatch):
    """The toy families, known as if a script had stated them."""
    monkeypatch.setattr(sources, "_own", [])
    return sources.load((GATED, SENSING))


@pytest.mark.parametrize(
    "network",
    [
        GATED.build(3, 2, {"gates": 2}),
        SENSING.build(6, 1, {"rows": 2, "columns": 3, "rank": 1}),
    ],
)
def test_an_instance_is_read_as_it_was_stored(known, network):
    old = instance(network)
    found = decode(json.loads(json.dumps(encode(old))))
    assert found.network == network and np.array_equal(found.start, old.start)
    assert encode(found) == encode(old)


def test_a_model_of_no_known_family_is_told_with_the_file_that_states_it(known):
    content = encode(instance(GATED.build(3, 1, {"gates": 2})))
    content["problem"]["network"]["file"] = "mine.py"
    with pytest.raises(
        BadWitness, match=r"its model 'toy_gates' is of mine\.py: add --model mine\.py"
    ):
        decode(content)
    content["problem"]["network"] |= {"file": None, "model": "gates"}
    with pytest.raises(BadWitness, match="no family of models 'gates' is known"):
        decode(content)


EDITS = {
    "sizes": ({}, "sizes of toy_gates are gates, not "),
    "more sizes": ({"gates": 2, "heads": 1}, "sizes of toy_gates are gates, not gates, heads"),
    "too large": ({"gates": 10**9}, "gates is from 1 to 4 in toy_gates, not 1000000000"),
    "no number": ({"gates": "2"}, "gates is from 1 to 4 in toy_gates, not '2'"),
}


@pytest.mark.parametrize("name", EDITS)
def test_sizes_that_the_family_has_not_are_told(known, name):
    sizes, told = EDITS[name]
    content = encode(instance(GATED.build(3, 1, {"gates": 2})))
    content["problem"]["network"]["sizes"] = sizes
    with pytest.raises(BadWitness) as found:
        decode(content)
    assert str(found.value).startswith(f"problem: network: {told}")


def test_inputs_that_do_not_go_with_the_sizes_are_told(known):
    content = encode(instance(SENSING.build(6, 1, {"rows": 2, "columns": 3, "rank": 1})))
    for name, wrong in (("inputs", 5), ("width", 2)):
        edited = json.loads(json.dumps(content))
        edited["problem"]["network"][name] = wrong
        with pytest.raises(
            BadWitness, match=f"{name} of toy_sensing of these sizes cannot be {wrong}"
        ):
            decode(edited)
    content["problem"]["network"]["more"] = 1
    with pytest.raises(BadWitness, match="not a model"):
        decode(content)


def test_a_file_is_told_by_its_name_and_a_digest(monkeypatch, tmp_path):
    monkeypatch.setattr(sources, "_own", [])
    monkeypatch.setattr(sources.own_families, "load", lambda path: [GATED])
    path = tmp_path / "mine.py"
    path.write_text("one")
    network = sources.load(str(path))[0].build(2, 1, {"gates": 1})
    assert encode(network)["file"] == "mine.py" and decode(encode(network)) == network
    before = sources.digest_of("mine.py")
    path.write_text("two")
    sources.load(str(path))
    assert sources.digest_of("mine.py") == before  # it is imported once: what is run is what it was
    monkeypatch.setattr(sources, "_own", [])
    sources.load(str(path))
    assert sources.digest_of("mine.py") != before
    assert Path(sources.source_of(network).path) == path.resolve()


def test_the_verifier_says_that_it_knows_layered_networks_only(known):
    content = encode(instance(GATED.build(3, 1, {"gates": 2})))
    with pytest.raises(
        Rejected, match=r"^problem: network: certificates are about layered networks$"
    ):
        read_by_verifier(content)


def test_weights_are_rendered_by_group_those_in_three_dimensions_as_several_matrices():
    network = GATED.build(2, 1, {"gates": 2})
    start = unit(np.arange(1.0, 11.0))
    lines = render(CLAIM, Instance(Problem(network, [[1, 2]], [[1]]), start), Margin(-1.0, 0.0))
    assert lines[2].startswith("toy_gates gates=2 d=2 m=1 n=1 ")
    assert lines[lines.index("start v₀ = w/‖w‖ with the weights w:") + 1 : -3] == [
        "  G[1] = [ 1  2 ]",
        "         [ 3  4 ]",
        "  G[2] = [ 5  6 ]",
        "         [ 7  8 ]",
        "  V = [ 9  10 ]",
    ]


def test_a_model_with_a_formula_is_rendered_by_it(monkeypatch):
    network = GATED.build(2, 1, {"gates": 1})
    monkeypatch.setattr(type(network), "formula", "V ((G₁ x) ∘ (G₂ x))", raising=False)
    line = render(CLAIM, instance(network), Margin(-1.0, 0.0))[2]
    assert line.startswith("H(x) = V ((G₁ x) ∘ (G₂ x)), toy_gates gates=1 d=2 m=1 n=2 ")


def test_coverage_counts_the_family():
    found = instance(SENSING.build(6, 1, {"rows": 2, "columns": 3, "rank": 1})).coverage()
    assert (found["model"], found["D"]) == ("toy_sensing", "2")
