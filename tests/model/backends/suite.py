"""What every backend must do, whatever the library: each has this suite as a subclass.

The model is (max(X W1ᵀ, 0))² W2ᵀ with weights `layer.W1` and `last.W2`; the truth is in numpy here.
"""

import numpy as np
import pytest

from ncfcheck import CannotRun, Ncf, OwnModel
from ncfcheck.model.backends.traced import Reader
from tests.model.backends import operations

D, HIDDEN, OUTPUTS = 3, 4, 2
SHAPES = {"layer.W1": (HIDDEN, D), "last.W2": (OUTPUTS, HIDDEN)}
SIZE = HIDDEN * (D + OUTPUTS)


def truth(X, w):
    """Outputs (n, m), and a function of r (n, m) and a direction (P,) to the gradient (P,) and
    second derivatives along that.
    """
    W1, W2 = w[: HIDDEN * D].reshape(HIDDEN, D), w[HIDDEN * D :].reshape(OUTPUTS, HIDDEN)
    z = X @ W1.T
    a, s, c = np.maximum(z, 0) ** 2, 2 * np.maximum(z, 0), 2.0 * (z > 0)

    def gradients(r, v):
        V1, V2 = v[: HIDDEN * D].reshape(HIDDEN, D), v[HIDDEN * D :].reshape(OUTPUTS, HIDDEN)
        delta, dz = r @ W2, X @ V1.T
        first = np.concatenate([((delta * s).T @ X).ravel(), (r.T @ a).ravel()])
        moved = (r @ V2) * s + delta * c * dz
        return first, np.concatenate([(moved.T @ X).ravel(), (r.T @ (s * dz)).ravel()])

    return a @ W2.T, gradients


