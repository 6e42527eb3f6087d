"""Built-in families against formulas written out once more, and what they say of themselves."""

import json
import re
from fractions import Fraction
from itertools import product

import numpy as np
import pytest

from ncfcheck.core.tolerances import EPS
from ncfcheck.model.architectures import BUILT_IN, Architecture
from ncfcheck.model.architectures.biases import Biased, biased_instance
from ncfcheck.model.architectures.built_in import family
from ncfcheck.model.encoding import BadWitness, decode, encode
from ncfcheck.model.instance import Instance
from ncfcheck.model.ncf import Ncf, Problem
from ncfcheck.model.networks import Network, dense, masked
from tests.support import ROOT
from tests.support.formulas import RATIONAL, Dual, drawn, outputs

CONTROLS = ("biased", "normalised", "softmax_attention", "unequal_branches")
STEP = 1e-100  # along the imaginary axis
SEEDS = range(6)
# Formulas add in another order than programs do: both err by at most the bound.
BOTH = 2.0


@pytest.fixture(params=BUILT_IN)
def name(request) -> str:
    return request.param


@pytest.fixture(params=RATIONAL)
def rational(request) -> str:
    return request.param


def steps(model, X, w, r):
    """∇N by complex steps of the formula, (P,)."""
    moved = w + 1j * STEP * np.eye(w.size)
    return np.array([(r * outputs(model, X, each)).sum().imag / STEP for each in moved])


@pytest.mark.parametrize("seed", SEEDS)
def test_outputs_and_gradients_are_those_of_the_formula(name, seed):
    model, X, w, r = drawn(name, seed)
    on_data = model.on(X)
    value, gradient = on_data.pull_back(w, r)
    bound, gradient_bound = on_data.bounds(w, r)
    expected = outputs(model, X, w)
    assert np.all(abs(on_data.outputs(w) - expected) <= BOTH * on_data.output_bound(w))
    assert abs(value - (r * expected).sum()) <= BOTH * bound
    assert np.all(abs(gradient - steps(model, X, w, r)) <= BOTH * gradient_bound)


@pytest.mark.parametrize("seed", SEEDS)
def test_bounds_hold_the_errors_that_rational_arithmetic_tells_and_are_tight(rational, seed):
    model, X, w, r = drawn(rational, seed)
    assert_bounded(model, X, w, r, seed)
    bound = model.on(X).bounds(w, r)[0]
    assert bound <= 1e3 * EPS * (abs(r) * outputs(model, abs(X), abs(w))).sum()


@pytest.mark.parametrize("seed", SEEDS)
def test_bounds_hold_where_terms_cancel_and_kinks_are_near(rational, seed):
    model, X, w, r = drawn(rational, seed)
    rng, grid = np.random.default_rng(seed), (-0.4, -0.3, -0.1, 0.1, 0.3, 0.4)
    assert_bounded(model, *(rng.choice(grid, each.shape) for each in (X, w, r)), seed)


def assert_bounded(model, X, w, r, seed):
    """That N and three entries of ∇N are off by no more than their bounds."""
    exact = [np.vectorize(Fraction, otypes=[object])(each) for each in (X, w, r)]
    value, gradient = model.on(X).pull_back(w, r)
    bound, gradient_bound = model.on(X).bounds(w, r)
    assert abs(Fraction(value) - (exact[2] * outputs(model, *exact[:2])).sum()) <= bound
    for number in np.random.default_rng(seed).integers(0, w.size, 3):
        moved = np.array(
            [Dual(each, Fraction(int(k == number))) for k, each in enumerate(exact[1])]
        )
        slope = (exact[2] * outputs(model, exact[0], moved)).sum().slope
        assert abs(Fraction(gradient[number]) - slope) <= gradient_bound[number]


@pytest.mark.parametrize("seed", SEEDS)
def test_second_derivatives_are_differences_of_gradients(name, seed):
    model, X, w, r = drawn(name, seed)
    on_data, rng = model.on(X), np.random.default_rng(seed)
    direction, h = rng.standard_normal(w.size), 1e-6
    up, down = (on_data.pull_back(w + step * direction, r)[1] for step in (h, -h))
    curvature, scale = on_data.curvature(w, r), abs(on_data.hessian(w, r)).max() + 1
    assert np.allclose((up - down) / (2 * h), curvature.product(direction), atol=1e-5 * scale)
    assert np.allclose(curvature.matrix() @ direction, curvature.product(direction))
    assert np.array_equal(curvature.matrix(), curvature.matrix().T)
    pulled = r.T.ravel() @ curvature.output_jacobian()
    assert np.allclose(pulled, on_data.pull_back(w, r)[1])
    assert np.array_equal(curvature.outputs, on_data.outputs(w).T)


