"""Moves and rebuilding: what comes out is what the claim's strategy promises, or a refusal."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ncfcheck.core.claims import Claim, Inapplicable, Outcome, Unresolved, registered
from ncfcheck.core.loading import load_claims
from ncfcheck.model.instance import Instance
from ncfcheck.model.losses import Loss
from ncfcheck.model.ncf import Problem
from ncfcheck.model.networks import DENSE, Network, masked
from ncfcheck.strategies import moves
from ncfcheck.strategies.draw import draw
from ncfcheck.verdicts.judging import judge
from tests.support.layered import layered

load_claims()
STRUCTURED = [
    id
    for id in registered()
    if id.startswith("rank_one.")
    or id
    in (
        "control.signless",
        "control.nonuniform",
        "control.unbalanced",
        "control.any_direction",
        "control.sparse_layers",
        "control.equal_entries",
        "control.flat_entries",
        "control.blind_input",
        "control.two_sided",
        "control.slope_outside",
        "control.every_kkt_rank_one",
    )
]
OTHERS = [
    "homogeneity.euler",
    "kkt.one_sample",
    "control.shared_balance",
    "control.biases",
    "control.kinks",
    "control.any_negative_point",
]


def drawn(claim: Claim, count: int, seed: int = 3) -> list:
    """Instances on layered networks that meet the claim's hypotheses."""
    seen = list(draw(layered(claim).strategy(), count, seed, simplest=False))
    return [each for each in seen if judge(claim, each)[0] is not Outcome.INAPPLICABLE]


def rebuilds(claim: Claim) -> bool:
    return getattr(claim.given, "promise", None) is not None


@pytest.mark.parametrize("id", [id for id in (*STRUCTURED, *OTHERS) if rebuilds(registered()[id])])
def test_an_instance_as_drawn_is_rebuilt_as_it_was(id):
    claim = registered()[id]
    for instance in drawn(claim, 4):
        again = moves.rebuilt(claim, instance)
        assert np.allclose(again.start, instance.start, atol=1e-9)
        assert judge(claim, again)[0] is judge(claim, instance)[0]


def every_move(instance):
    """The instance after each kind of move."""
    network, (n, d) = instance.network, instance.problem.X.shape
    hidden = range(network.depth - 1)
    return [
        lambda: moves.with_samples(instance, range(n - 1)),
        lambda: moves.without_dimension(instance, d - 1),
        lambda: moves.without_output(instance, 0),
        *(lambda l=l: moves.without_neuron(instance, l, 0) for l in hidden),
        *(lambda l=l: moves.without_layer(instance, l) for l in hidden),
        *(lambda l=l: moves.with_dense_layer(instance, l) for l in hidden),
        lambda: moves.with_activations(instance, powers=[2] * (network.depth - 1)),
        lambda: moves.with_activations(instance, slopes=[0.5] * (network.depth - 1)),
        lambda: moves.with_loss(instance, Loss.LOGISTIC),
        lambda: moves.with_array(instance, "X", np.rint(3 * instance.problem.X) + 1),
        lambda: moves.with_array(instance, "y", -instance.problem.y),
        lambda: moves.reshaped(
            instance, widths=(2, 3, 2, 1), powers=(2, 1), slopes=(0.0, 1.0), samples=4, seed=1
        ),
    ]


def after_every_move(claim, instances):
    for instance in instances:
        for move in every_move(instance):
            try:
                yield moves.rebuilt(claim, move())
            except (Inapplicable, Unresolved, IndexError, ValueError):
                continue


@pytest.mark.parametrize("id", [*STRUCTURED, *OTHERS])
def test_no_move_leads_out_of_what_a_theorem_covers_or_breaks_an_instance(id):
    """A theorem stays true on whatever is rebuilt: a broken promise would show as a violation."""
    claim = registered()[id]
    found = list(after_every_move(claim, drawn(claim, 12)[:3]))
    assert found or not rebuilds(claim)
    for each in found:
        assert each.start.shape == (each.network.size,) and np.linalg.norm(
            each.start
        ) == pytest.approx(1)
        outcome, margin = judge(claim, each)
        assert not margin.note.startswith("error: ")
        assert claim.kind == "control" or outcome is not Outcome.VIOLATES


@pytest.mark.parametrize("id", ["rank_one.sufficient", "control.signless", "control.unbalanced"])
def test_moves_of_structured_points_lead_to_structured_points(id):
    claim = registered()[id]
    for each in after_every_move(claim, drawn(claim, 6)[:3]):
        matrices = each.network.matrices(each.start)
        assert len(each.profiles) == len(each.signs) == each.network.depth - 1
        assert [each.u.size, *(e.size for e in each.profiles)] == list(each.network.widths[:-1])
        assert np.allclose(matrices[0], np.outer(each.profiles[0], each.u) * each.norms[0])


def an_instance():
    return drawn(registered()["control.biases"], 6)[0]


def test_smaller_networks_compute_what_is_left_of_the_larger_one():
    claim = registered()["homogeneity.euler"]
    instance = next(
        each
        for each in drawn(claim, 20)
        if each.network.widths[1] > 1 and all(p.is_dense for p in each.network.patterns)
    )
    silent = instance.network.matrices(instance.start)
    silent[1][:, 0] = 0.0
    silent[0][0] = 0.0
    silent = replace(instance, start=moves.normalised(instance.network.flatten(silent)))
    smaller = moves.without_neuron(silent, 0, 0)
    assert np.allclose(smaller.problem.outputs(smaller.start), silent.problem.outputs(silent.start))


