"""Specifications of networks: orders, patterns, and the way between weight matrices and flat
vectors.
"""

import numpy as np
import pytest

from ncfcheck.model.networks import (
    DENSE,
    Network,
    Pattern,
    blocks,
    convolution,
    dense,
    diagonal,
    masked,
)
from tests.support import reference

ZOO = reference.zoo()


@pytest.fixture(params=ZOO.values(), ids=ZOO.keys())
def network(request):
    return request.param


@pytest.mark.parametrize(
    ("powers", "orders", "order"),
    [
        ((1,), (1, 1), 2),
        ((2,), (2, 1), 3),
        ((1, 1, 1), (1, 1, 1, 1), 4),
        ((2, 2), (4, 2, 1), 7),
        ((2, 2, 2), (8, 4, 2, 1), 15),
        ((3, 1, 2), (6, 2, 2, 1), 11),
    ],
)
def test_orders_are_products_of_the_powers_above(powers, orders, order):
    """P_l = Π_{j≥l} p_j and D = Σ P_l (theory §1)."""
    network = dense((2, *[2] * len(powers), 1), powers, (0.5,) * len(powers))
    assert (network.orders, network.order, network.depth) == (orders, order, len(powers) + 1)


def test_orders_are_those_of_the_output_in_each_layer(network):
    """H(c_l θ_l) = c^{P_l} H(θ), measured on the plain network."""
    theta, X, _ = reference.problem(network, 0)
    for part, order in zip(network.slices, network.orders):
        scaled = theta.copy()
        scaled[part] *= 2
        np.testing.assert_allclose(
            reference.outputs(network, scaled, X),
            2.0**order * reference.outputs(network, theta, X),
            rtol=1e-12,
        )


@pytest.mark.parametrize(
    ("powers", "slopes", "lipschitz"),
    [
        ((2,), (0.0,), True),
        ((1,), (1.0,), True),
        ((1,), (0.5,), False),
        ((2, 1), (0.0, 0.0), False),
        ((1, 3), (1.0, -1.0), True),
    ],
)
def test_gradients_are_lipschitz_without_kinks_of_first_order(powers, slopes, lipschitz):
    assert dense((2, *[2] * len(powers), 1), powers, slopes).has_lipschitz_gradient is lipschitz


def test_matrices_are_those_of_the_plain_reference(network):
    theta = np.random.default_rng(0).standard_normal(network.size)
    for ours, theirs in zip(
        network.matrices(theta), reference.matrices(network, theta), strict=True
    ):
        np.testing.assert_array_equal(ours, theirs)


def test_flatten_undoes_matrices(network):
    theta = np.random.default_rng(1).standard_normal(network.size)
    np.testing.assert_array_equal(network.flatten(network.matrices(theta)), theta)


def test_slices_partition_the_weights(network):
    assert [index for part in network.slices for index in range(part.start, part.stop)] == list(
        range(network.size)
    )
    assert tuple(part.stop - part.start for part in network.slices) == network.parameter_counts


def test_every_parameter_stands_somewhere(network):
    for pattern, count, columns, rows in zip(
        network.patterns,
        network.parameter_counts,
        network.widths[:-1],
        network.widths[1:],
        strict=True,
    ):
        numbers = pattern.expand(rows, columns)
        assert set(numbers.ravel()) - {-1} == set(range(count))


def test_a_layout_says_where_every_entry_comes_from(network):
    theta = np.random.default_rng(2).standard_normal(network.size)
    layout = network.layout
    entries = np.concatenate([W.ravel() for W in network.matrices(theta)])
    expanded = np.where(layout.index >= 0, theta[layout.index], 0.0) if layout.index.size else theta
    np.testing.assert_array_equal(expanded, entries)
    assert layout.offsets[-1] == len(entries) and tuple(layout.widths) == network.widths
    assert bool(layout.index.size) == any(not pattern.is_dense for pattern in network.patterns)


def test_a_mask_strikes_out_entries():
    W = Network((3, 2, 1), (2,), (0.5,), (masked([[1, 0, 1], [0, 1, 0]]), DENSE)).matrices(
        np.arange(1.0, 6.0)
    )[0]
    assert W.tolist() == [[1, 0, 2], [0, 3, 0]]


def test_blocks_split_a_layer_into_parts_that_do_not_meet():
    W = Network((4, 4, 1), (2,), (0.5,), (blocks(4, 4, 2), DENSE)).matrices(np.arange(1.0, 13.0))[0]
    assert W.tolist() == [[1, 2, 0, 0], [3, 4, 0, 0], [0, 0, 5, 6], [0, 0, 7, 8]]


@pytest.mark.parametrize(
    ("rows", "columns", "expected"),
    [(2, 3, [[1, 0, 0], [0, 2, 0]]), (3, 2, [[1, 0], [0, 2], [3, 0]]), (2, 2, [[1, 0], [0, 2]])],
)
def test_a_diagonal_wraps_round(rows, columns, expected):
    network = Network((columns, rows, 1), (2,), (0.5,), (diagonal(rows, columns), DENSE))
    assert network.matrices(np.arange(1.0, 1 + network.size))[0].tolist() == expected


def test_a_convolution_shares_one_kernel_round_the_circle():
    W = Network((4, 3, 1), (2,), (0.5,), (convolution(3, 4, 2), DENSE)).matrices(
        np.arange(1.0, 6.0)
    )[0]
    assert W.tolist() == [[1, 2, 0, 0], [0, 1, 2, 0], [0, 0, 1, 2]]


def test_only_convolutions_share_weights():
    assert convolution(3, 4, 2).is_shared and not convolution(1, 4, 2).is_shared
    assert not any(
        pattern.is_shared for pattern in (DENSE, masked(np.eye(3)), blocks(4, 4, 2), diagonal(5, 3))
    )
    assert Pattern("hand-made", ((0, 0),)).is_shared


@pytest.mark.parametrize(
    "broken",
    [
        lambda: dense((3, 1), (), ()),
        lambda: dense((3, 4, 1), (2, 2), (0.5, 0.5)),
        lambda: dense((3, 4, 1), (2,), ()),
        lambda: dense((3, 4, 1), (0,), (0.5,)),
        lambda: dense((3, 0, 1), (2,), (0.5,)),
        lambda: dense((3, 4, 1), (2,), (1.5,)),
        lambda: dense((3, 4, 1), (2,), (float("nan"),)),
        lambda: Network((3, 4, 1), (2,), (0.5,), (DENSE,)),
        lambda: Network((3, 4, 1), (2,), (0.5,), (diagonal(3, 4), DENSE)),
    ],
)
def test_what_is_not_a_network_of_the_theory_is_refused(broken):
    with pytest.raises(ValueError):
        broken()


def test_equal_specifications_are_equal_and_hash_alike():
    one, two = (Network((3, 3, 1), (2,), (0.5,), (convolution(3, 3, 2), DENSE)) for _ in range(2))
    assert one == two and hash(one) == hash(two) and one != dense((3, 3, 1), (2,), (0.5,))


def test_a_description_is_one_line_that_tells_networks_apart():
    lines = [network.describe() for network in ZOO.values()]
    assert len(set(lines)) == len(lines) and not any("\n" in line for line in lines)
    assert dense((3, 4, 1), (2,), (0.5,)).describe() == "3-4-1 dense p=2 α=0.5 D=3"