def test_second_derivatives_survive_weights_and_directions_of_any_scale():
    model, X, w, r = drawn("gated", 0)
    curvature = model.on(X).curvature(w, r)
    expected = curvature.product(w)
    tiny = curvature.product(1e-150 * w)
    assert np.allclose(1e150 * tiny, expected, rtol=1e-12)
    assert not curvature.product(0 * w).any()


@pytest.mark.parametrize("seed", SEEDS)
def test_models_have_the_order_that_they_name_and_controls_have_none(name, seed):
    model, X, w, _ = drawn(name, seed)
    values = model.on(X).outputs(w)
    scaled = model.on(X).outputs(2 * w)  # by a power of two: exactly
    assert model.is_homogeneous is (name not in CONTROLS)
    assert np.array_equal(scaled, 2.0**model.order * values) is model.is_homogeneous
    assert model.is_homogeneous or not _is_power(scaled, values)


@pytest.mark.parametrize("seed", SEEDS)
def test_groups_have_the_order_that_they_name_and_only_where_they_have_one(name, seed):
    model, X, w, _ = drawn(name, seed)
    values = model.on(X).outputs(w)
    for group in model.groups:
        moved = w.copy()
        moved[group.part] *= 2
        found = model.on(X).outputs(moved)
        if group.order is None:
            assert not _is_power(found, values)
        else:
            assert np.array_equal(found, 2.0**group.order * values)
    assert [group.part.stop for group in model.groups][-1] == model.size


def _is_power(scaled, values) -> bool:
    """Whether all outputs are multiplied by one power of two."""
    return any(np.array_equal(scaled, 2.0**k * values) for k in range(30))


def test_only_kinks_keep_a_gradient_from_being_lipschitz(name):
    assert drawn(name, 0)[0].has_lipschitz_gradient is (name != "max_pooling")


def test_sizes_build_wherever_they_are_drawn_from(name):
    ranges = BUILT_IN[name].ranges
    for corner in product(*ranges.values()):
        sizes = dict(zip(ranges, corner))
        d, m = BUILT_IN[name].inputs_of(sizes), BUILT_IN[name].width_of(sizes)
        model = BUILT_IN[name].build(d or 1, m or 1, sizes)
        assert (model.inputs, model.width) == (d or 1, m or 1)
        assert model.family is BUILT_IN[name] and model.sizes == sizes
        assert model.formula.startswith("H(")


def test_models_are_stored_by_their_sizes_and_come_back_equal(name):
    model = drawn(name, 1)[0]
    stored = json.loads(json.dumps(encode(model)))
    assert decode(stored) == model and hash(decode(stored)) == hash(model)
    assert decode(stored).program is model.program


SIZES = {"layers": 1, "hidden": 2, "power": 1, "slope": 0}


@pytest.mark.parametrize(
    "change, told, told_of_stored",
    [
        ({"name": "gatted"}, "did you mean 'gated'", "no family of models 'gatted' is known"),
        ({"d": 0}, "d must be whole numbers from 1 up", "inputs of gated .* cannot be 0"),
        (
            {"sizes": {"layers": 1}},
            "sizes of gated: layers, hidden, power, slope",
            "sizes of gated are layers, hidden, power, slope, not layers",
        ),
        (
            {"sizes": SIZES | {"layers": 0}},
            "layers of gated must be whole numbers from 1 up",
            r"layers is from 1 to \d in gated, not 0",
        ),
        (
            {"sizes": SIZES | {"layers": 99, "power": 2}},
            "too high an order",
            r"layers is from 1 to \d in gated, not 99",
        ),
        (
            {"sizes": SIZES | {"slope": 11}},
            "slope of gated must be whole numbers from 0 up, and below 11",
            "slope is from 0 to 10 in gated, not 11",
        ),
        (
            {"sizes": SIZES | {"hidden": 999, "power": 2}},
            "too large a program",
            r"hidden is from 1 to \d in gated, not 999",
        ),
    ],
)
def test_sizes_that_a_family_has_not_are_refused_by_name(change, told, told_of_stored):
    right = {"name": "gated", "d": 2000, "m": 1, "sizes": SIZES}
    wrong = right | change
    with pytest.raises(ValueError, match=told):
        Architecture(wrong["name"], wrong["d"], wrong["m"], tuple(wrong["sizes"].items()))
    names = {"name": "model", "d": "inputs", "m": "width", "sizes": "sizes"}
    stored = {"file": None} | {names[key]: value for key, value in wrong.items()}
    mended = stored | {names[key]: right[key] for key in change}
    assert encode(decode(mended)) == mended
    with pytest.raises(BadWitness, match=told_of_stored):
        decode(stored)


def test_inputs_that_sizes_fix_are_refused_where_they_differ():
    with pytest.raises(ValueError, match=r"d = 5, but attention with .* has 6"):
        sizes = {"tokens": 2, "dim": 3, "heads": 1, "rank": 1, "summed": 0}
        BUILT_IN["attention"].build(5, 1, sizes)


