"""Functions in JAX."""

import warnings

import numpy as np
import pytest

from ncfcheck import CannotRun, OwnModel
from tests.model.backends.suite import SHAPES, SIZE, Backends, D, Read

jax = pytest.importorskip("jax", reason="jax is not installed: pip install 'ncfcheck[jax]'")
jnp = jax.numpy


def outputs(X, w):
    return jnp.maximum(X @ w["layer.W1"].T, 0) ** 2 @ w["last.W2"].T


def convolved(X, w):
    how = {"dimension_numbers": ("NHWC", "HWIO", "NHWC")}
    return jax.lax.conv_general_dilated(X.reshape(-1, 4, 1, 1), w["K"], (1, 1), "SAME", **how)


def repeated(X, w):
    return jax.lax.scan(lambda h, W: (jax.nn.leaky_relu(h @ W, 0.1), h), X, w["A"], reverse=True)


FUNCTIONS = {  # with shapes, and D
    "layers": (
        lambda X, w: jax.nn.relu(X @ w["A"]) @ w["B"],
        {"A": (4, 3), "B": (3, 2)},
        2,
    ),
    "convolution": (
        lambda X, w: jax.nn.relu(convolved(X, w)).mean((1, 2)) @ w["B"],
        {"K": (2, 1, 1, 3), "B": (3, 1)},
        2,
    ),
    "windows": (
        lambda X, w: (
            jax.lax.reduce_window((X @ w["A"]) ** 2, -jnp.inf, jax.lax.max, (1, 2), (1, 1), "VALID")
            @ w["B"]
        ),
        {"A": (4, 3), "B": (2, 1)},
        3,
    ),
    "a loop": (lambda X, w: repeated(X, w)[0] @ w["B"], {"A": (2, 4, 4), "B": (4, 1)}, 3),
    "steps of a loop": (
        lambda X, w: repeated(X, w)[1][0] @ w["B"],
        {"A": (2, 4, 4), "B": (4, 1)},
        2,
    ),
    "one sample at a time": (
        lambda X, w: jax.vmap(lambda x: jnp.dot(w["A"], x) ** 2 * jnp.outer(w["B"], x).sum())(X),
        {"A": (4,), "B": (2,)},
        3,
    ),
}


class TestJax(Backends, Read):
    library = "jax"

    def model(self):
        return OwnModel.jax(outputs, SHAPES, inputs=D)

    def of(self, outputs, shapes=SHAPES, inputs=D):
        return OwnModel.jax(lambda X, w: outputs(X, w, jnp), shapes, inputs=inputs)

    @pytest.mark.parametrize("name", FUNCTIONS)
    def test_what_is_known_is_read(self, name):
        function, shapes, order = FUNCTIONS[name]
        model = OwnModel.jax(function, shapes, inputs=4)
        assert model.program is not None and model.order == model.program.order == order

    def test_the_users_setting_of_precision_stays(self):
        assert self.model().order == 3
        assert jnp.ones(2).dtype == jnp.float32

    def test_constants_made_in_single_precision_do_no_harm(self):
        third = jnp.ones(1) / 3
        model = OwnModel.jax(lambda X, w: third * (X @ w["W"].T), {"W": (1, D)}, inputs=D)
        assert model.order == 1

    def test_it_is_compiled_once_for_numbers_of_samples_that_are_near(self, drawn):
        _, w, rng = drawn
        traced = []

        def counted(X, w):
            traced.append(X.shape)
            return outputs(X, w)

        model = OwnModel.jax(counted, SHAPES, inputs=D, width=2)
        for samples in (1, 3, 5, 8, 2):
            on_data = model.as_written(rng.standard_normal((samples, D)))
            on_data.outputs(w), on_data.pull_back(w, np.ones((samples, 2)))
        before = len(traced)
        for samples in (4, 6, 7):
            model.as_written(rng.standard_normal((samples, D))).pull_back(w, np.ones((samples, 2)))
        assert len(traced) == before and {shape[0] for shape in traced} == {8}

    def test_numpy_inside_of_it_is_told_in_one_line(self):
        def mixed(X, w):
            return np.maximum(np.asarray(X) @ w["layer.W1"].T, 0) @ w["last.W2"].T

        with pytest.raises(CannotRun, match="TracerArrayConversionError") as refused:
            _ = OwnModel.jax(mixed, SHAPES, inputs=D).order
        assert "\n" not in str(refused.value) and len(str(refused.value)) < 400

    def test_single_precision_is_told(self):
        model = OwnModel.jax(lambda X, w: outputs(X, w).astype("float32"), SHAPES, inputs=D)
        with pytest.raises(CannotRun, match="outputs are float32: float64 is right"):
            _ = model.order

    def test_it_gives_no_warnings(self):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            self.model().on(np.ones((2, D))).outputs(np.ones(SIZE))
