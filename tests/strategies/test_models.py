"""Models that are drawn by the sizes of their families: what is drawn, and what is made of it."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from functools import partial
from itertools import islice

import numpy as np
import pytest

from ncfcheck.core.claims import CONJECTURE, THEOREM, Claim, Inapplicable, Margin, registered
from ncfcheck.core.loading import load_claims
from ncfcheck.core.needs import Need
from ncfcheck.model.encoding import encode
from ncfcheck.model.networks import Network
from ncfcheck.run.hunting import changes
from ncfcheck.run.shrinking.passes import passes
from ncfcheck.strategies import models as drawn_models
from ncfcheck.strategies.about import about, unsuited
from ncfcheck.strategies.choices import composite
from ncfcheck.strategies.data_families import FAMILIES
from ncfcheck.strategies.datasets import Sample, families
from ncfcheck.strategies.draw import Unsatisfiable, draw
from ncfcheck.strategies.given import given
from ncfcheck.strategies.instances import instances
from ncfcheck.strategies.moves import rebuilt
from ncfcheck.strategies.resizing import without
from ncfcheck.strategies.structured import rank_one_points
from tests.support.toy_models import GATED, SENSING, Gated, Toy

STARTS = ("gaussian", "sparse", "unbalanced")
TOYS = instances(models=(GATED, SENSING), starts=STARTS)
POSSIBLE = (Inapplicable, ValueError, ArithmeticError)


def claim_of(strategy, **parts) -> Claim:
    return Claim("t.any", CONJECTURE, "", "", (), strategy, lambda _: Margin(1.0, 0.0), **parts)


def some(strategy, count: int = 60, seed: int = 0) -> list:
    return list(draw(strategy, count, seed, simplest=True))


def test_every_draw_is_of_the_families_and_within_their_ranges():
    found = some(TOYS, 120)
    assert set(Counter(each.network.family for each in found)) == {GATED, SENSING}
    for each in found:
        network, (_, d) = each.network, each.problem.X.shape
        for name, (least, most) in network.family.ranges.items():
            assert least <= network.sizes[name] <= most
        assert d == (network.family.inputs_of(network.sizes) or d)
        TOYS.admit(each)


def test_every_size_of_a_family_is_drawn():
    found = some(instances(models=SENSING, starts=STARTS), 200)
    assert {each.network.sizes["rank"] for each in found} == {1, 2, 3}
    assert {each.network.inputs for each in found} == {1, 2, 3, 4, 6, 9}


def test_the_simplest_instance_has_the_smallest_sizes():
    (found,) = some(instances(models=SENSING, starts=STARTS), 1)
    assert found.network.sizes == {"rows": 1, "columns": 1, "rank": 1}


def test_whatever_hunts_and_shrinks_make_of_a_draw_could_be_drawn():
    claim, made = claim_of(TOYS), Counter()
    for number, each in enumerate(some(TOYS, 12)):
        rng = np.random.default_rng(number)
        both = changes.mutated, changes.snapped
        candidates = 4 * [partial(change, claim, each, rng) for change in both]
        moves = [one for kind in passes(each) for one in islice(kind(each), 0, 60, 12)]
        candidates += [lambda one=one: rebuilt(claim, one()) for one in moves]
        for candidate in candidates:
            try:
                found = candidate()
            except POSSIBLE:
                continue
            TOYS.admit(found)
            before, now = each.network, found.network
            made["smaller"] += sum(now.sizes.values()) < sum(before.sizes.values())
            made["larger"] += sum(now.sizes.values()) > sum(before.sizes.values())
    assert made["smaller"] > 5 and made["larger"] > 0


def test_a_weight_keeps_its_place_where_a_size_is_cut():
    each = next(x for x in some(TOYS) if x.network.family is GATED and x.network.sizes["gates"] > 2)
    kept = without(each, "gates", 1)
    old, new = each.network.parts(each.start), kept.network.parts(kept.start)
    wanted = np.delete(old["G"], 1, axis=1)
    assert np.allclose(new["G"] / new["G"].flat[0], wanted / wanted.flat[0])
    assert np.array_equal(kept.problem.X, each.problem.X)


def test_columns_of_the_data_go_with_a_size_in_blocks_or_in_turn():
    strategy = instances(models=SENSING, starts=STARTS)
    each = next(x for x in some(strategy, 200) if x.network.sizes["rows"] == 2 < x.network.inputs)
    columns = each.network.sizes["columns"]
    X = each.problem.X
    assert np.array_equal(without(each, "rows", 0).problem.X, X[:, columns:])
    assert np.array_equal(
        without(each, "columns", 0, strided=True).problem.X,
        X[:, np.arange(X.shape[1]) % columns != 0],
    )


def test_layered_networks_are_drawn_as_ever_and_by_the_same_seeds():
    told, untold = instances(models="layered"), instances()
    for one, two in zip(some(told, 10, 3), some(untold, 10, 3)):
        assert encode(one) == encode(two) and isinstance(one.network, Network)


def test_any_draws_layered_networks_and_the_homogeneous_families(monkeypatch):
    family = Gated()
    monkeypatch.setattr(Toy, "is_homogeneous", property(lambda self: self.of is not family))
    monkeypatch.setattr(drawn_models, "BUILT_IN", {"gated": GATED, "other": family})
    found = {each.network.family for each in some(instances(models="any", starts="gaussian"), 60)}
    assert found == {None, GATED}
    assert drawn_models.kinds(("any",)) == ("layered", GATED)


def test_half_of_any_models_are_layered_and_families_are_drawn_equally_often():
    found = Counter(
        each.network.family for each in some(instances(models="any", starts="gaussian"), 600)
    )
    assert 240 < found.pop(None) < 360
    families = set(drawn_models.kinds(("any",), {"lipschitz"})) - {"layered"}
    assert set(found) == families and min(found.values()) > 600 / 2 / len(families) / 3


def test_models_without_what_is_needed_are_not_drawn_and_nothing_makes_such_of_others():
    strategy = instances(models="any", needs=("superquadratic", "groups"), starts="gaussian")
    found = some(strategy, 120)
    assert all(each.network.order > 2 and len(each.network.groups) > 1 for each in found)
    names = {each.network.family.name for each in found if each.network.family}
    assert "diagonal" in names and not names & {"sensing", "depths", "residual", "max_pooling"}
    diagonal = next(each for each in found if str(each.network.family) == "diagonal")
    assert diagonal.network.order > 2
    quadratic = next(each for each in some(instances(models="diagonal")) if each.network.order == 2)
    with pytest.raises(Inapplicable, match="a model with an order D > 2, two groups of weights"):
        strategy.admit(quadratic)
    with pytest.raises(ValueError, match=r"'order' is nothing that a model has; possible: .*group"):
        instances(needs="order")


def test_general_theorems_draw_few_models_that_they_are_not_about():
    load_claims()
    general = [
        each
        for each in registered().values()
        if each.kind is THEOREM and not {Need.LAYERED, Need.QUADRATIC} & each.needs
    ]
    assert len(general) == 25
    for strategy in {each.given.stream: each.given for each in general}.values():
        claims = [each for each in general if each.given.stream == strategy.stream]
        drawn = some(replace_starts(strategy), 80)
        for claim in claims:
            assert sum(not claim.suits(each.network) for each in drawn) <= 20, claim.id
            assert any(each.network.family for each in drawn)


def replace_starts(strategy):
    """The strategy with starts that need no flow."""
    if "starts" in strategy.declared:
        return strategy.with_parts(options=strategy.options | {"starts": STARTS})
    return strategy


def test_kinked_families_are_drawn_where_no_gradient_needs_to_be_lipschitz(monkeypatch):
    kinked = Gated()
    is_lipschitz = property(lambda self: self.of is not kinked)
    monkeypatch.setattr(Toy, "has_lipschitz_gradient", is_lipschitz)
    strict = instances(models=(GATED, kinked), starts="gaussian")
    loose = instances(models=(GATED, kinked), starts="gaussian", lipschitz=False)
    assert {each.network.family for each in some(strict)} == {GATED}
    assert {each.network.family for each in some(loose)} == {GATED, kinked}


def test_data_can_be_drawn_with_a_given_number_of_columns():
    for d in (1, 2, 5, 12):
        found = some(families().columns(d), 80)
        assert {each.X.shape[1] for each in found} == {d}
        left_out = set(FAMILIES) - {each.family for each in found}
        assert left_out <= ({"d=1"} if d > 1 else set())
    with pytest.raises(Unsatisfiable, match="no such data have d = 4"):
        some(families(max_dimension=3).columns(4), 5)
    with pytest.raises(Unsatisfiable, match="no such data have d = 2"):
        some(families(only=("d=1",)).columns(2), 5)


@composite
def table(draw, d):
    seed = draw.integer(0, 2**32 - 1)
    rng = np.random.default_rng(seed)
    return Sample(rng.standard_normal((3, d)), "table", seed, rng.standard_normal((3, 1)))


def test_data_of_the_users_own_fix_the_sizes():
    strategy = instances(models=(GATED, SENSING), starts=STARTS)
    found = some(strategy.strategy(table(6)), 60)
    assert {each.problem.X.shape[1] for each in found} == {6}
    sizes = [each.network.sizes for each in found if each.network.family is SENSING]
    assert {(each["rows"], each["columns"]) for each in sizes} == {(2, 3), (3, 2)}
    with pytest.raises(Unsatisfiable, match="no sizes of toy_sensing have d = 5"):
        some(instances(models=SENSING, starts=STARTS).strategy(table(5)), 5)


def test_outputs_that_a_family_fixes_are_those_asked_for_or_it_is_turned_down():
    assert {
        each.network.width for each in some(instances(models=GATED, outputs=3, starts=STARTS))
    } == {3}
    with pytest.raises(Unsatisfiable, match="no sizes of toy_sensing have m = 2"):
        some(instances(models=SENSING, outputs=2), 5)


def test_options_of_layers_do_not_go_with_other_models():
    with pytest.raises(ValueError, match=r"powers=.*it is about layered networks, and models are"):
        instances(models=(GATED,), powers=(2,))
    with pytest.raises(
        ValueError, match=r"'gate' is no family of models; possible: any, .*layered"
    ):
        instances(models="gate")
    assert instances(models=GATED, shared=False)


@given
@composite
def own(draw, data):
    return draw(data)


def test_claims_that_draw_no_such_models_are_named_with_the_reason():
    claims = {
        "a": claim_of(instances()),
        "b": claim_of(instances(only_dense=True)),
        "c": claim_of(rank_one_points()),
        "d": claim_of(own()),
    }
    claims = [replace(each, id=f"t.{name}") for name, each in claims.items()]
    claims[0] = replace(claims[0], covers=(("layers", "dense"),))
    assert unsuited(claims, (GATED,)) == {
        "t.b": "it is about layers: only_dense=True",
        "t.c": "rank_one_points draws models of its own",
        "t.d": "own draws models of its own",
    }
    assert unsuited(claims, None) == {}
    found = about(claims[0], (SENSING,))
    assert found.given.options == {"models": (SENSING,)} and found.covers == ()
    assert about(claims[0], None) is claims[0]


def test_streams_are_those_of_the_families_names():
    one, two = (about(claim_of(instances()), (each,)).stream for each in (GATED, Gated()))
    assert one == two != about(claim_of(instances()), (SENSING,)).stream