def test_equal_sizes_in_any_order_make_equal_models():
    sizes = {"layers": 2, "hidden": 2, "power": 1, "slope": 0}
    family = BUILT_IN["gated"]
    assert family.build(2, 1, sizes) == family.build(2, 1, dict(reversed(sizes.items())))


def test_ncfs_take_models_as_they_take_networks(name):
    model, X, w, r = drawn(name, 2)
    ncf = Ncf(model, X, r)
    value, gradient = ncf.value_and_gradient(w)
    assert (value, *gradient) == (model.on(X).pull_back(w, r)[0], *ncf.gradient(w))
    assert not ncf.on_data.is_estimated
    multiplier = model.order * value
    assert ncf.projected_hessian(w / np.linalg.norm(w), multiplier).shape == (w.size, w.size)


def test_biased_networks_are_networks_on_a_sample_with_the_constant():
    """A bias is the weight of a unit that passes on a 1: exactly, in a network of that pattern."""
    plain = dense((2, 3, 2), (2,), (0.5,))
    mask = [[1, 1, 1]] * 3 + [[0, 0, 1]]
    extended = Network((3, 4, 2), (2,), (0.5,), (masked(mask), masked(np.ones((2, 4)))))
    rng = np.random.default_rng(0)
    X, w, r = rng.standard_normal((4, 2)), rng.standard_normal(17), rng.standard_normal((4, 2))
    theta = np.insert(w, 9, 1.0)
    model, ones = Biased(plain), np.hstack([X, np.ones((4, 1))])
    value, gradient = extended.on(ones).pull_back(theta, r)
    found = model.on(X).pull_back(w, r)
    assert found[0] == pytest.approx(value, rel=1e-12)
    assert np.allclose(found[1], np.delete(gradient, 9), rtol=1e-12)
    assert (model.order, model.is_homogeneous) == (plain.order, False)
    assert model.groups[0].shape == (3, 3)
    assert [group.order for group in model.groups] == list(plain.orders)


def test_biases_may_be_zero_or_all_equal():
    plain = dense((2, 2, 1), (2,), (0.0,))
    theta, X = np.arange(6.0), np.ones((1, 2))
    model = Biased(plain)
    assert model.on(X).outputs(model.with_biases(theta)) == plain.on(X).outputs(theta)
    assert model.with_biases(theta, 9.0).tolist() == [0, 1, 9, 2, 3, 9, 4, 5, 9]
    assert decode(encode(model)) == model
    with pytest.raises(ValueError, match="dense"):
        Biased(Network((2, 2, 1), (2,), (0.0,), (masked([[1, 0], [0, 1]]), masked([[1, 1]]))))


def test_biases_of_an_instance_are_a_share_of_the_mean_size_of_its_weights():
    plain = dense((2, 2, 1), (2,), (0.0,))
    instance = Instance(Problem(plain, [[1, 2]], [[1]]), [0, 0, 0.6, -0.8, 0, 0])
    weights = biased_instance(instance).start
    assert np.allclose(weights / weights[2], [0, 0, 1, 18 / 7, -24 / 7, 1, 0, 0, 1])
    assert np.allclose(
        biased_instance(instance, 0.0).start, Biased(plain).with_biases(instance.start)
    )


def test_bounds_hold_both_sides_of_a_tie_unless_it_is_settled():
    sizes = {"height": 1, "width": 2, "kernel": 1, "filters": 1, "pool": 2, "power": 1, "slope": 0}
    model = BUILT_IN["max_pooling"].build(2, 1, sizes)
    on_data, r = model.on(np.array([[1.0, 3.0]])), np.ones((1, 1))
    w = np.array([0.0, 2.0])  # K = 0: the largest of 0 and 0, with derivative 2 · 1 or 2 · 3
    assert on_data.pull_back(w, r)[1][0] in (2.0, 6.0)
    assert on_data.bounds(w, r)[1][0] >= 4.0
    assert on_data.bounds(w, r, settled=True)[1][0] < 1e-14


def test_the_page_on_architectures_names_every_family():
    page = (ROOT / "docs/adding-a-family.md").read_text(encoding="utf-8")
    table = "".join(line.split(" | ")[0] for line in page.split("\n") if line.startswith("| `"))
    assert set(re.findall(r"`(\w+)`", table)) == set(BUILT_IN)


def test_the_family_written_out_on_that_page_is_one():
    page = (ROOT / "docs/adding-a-family.md").read_text(encoding="utf-8")
    lines = re.findall(r"^    (.*)$", page, re.MULTILINE)
    try:
        exec("\n".join(lines), {"family": family})
        model = BUILT_IN["two_gates"].build(2, 1, {"hidden": 2, "power": 3})
        assert (model.order, [each.order for each in model.groups]) == (5, [1, 3, 1])
    finally:
        BUILT_IN.pop("two_gates", None)
