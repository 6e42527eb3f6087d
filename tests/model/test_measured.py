"""What is measured of a network of one's own, and what is told where it is not of the theory."""

import itertools
import re

import numpy as np
import pytest

from ncfcheck import CannotRun, OwnModel
from tests.support.own_models import chain

SEEDS = range(200)


def right_model(rng: np.random.Generator) -> tuple[OwnModel, tuple[int, ...], bool]:
    """A right model, the orders of its groups, and whether its gradient is Lipschitz."""
    depth, power = int(rng.integers(2, 5)), int(rng.integers(1, 4))
    widths = tuple(int(each) for each in rng.integers(1, 4, depth + 1))
    slope = float(rng.choice([0.0, 0.25, 1.0]))
    if rng.random() < 0.3:
        orders = [2 ** (depth - 2 - l) for l in range(depth - 1)]
        return chain(widths, gated=True), (*orders, 1, *orders), True
    orders = [power ** (depth - 1 - l) for l in range(depth)]
    return chain(widths, power, slope), tuple(orders), power > 1 or slope == 1


@pytest.mark.parametrize("part", range(4))
def test_of_200_random_right_models_orders_and_kinks_are_found_as_they_are(part):
    for seed in SEEDS[part::4]:
        model, orders, is_lipschitz = right_model(np.random.default_rng(seed))
        found = model.measured
        assert found.orders == orders and found.order == sum(orders), seed
        assert found.has_lipschitz_gradient == is_lipschitz, seed


def by_differences(outputs, shapes, inputs: int) -> OwnModel:
    """A model in numpy whose pull-back, by differences, is right to 1e-9: enough to be measured."""

    def pull_back(X, w, r):
        def value(name, index, step):
            moved = {each: np.array(array) for each, array in w.items()}
            moved[name][index] += step
            return np.vdot(r, outputs(X, moved))

        return {
            name: np.array(
                [
                    (value(name, i, 1e-5) - value(name, i, -1e-5)) / 2e-5
                    for i in itertools.product(*map(range, shape))
                ]
            ).reshape(shape)
            for name, shape in shapes.items()
        }

    return OwnModel.numpy(outputs, pull_back, shapes, inputs=inputs)


def relu(z):
    return np.maximum(z, 0)


def normalised(z, eps=1e-5):
    centred = z - z.mean(axis=-1, keepdims=True)
    return centred / np.sqrt((centred**2).mean(axis=-1, keepdims=True) + eps)