def test_a_layer_left_out_multiplies_its_neighbours():
    instance = next(
        each
        for each in drawn(registered()["homogeneity.euler"], 60)
        if each.network.depth == 3 and all(pattern.is_dense for pattern in each.network.patterns)
    )
    first, second, third = instance.network.matrices(instance.start)
    smaller = moves.without_layer(instance, 0)
    merged, last = smaller.network.matrices(smaller.start)
    assert np.allclose(merged * third[0, 0], second @ first * last[0, 0])
    assert smaller.network.powers == instance.network.powers[1:]


def test_patterns_keep_their_zeros_and_sharing():
    instances = drawn(registered()["homogeneity.euler"], 300)  # 3 % are such
    shared = next(
        each
        for each in instances
        if each.network.patterns[0].is_shared and each.network.widths[1] > 2
    )
    smaller = moves.without_neuron(shared, 0, 1)
    before, after = (each.network.matrices(each.start)[0] for each in (shared, smaller))
    assert smaller.network.patterns[0].is_shared
    assert np.allclose(np.delete(before, 1, axis=0) == 0, after == 0)


def test_what_was_drawn_is_told_from_what_was_moved():
    instance = an_instance()
    assert moves.with_array(instance, "X", 2 * instance.problem.X).families["data"] == moves.MOVED
    assert moves.with_array(instance, "start", 2 * instance.start).families["start"] == moves.MOVED
    assert (
        moves.with_array(instance, "slopes", [1.0] * len(instance.network.slopes)).families
        == instance.families
    )


def test_other_losses_see_the_same_pseudo_labels():
    drawn_one = an_instance()
    signs = Loss.LOGISTIC.labels.fit(drawn_one.problem.y - 0.5)
    instance = moves.changed(drawn_one, y=signs, loss=Loss.LOGISTIC)
    for loss in (Loss.SQUARE, Loss.EXPONENTIAL, Loss.HUBER):
        other = moves.with_loss(instance, loss)
        assert np.array_equal(other.ncf.ybar, instance.ncf.ybar)


@pytest.mark.parametrize("move", ["without_dimension", "without_output"])
def test_what_cannot_be_smaller_is_refused(move):
    instance = moves.reshaped(
        an_instance(), widths=(1, 2, 1), powers=(2,), slopes=(1.0,), samples=2
    )
    with pytest.raises(Inapplicable):
        getattr(moves, move)(instance, 0)
    with pytest.raises(Inapplicable):
        moves.with_samples(instance, [])
    assert (
        np.ptp(
            moves.changed(
                instance, matrices=[0 * W for W in instance.network.matrices(instance.start)]
            ).start
        )
        == 0
    )
    with pytest.raises(Inapplicable):
        moves.with_array(instance, "start", 0 * instance.start)
    with pytest.raises(Inapplicable):
        moves.with_activations(instance, slopes=[2.0])


def test_what_a_strategy_does_not_draw_is_refused():
    claim = registered()["control.degree_two"]
    instance = drawn(claim, 5)[0]
    with pytest.raises(Inapplicable, match="powers"):
        moves.rebuilt(claim, moves.with_activations(instance, powers=[2]))


def test_a_strategy_that_promises_nothing_is_not_guessed_at():
    from hypothesis import strategies as st

    claim = replace(registered()["control.degree_two"], given=st.just(1))
    with pytest.raises(Inapplicable, match="nothing is known"):
        moves.rebuilt(claim, 1)


def with_mask(depth_of_mask):
    """Three layers of widths 2, one of which lacks a weight."""
    patterns = [DENSE, DENSE, DENSE]
    patterns[depth_of_mask] = masked([[False, True], [True, True]])
    network = Network((2, 2, 2, 1), (1, 2), (1.0, 0.5), tuple(patterns))
    problem = Problem(network, np.eye(2), np.ones((2, 1)))
    start = np.arange(1.0, network.size + 1)
    return Instance(problem, start / np.linalg.norm(start))


@pytest.mark.parametrize("layer", [0, 1])
def test_a_masked_layer_left_out_loses_no_entry_of_the_product(layer):
    instance = with_mask(layer)
    first, second, third = instance.network.matrices(instance.start)
    smaller = moves.without_layer(instance, 0)
    merged, last = smaller.network.matrices(smaller.start)
    assert np.allclose(merged * third[0, 0], second @ first * last[0, 0])
    assert smaller.network.patterns[0].is_dense


def test_of_two_matrices_one_may_stay_with_its_pattern():
    instance = with_mask(0)
    first, second, third = instance.network.matrices(instance.start)
    for left, stays in enumerate((second, first)):
        smaller = moves.without_matrix(instance, 0, left)
        matrix, last = smaller.network.matrices(smaller.start)
        assert np.allclose(matrix * third[0, 0], stays * last[0, 0])
        assert smaller.network.patterns[0] == instance.network.patterns[1 - left]
    with pytest.raises(Inapplicable, match="fit"):
        moves.without_matrix(instance, 1, 1)
