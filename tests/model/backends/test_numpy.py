"""Functions in numpy."""

import numpy as np
import pytest

from ncfcheck import CannotRun, OwnModel
from tests.model.backends.suite import SHAPES, Backends, D


def outputs(X, w):
    return np.maximum(X @ w["layer.W1"].T, 0) ** 2 @ w["last.W2"].T


def pull_back(X, w, r):
    z = np.maximum(X @ w["layer.W1"].T, 0)
    return {"layer.W1": (2 * z * (r @ w["last.W2"])).T @ X, "last.W2": r.T @ z**2}


class TestNumpy(Backends):
    library = "numpy"

    def model(self):
        return OwnModel.numpy(outputs, pull_back, SHAPES, inputs=D)

    def of(self, outputs, shapes=SHAPES, inputs=D):
        def pull_back(X, w, r):
            return {name: r[:, 0] @ X + 0 * array for name, array in w.items()}

        return OwnModel.numpy(lambda X, w: outputs(X, w, np), pull_back, shapes, inputs=inputs)

    def test_a_pull_back_is_asked_for(self):
        with pytest.raises(TypeError, match=r"pull_back is a function .*OwnModel.jax and"):
            OwnModel.numpy(outputs, shapes=SHAPES, inputs=D)

    @pytest.mark.parametrize(
        ("wrong", "told"),
        [
            (lambda X, w, r: r, "pull_back returns a dict of gradients by name, not a ndarray"),
            (
                lambda X, w, r: {"last.W2": w["last.W2"]},
                r"returns \['last.W2'\]: \['layer.W1', 'last.W2'\] are right",
            ),
            (
                lambda X, w, r: {name: array.T for name, array in w.items()},
                r"returns 'layer.W1' of shape \(3, 4\): \(4, 3\) is right",
            ),
            (lambda X, w, r: {name: 0 * w[name] * np.nan for name in w}, "finite is right"),
        ],
    )
    def test_a_pull_back_that_returns_something_else_is_told(self, wrong, told):
        with pytest.raises(CannotRun, match=told):
            _ = OwnModel.numpy(outputs, wrong, SHAPES, inputs=D).order

    def test_writes_to_what_it_is_given_are_refused(self):
        def writes(X, w):
            X *= 2
            return outputs(X, w)

        with pytest.raises(CannotRun, match=r"read-only; \.copy\(\) gives an array of your own"):
            _ = OwnModel.numpy(writes, pull_back, SHAPES, inputs=D).order

    def test_single_precision_is_told(self):
        def single(X, w):
            return outputs(X, w).astype(np.float32)

        with pytest.raises(CannotRun, match="outputs are float32: float64 is right"):
            _ = OwnModel.numpy(single, pull_back, SHAPES, inputs=D).order

    def test_outputs_that_are_random_are_told(self):
        rng = np.random.default_rng(0)

        def random(X, w):
            return outputs(X, w) * rng.uniform()

        with pytest.raises(CannotRun, match=r"outputs at the same weights are .* dropout"):
            _ = OwnModel.numpy(random, pull_back, SHAPES, inputs=D).order
