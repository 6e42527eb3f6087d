"""The Clarke residual on kinks worked out by hand."""

import numpy as np
import pytest

from ncfcheck.core.claims import Unresolved
from ncfcheck.model.ncf import Ncf
from ncfcheck.model.networks import dense
from ncfcheck.theory.kkt.clarke import clarke_error, clarke_residual, kinks

RELU = dense((2, 1, 1), (1,), (0.0,))


def point(x1: float, x2: float) -> np.ndarray:
    """w = (x_1, x_2) and v, balanced: ‖w‖² = v² = ½."""
    w = np.array([x1, x2]) / np.hypot(x1, x2)
    return np.array([*w, 1.0]) / np.sqrt(2)


@pytest.mark.parametrize(("label", "slope"), [(-0.5, 0.5), (-2.0, 0.5), (-0.6, 1.0)])
def test_a_kink_is_clarke_kkt_where_a_slope_in_the_interval_balances_the_gradient(label, slope):
    """ȳ_1 (1, 1) + θ ȳ_2 (0, 1) ∥ (1, 0) needs θ = −ȳ_1/ȳ_2."""
    ncf = Ncf(RELU, np.array([[1.0, 1.0], [0.0, 1.0]]), np.array([[-slope * label], [label]]))
    u = point(1.0, 0.0)
    assert len(kinks(ncf, u).where) == 1
    assert clarke_residual(ncf, u) < 1e-12


def test_a_kink_whose_slope_would_lie_outside_is_no_clarke_kkt_point():
    ncf = Ncf(RELU, np.array([[1.0, 1.0], [0.0, 1.0]]), np.array([[1.0], [-0.5]]))
    u = point(1.0, 0.0)
    # The best slope is 1: ∇N is (1, ½)v for the first layer and u·(1, 0) for the second.
    g = np.array([1.0, 0.5, 1.0]) / np.sqrt(2)
    expected = np.linalg.norm(g - (g @ u) * u) / np.linalg.norm(g)
    assert clarke_residual(ncf, u) == pytest.approx(expected, rel=1e-9)


def test_away_from_kinks_it_is_the_ordinary_residual():
    rng = np.random.default_rng(0)
    network = dense((3, 4, 2, 1), (1, 2), (0.3, 0.5))
    ncf, u = (
        Ncf(network, rng.standard_normal((5, 3)), rng.standard_normal((5, 1))),
        rng.standard_normal(network.size),
    )
    u /= np.linalg.norm(u)
    assert kinks(ncf, u) is None and clarke_residual(ncf, u) == ncf.residual(u)


def test_it_is_the_least_over_a_grid_of_slopes():
    rng = np.random.default_rng(1)
    X = np.array([[1.0, 0.3], [0.0, 1.0], [0.0, -2.0], [0.7, -1.0]])
    for _ in range(20):
        ybar = rng.standard_normal((4, 1))
        u = point(1.0, 0.0)
        grid = np.linspace(0, 1, 101)
        smooth = ybar[0, 0] * X[0] + ybar[3, 0] * X[3]
        best = np.inf
        for a in grid:
            for b in grid:
                g = np.array(
                    [*(smooth + a * ybar[1, 0] * X[1] + b * ybar[2, 0] * X[2]), smooth[0]]
                ) / np.sqrt(2)
                best = min(best, np.linalg.norm(g - (g @ u) * u) / np.linalg.norm(g))
        found = clarke_residual(Ncf(RELU, X, ybar), u)
        assert found <= best + 1e-12 and found >= best - 0.03


def test_kinks_in_several_layers_are_not_decided():
    network = dense((2, 1, 1, 1), (1, 1), (0.0, 0.5))
    theta = network.flatten(
        [np.array([[1.0, 0.0]]), np.array([[1.0]]), np.array([[1.0]])]
    ) / np.sqrt(3)
    with pytest.raises(Unresolved):
        kinks(Ncf(network, np.array([[0.0, 1.0], [1.0, 0.0]]), np.ones((2, 1))), theta)


def test_zero_neurons_are_no_kinks():
    network = dense((2, 2, 1), (1,), (0.0,))
    theta = network.flatten([np.array([[1.0, 0.0], [0.0, 0.0]]), np.array([[1.0, 0.0]])]) / np.sqrt(
        2
    )
    assert kinks(Ncf(network, np.array([[1.0, 2.0]]), np.ones((1, 1))), theta) is None


def test_slopes_at_the_ends_of_their_interval_are_found_to_rounding():
    """On the kinks of two neurons, σ(z) = |z|, output weights −½: the least angle is 0, not only
    small.
    """
    X = np.array([[2.0, 1, 0, -1, -1], [-2, 3, -1, -1, 2], [2, 3, 0, -3, 3], [-1, 0, 1, 2, 3]])
    kinked, smooth = X[[0, 2]], X[1] + X[3]
    needed = np.linalg.lstsq(kinked.T, smooth, rcond=None)[0]
    u = smooth - needed @ kinked
    u /= np.linalg.norm(u)
    theta = np.array([*(u / 2), *(u / 2), -0.5, -0.5])
    for ends in np.array([[1, 1], [1, -1], [-1, 1], [-1, -1]]):
        ybar = np.array([[needed[0] * ends[0]], [-1.0], [needed[1] * ends[1]], [-1.0]])
        ncf = Ncf(dense((5, 2, 1), (1,), (-1.0,)), X, ybar)
        assert len(kinks(ncf, theta).where) == 4
        assert clarke_residual(ncf, theta) < 1e-13


def test_where_large_labels_cancel_the_error_is_that_of_the_small_gradient_left():
    """σ(z) = |z|, and slopes 0 on the kinks of samples 1 to 3: exactly KKT, with ∇N of size 1e-4
    left of 1e4.
    """
    X = np.array([[1.0, 0, 0, 0], [-2, 1, 0, 0], [1, 0, 1, 0], [0, 0, 0, 0.02]])
    ncf = Ncf(dense((4, 1, 1), (1,), (-1.0,)), X, np.array([[1.0], [-8712.0], [1.0], [-0.004]]))
    theta = np.array([0, 0, 0, 1, -1]) / np.sqrt(2)
    residual = clarke_residual(ncf, theta)
    assert 1e-9 < residual <= clarke_error(ncf, theta) < 1e-4