class Backends:
    """Subclassed once for each library."""

    library: str

    def model(self):
        """The model in the library."""
        raise NotImplementedError

    def of(self, outputs, shapes=SHAPES, inputs=D):
        """A model of a function (X, w, library's module) → outputs."""
        raise NotImplementedError

    @pytest.fixture
    def drawn(self):
        rng = np.random.default_rng(3)
        return rng.standard_normal((5, D)), rng.standard_normal(SIZE), rng

    @pytest.fixture(params=[OwnModel.on, OwnModel.as_written], ids=["kernels", "library"])
    def on(self, request):
        """A model on samples, computed by the compiled kernels where they can, or as written."""
        return request.param

    def test_it_is_read_as_a_program_where_the_library_can_tell_it(self):
        assert (self.model().program is None) == (self.library == "numpy")

    def test_outputs_and_pull_back_are_right(self, on, drawn):
        X, w, rng = drawn
        on_data, r = on(self.model(), X), rng.standard_normal((5, OUTPUTS))
        outputs, gradients = truth(X, w)
        np.testing.assert_allclose(on_data.outputs(w), outputs, rtol=1e-13, atol=1e-13)
        value, gradient = on_data.pull_back(w, r)
        assert type(value) is float and gradient.dtype == np.float64
        assert value == pytest.approx(np.vdot(r, outputs), rel=1e-13)
        np.testing.assert_allclose(gradient, gradients(r, w)[0], rtol=1e-12, atol=1e-12)

    def test_second_derivatives_are_right(self, on, drawn):
        X, w, rng = drawn
        on_data, r = on(self.model(), X), rng.standard_normal((5, OUTPUTS))
        has_own = self.library != "numpy"
        curvature, precision = on_data.curvature(w, r), 1e-11 if has_own else 1e-6
        directions = rng.standard_normal((11, SIZE))
        right = np.array([truth(X, w)[1](r, v)[1] for v in directions])
        for found in (
            curvature.products(directions),
            [on_data.curvature_product(w, r, v) for v in directions],
            directions @ curvature.matrix(),
        ):
            np.testing.assert_allclose(found, right, rtol=precision, atol=precision)
        assert curvature.output_jacobian().shape == (OUTPUTS * 5, SIZE)
        rows = curvature.output_jacobian().reshape(OUTPUTS, 5, SIZE)
        unit = np.zeros((5, OUTPUTS))
        unit[3, 1] = 1
        np.testing.assert_allclose(rows[1, 3], truth(X, w)[1](unit, w)[0], rtol=1e-12, atol=1e-12)

    @pytest.mark.parametrize("samples", [1, 2, 8, 9, 33])
    def test_any_number_of_samples_will_do(self, samples, on, drawn):
        _, w, rng = drawn
        X, r = rng.standard_normal((samples, D)), rng.standard_normal((samples, OUTPUTS))
        on_data = on(self.model(), X)
        outputs, gradients = truth(X, w)
        np.testing.assert_allclose(on_data.outputs(w), outputs, rtol=1e-12, atol=1e-12)
        right = gradients(r, w)[0]
        np.testing.assert_allclose(on_data.pull_back(w, r)[1], right, rtol=1e-11, atol=1e-11)

    def test_what_is_found_is_what_it_is(self):
        model = self.model()
        assert (model.inputs, model.width, model.size, model.order) == (D, OUTPUTS, SIZE, 3)
        assert [(each.name, each.shape, each.order) for each in model.groups] == [
            ("layer.W1", (HIDDEN, D), 2),
            ("last.W2", (OUTPUTS, HIDDEN), 1),
        ]
        assert model.has_lipschitz_gradient and not model.is_smooth
        assert model.parts(np.arange(SIZE))["last.W2"][0, 0] == HIDDEN * D

    def test_arrays_given_are_neither_changed_nor_kept(self, on, drawn):
        X, w, rng = drawn
        on_data, r = on(self.model(), X), rng.standard_normal((5, OUTPUTS))
        before = [X.copy(), w.copy(), r.copy()]
        first, gradient = on_data.outputs(w), on_data.pull_back(w, r)[1]
        kept = first.copy(), gradient.copy()
        first[:], gradient[:] = 0, 0
        assert all(map(np.array_equal, before, (X, w, r)))
        on_data.outputs(2 * w), on_data.pull_back(2 * w, r)
        np.testing.assert_array_equal(on_data.outputs(w), kept[0])
        np.testing.assert_array_equal(on_data.pull_back(w, r)[1], kept[1])

    def test_weights_and_labels_may_be_read_only(self, drawn):
        X, w, rng = drawn
        r = rng.standard_normal((5, OUTPUTS))
        for each in (X, w, r):
            each.flags.writeable = False
        ncf = Ncf(self.model(), X, r)
        assert ncf.value(w) == pytest.approx(np.vdot(r, truth(X, w)[0]), rel=1e-12)
        assert np.isfinite(ncf.rounding(w)).all()
        by_library = self.model().as_written(X)
        assert np.isfinite(by_library.bounds(w, r)[1]).all() and by_library.is_estimated
        is_bound = self.library != "numpy"
        assert ncf.on_data.is_estimated != is_bound

    def test_outputs_of_another_shape_are_told(self):
        model = self.of(
            lambda X, w, lib: X @ w["last.W2"].T @ w["last.W2"] @ w["layer.W1"].T[:, 0], SHAPES
        )
        with pytest.raises(CannotRun):
            _ = model.order
        model = self.of(lambda X, w, lib: (X @ w["W"].T).sum(), {"W": (1, D)})
        told = r"outputs of 3 samples have shape \(\): \(3, 1\) is right"
        with pytest.raises(CannotRun, match=told):
            _ = model.order

    def test_one_output_may_be_a_vector(self):
        model = self.of(lambda X, w, lib: (X @ w["W"].T)[:, 0], {"W": (1, D)})
        assert (model.width, model.order) == (1, 1)
        assert model.on(np.ones((2, D))).outputs(np.ones(D)).shape == (2, 1)

    def test_outputs_that_depend_on_other_samples_are_told(self):
        model = self.of(lambda X, w, lib: (X - X.mean(0)) @ w["W"].T, {"W": (1, D)})
        with pytest.raises(CannotRun, match=r"depend on the other samples.*batch normalisation"):
            _ = model.order

    def of_operation(self, function):
        """A function of `operations` as a model."""
        return self.of(function, operations.SHAPES, 4)


class Read:
    """What must hold of libraries whose functions are read as programs."""

    @pytest.mark.parametrize("name", operations.READ)
    def test_what_is_read_gives_the_same(self, name):
        model, rng = self.of_operation(operations.READ[name]), np.random.default_rng(5)
        assert model.program is not None
        X, w, r = (rng.standard_normal(shape) for shape in ((6, 4), model.size, (6, 2)))
        kernels, library = model.on(X), model.as_written(X)
        np.testing.assert_allclose(kernels.outputs(w), library.outputs(w), rtol=1e-12, atol=1e-12)
        for found, right in zip(kernels.pull_back(w, r), library.pull_back(w, r)):
            np.testing.assert_allclose(found, right, rtol=1e-11, atol=1e-11)
        found, right = (each.curvature(w, r).matrix() for each in (kernels, library))
        np.testing.assert_allclose(found, right, rtol=1e-10, atol=1e-10)

    @pytest.mark.parametrize("name", operations.NOT_READ)
    def test_what_is_not_read_is_computed_as_written(self, name):
        model = self.of_operation(operations.NOT_READ[name])
        assert model.program is None and model.on(np.ones((2, 4))).is_estimated
        assert model.width == 2

    def test_what_is_read_wrongly_is_computed_as_written(self, monkeypatch):
        monkeypatch.setattr(Reader, "scaled", lambda reader, value, factor: value)
        model = self.of_operation(lambda X, w, lib: 2.0 * (X @ w["A"].T @ w["B"].T))
        assert model.backend.program(4, 2) is not None
        assert model.program is None