def softmax(z):
    powers = np.exp(z - z.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def attention(X, w):
    tokens = X.reshape(-1, 3, 2)
    scores = np.einsum("nti,ij,kj,nuk->ntu", tokens, w["Q"], w["K"], tokens)
    return np.einsum("ntu,nuj,kj->nk", softmax(scores), tokens, w["V"])


V, W, A = (1, 4), (4, 2), (4, 4)
PLANTED = {
    "a bias in the second layer": (
        lambda X, w: relu(relu(X @ w["W"].T) @ w["A"].T + w["b"]) @ w["V"].T,
        {"W": W, "A": A, "b": (4,), "V": V},
        "without 'b' it is homogeneous of order 3: a bias",
    ),
    "a bias of the output": (
        lambda X, w: relu(X @ w["W"].T) @ w["V"].T + w["c"],
        {"W": W, "V": V, "c": (1,)},
        "without 'c' it is homogeneous of order 2: a bias",
    ),
    "biases in every layer": (
        lambda X, w: (
            relu(relu(X @ w["W"].T + w["a"]) @ w["A"].T + w["b"]) @ w["V"].reshape(2, 4).T + w["c"]
        ),
        {"W": W, "a": (4,), "A": A, "b": (4,), "V": (2, 4), "c": (2,)},
        "without 'a', 'b', 'c' it is homogeneous of order 3: biases",
    ),
    "layer normalisation": (
        lambda X, w: normalised(X @ w["W"].T) @ w["V"].T,
        {"W": W, "V": V},
        "its order in 'W' is 0 but for a small number: a normalisation with an ε",
    ),
    "normalisation without an ε": (
        lambda X, w: normalised(X @ w["W"].T, 0.0) @ w["V"].T,
        {"W": W, "V": V},
        "its order in 'W' is 0, so that its gradient is not Lipschitz where 'W' is 0: is 'W' norm",
    ),
    "softmax attention": (
        attention,
        {"Q": (2, 2), "K": (2, 2), "V": (2, 2)},
        "outputs are bounded in 'Q', 'K', and not 0 without: a softmax or sigmoid",
    ),
    "branches of unequal order": (
        lambda X, w: X @ w["W"].T @ w["V"].T + X @ w["A"].T @ w["B"].T @ w["C"].T,
        {"W": W, "V": V, "A": W, "B": A, "C": V},
        "it is homogeneous of order 3: a branch of lower order",
    ),
    "a residual connection": (
        lambda X, w: X + relu(X @ w["W"].T) @ w["V"].T,
        {"W": W, "V": (2, 4)},
        "a part that no weight multiplies, such as a residual connection",
    ),
    "a constant inside": (
        lambda X, w: relu(X @ w["W"].T + 0.5) @ w["V"].T,
        {"W": W, "V": V},
        "the order goes from 1 at small weights to 2 at large ones: branches of unequal order, or "
        "a constant inside",
    ),
    "tanh": (
        lambda X, w: np.tanh(X @ w["W"].T) @ w["V"].T,
        {"W": W, "V": V},
        "outputs are bounded in 'W': a bounded activation such as tanh",
    ),
    "SiLU": (
        lambda X, w: (lambda z: z / (1 + np.exp(-z)))(X @ w["W"].T) @ w["V"].T,
        {"W": W, "V": V},
        "not homogeneous, such as GELU, SiLU or softplus",
    ),
    "log-periodic, for c = 2 as if homogeneous": (
        lambda X, w: (lambda s: X @ w["W"].T * (2 + np.sin(2 * np.pi * np.log2(s))))(
            np.linalg.norm(w["W"])
        ),
        {"W": (1, 2)},
        "all weights times",
    ),
    "an order of 0 in a group": (
        lambda X, w: X @ (w["W"] / np.linalg.norm(w["W"])).T @ w["V"].T,
        {"W": W, "V": V},
        "its order in 'W' is 0, so",
    ),
    "no weights that matter": (
        lambda X, w: 0 * (X @ w["W"].T),
        {"W": (1, 2)},
        "outputs are 0 at 32 random weights",
    ),
    "single precision inside": (
        lambda X, w: (
            ((X @ w["W"].T).astype(np.float32) @ w["V"].T.astype(np.float32)) * 1.0 + 0.0 * X[:, :1]
        ),
        {"W": W, "V": V},
        "it computes in single precision somewhere",
    ),
}


@pytest.mark.parametrize("name", PLANTED)
def test_what_keeps_a_network_from_being_homogeneous_is_named(name):
    outputs, shapes, told = PLANTED[name]
    inputs = 6 if name == "softmax attention" else 2
    with pytest.raises(CannotRun) as refused:
        _ = by_differences(outputs, shapes, inputs).order
    message = str(refused.value)
    assert told in message and "\n" not in message
    if "it is not homogeneous" in message:
        assert len(set(re.findall(r"\(draw (\d)\)", message))) == 2, message


def test_orders_that_are_no_integers_are_kept_where_they_are_exact():
    def outputs(X, w):
        return (np.abs(X @ w["W"].T) ** 1.5) @ w["V"].T

    found = by_differences(outputs, {"W": W, "V": V}, 2).measured
    assert (found.order, found.orders) == (2.5, (1.5, 1))
    assert not found.has_lipschitz_gradient  # like |z|^½ at 0


def test_a_group_in_which_it_is_not_homogeneous_alone_has_no_order():
    def outputs(X, w):
        return relu(X @ w["A"].T) @ w["B"].T + relu(X @ w["C"].T) @ w["D"].T

    shapes = {"A": W, "B": V, "C": W, "D": V, "unused": (2,)}
    found = by_differences(outputs, shapes, 2).measured
    assert (found.order, found.orders) == (2, (None,) * 5)


PLACES = {
    "W0": lambda place, array: _times(place == "W0", array, 2.0),
    "W1": lambda place, array: _times(place == "W1", array, -1.0),
    "W2": lambda place, array: _times(place == "W2", array, 1.001),
    "W2, without the last sample's": lambda place, array: (
        array[:, :1] * 0 + array if place != "W2" else array * np.array([[1, 1, 0.5]])
    ),
    "one entry of W1": lambda place, array: _at(place == "W1", array, (2, 0)),
    "one entry of W0": lambda place, array: _at(place == "W0", array, (0, 1)),
    "W1 transposed": lambda place, array: array.T if place == "W1" else array,
    "slope": lambda place, array: _times(place == "slope", array, 0.5),
    "delta": lambda place, array: array[:, ::-1] if place == "delta" else array,
    "last delta": lambda place, array: np.abs(array) if place == "last delta" else array,
}


def _times(is_here, array, factor):
    return array * factor if is_here else array


def _at(is_here, array, index):
    if is_here:
        array = array.copy()
        array[index] += 0.3
    return array


GROUP = {"slope": "W0", "delta": "W0", "last delta": "W0"}


@pytest.mark.parametrize("place", PLACES)
def test_a_pull_back_with_a_mistake_in_one_of_ten_places_is_told_where(place):
    model = chain((2, 3, 3, 2), power=2, spoil=PLACES[place])
    with pytest.raises(CannotRun, match="pull_back is not that of the outputs") as refused:
        _ = model.order
    group = GROUP.get(place) or re.search(r"W\d", place)[0]
    assert f"entries of '{group}' are wrong" in str(refused.value)
    if "entry" in place:
        index = {"W1": "(2, 0)", "W0": "(0, 1)"}[group]
        assert f": 1 of {9 if group == 'W1' else 6} entries" in str(refused.value)
        assert f"such as {index}" in str(refused.value)


def test_what_a_mistake_looks_like_is_told():
    for place, told in [
        ("W0", "all are 2 times what is right"),
        ("W1 transposed", "is it transposed?"),
    ]:
        with pytest.raises(CannotRun, match=re.escape(told)):
            _ = chain((2, 3, 3, 2), spoil=PLACES[place]).order
