"""The user's own network: outputs of samples and of weights by name, written in a library."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

import numpy as np

from ncfcheck.core.stated import shown
from ncfcheck.model.arrays import integers
from ncfcheck.model.backends.backend import Array, Backend
from ncfcheck.model.estimates import Differences, Estimated
from ncfcheck.model.families import Family
from ncfcheck.model.models import Evaluation, Group, Model
from ncfcheck.model.own.contract import called
from ncfcheck.model.own.measured import Measured, measured
from ncfcheck.model.own.programs import same_program
from ncfcheck.model.program_models import ProgramEvaluation
from ncfcheck.model.programs import Program


class OwnModel(Model):
    """A network of your own on samples X (n, d), d = `inputs`, with `width` outputs (m).

    Made by `OwnModel.jax`, `OwnModel.torch` or `OwnModel.numpy`; its weights are arrays by name.
    What the theory asks of it, orders and kinks, is measured when that is first asked for. All
    numbers are float64.
    """

    def __init__(self, backend: Backend, inputs: int, width: int | None = None):
        (self._inputs,) = integers((inputs,), "inputs", 1)
        self.backend, self._width = backend, width
        self._family: Family | None = None
        self._sizes: dict[str, int] = {}
        if width is not None:
            (self._width,) = integers((width,), "width", 1)

    @classmethod
    def jax(
        cls,
        outputs: Callable[[Any, dict[str, Any]], Any],
        shapes: Mapping[str, Any],
        *,
        inputs: int,
        width: int | None = None,
    ) -> OwnModel:
        """A function in JAX: `outputs(X, w)` of samples X (n, d) and weights by name returns H,
        (n, m), or (n,) for one output.

        `shapes` are those of the weights by name, `inputs` is d. Raises TypeError or ValueError for
        what is none of this, BrokenModel where JAX is not installed.
        """
        from ncfcheck.model.backends.with_jax import JaxBackend

        return cls(JaxBackend(_function("outputs", outputs), _shapes(shapes)), inputs, width)

    @classmethod
    def torch(
        cls,
        module: Any,
        shapes: Mapping[str, Any] | None = None,
        *,
        inputs: int,
        width: int | None = None,
    ) -> OwnModel:
        """A `torch.nn.Module` of samples X (n, d), whose parameters are the weights; or, with
        `shapes`, a function `outputs(X, w)` as for `jax`.

        Raises TypeError or ValueError for what is none of this, BrokenModel where PyTorch is not
        installed.
        """
        from ncfcheck.model.backends.with_torch import TorchBackend, is_module

        if is_module(module):
            if shapes is not None:
                raise TypeError("a module has shapes of its own: leave `shapes` out")
            backend = TorchBackend.of_module(module, inputs)
            _shapes(backend.shapes)
        elif shapes is None:
            raise TypeError("a function takes the `shapes` of its weights by name")
        else:
            backend = TorchBackend(_function("outputs", module), _shapes(shapes))
        return cls(backend, inputs, width)

    @classmethod
    def numpy(
        cls,
        outputs: Callable[[Array, dict[str, Array]], Any],
        pull_back: Callable[[Array, dict[str, Array], Array], Mapping[str, Any]] | None = None,
        shapes: Mapping[str, Any] | None = None,
        *,
        inputs: int,
        width: int | None = None,
    ) -> OwnModel:
        """A function in numpy, as for `jax`, with its pull-back: `pull_back(X, w, r)` returns the
        gradient of Σ r ∘ H, r (n, m), by name.

        Raises TypeError or ValueError for what is none of this.
        """
        from ncfcheck.model.backends.with_numpy import NumpyBackend

        if not callable(pull_back):
            raise TypeError(
                "pull_back is a function (X, w, r) that returns the gradient of Σ r ∘ H by name, "
                f"not {shown(pull_back)}: OwnModel.jax and OwnModel.torch need none"
            )
        backend = NumpyBackend(_function("outputs", outputs), pull_back, _shapes(shapes))
        return cls(backend, inputs, width)

    def __eq__(self, other) -> bool:
        if not isinstance(other, OwnModel) or self._family is None:
            return self is other
        return (self._family, self._sizes) == (other._family, other._sizes)

    def __hash__(self) -> int:
        if self._family is None:
            return id(self)
        return hash((self._family.name, *self._sizes.values()))

    def __reduce__(self):
        if self._family is None:
            raise TypeError(f"{self.name} is of no family: decorate a function with @own_model")
        return self._family.build, (self.inputs, self.width, dict(self._sizes))

    def of(self, family: Family, sizes: Mapping[str, int]) -> OwnModel:
        """The same as one of a family, of these sizes."""
        found = OwnModel(self.backend, self._inputs, self._width)
        found._family, found._sizes = family, dict(sizes)
        return found

    @property
    def name(self) -> str:
        """The name of its family, or else its library's."""
        return self._family.name if self._family else f"a model in {self.backend.library}"

    @property
    def inputs(self) -> int:
        """d."""
        return self._inputs

    @cached_property
    def width(self) -> int:
        """m, as given, or found by evaluating it."""
        if self._width is not None:
            return self._width
        samples, w = np.ones((2, self.inputs)), np.ones(self.size)
        shape = called(self, self.backend.signature, samples, w).shape
        return shape[1] if len(shape) == 2 else 1

    @property
    def size(self) -> int:
        """P."""
        return self.backend.parts[-1][1].stop

    @cached_property
    def measured(self) -> Measured:
        """What was found of it. Raises BrokenModel for what the theory is not about."""
        return measured(self)

    @property
    def order(self) -> float:
        """D, as measured."""
        return self.measured.order

    @cached_property
    def groups(self) -> tuple[Group, ...]:
        """The arrays of weights by the user's names, of orders as measured."""
        orders = self.measured.orders
        return tuple(Group(*part, order) for part, order in zip(self.backend.parts, orders))

    @property
    def has_lipschitz_gradient(self) -> bool:
        """Whether no jump of the gradient was found."""
        return self.measured.has_lipschitz_gradient

    @property
    def is_smooth(self) -> bool:
        """Whether it is a polynomial, as measured."""
        return self.measured.is_polynomial

    @property
    def family(self) -> Family | None:
        """The family of the user's file that it is one of."""
        return self._family

    @property
    def sizes(self) -> Mapping[str, int]:
        """Its sizes."""
        return self._sizes

    @cached_property
    def program(self) -> Program | None:
        """What it does, for the compiled kernels, where its library can say that; computed as
        written it gives the same (`ncfcheck.model.own.programs`).
        """
        return same_program(self)

    def on(self, X: Array) -> Evaluation:
        """The model on samples X (n, d)."""
        return ProgramEvaluation(self, X, self.program) if self.program else self.as_written(X)

    def as_written(self, X: Array) -> OwnEvaluation:
        """The model on samples X (n, d), computed by its library."""
        return OwnEvaluation(self, X)

    @cached_property
    def strata(self) -> tuple[tuple[str, str], ...]:
        """What reports count instances by."""
        sizes = ((name, str(value)) for name, value in self._sizes.items())
        return (
            ("model", self.name),
            ("D", f"{self.order:g}"),
            *sizes,
            ("outputs", str(self.width)),
        )

    def describe(self) -> str:
        """The specification in one line."""
        return f"{self.named} D={self.order:g}"

    @property
    def named(self) -> str:
        """Its name and sizes."""
        sizes = ", ".join(f"{name}={value}" for name, value in self._sizes.items())
        return f"{self.name}({sizes})" if sizes else self.name


class OwnEvaluation(Estimated):
    """An `OwnModel` on samples X (n, d)."""

    def __init__(self, model: OwnModel, X: Array):
        super().__init__(model, X)
        self.backend = model.backend
        self.samples = self.backend.samples(X)

    def outputs(self, w: Array) -> Array:
        """H(X; w), (n, m)."""
        return self.backend.outputs(self.samples, w)

    def pull_back(self, w: Array, r: Array) -> tuple[float, Array]:
        """Σ r ∘ H(X; w) and its gradient, (P,)."""
        return self.backend.pull_back(self.samples, w, r)

    @property
    def are_fast_together(self) -> bool:  # type: ignore[override]
        """Whether the library takes several weights at a time."""
        return self.backend.are_fast_together

    def outputs_at(self, ws: Array) -> Array:
        """H(X; w) for every row w of ws (k, P), (k, n, m)."""
        return self.backend.outputs_at(self.samples, ws)

    def pull_backs(self, ws: Array, rs: Array) -> tuple[Array, Array]:
        """`pull_back` at every row of ws (k, P), rs (k, n, m): values (k,), gradients (k, P)."""
        return self.backend.pull_backs(self.samples, ws, rs)

    def curvature(self, w: Array, r: Array) -> Differences:
        """Second derivatives of Σ r ∘ H(X; w), the library's own where it has any."""
        return (Products if self.backend.has_products else Differences)(self, w, r)

    def curvature_product(self, w: Array, r: Array, direction: Array) -> Array:
        """Those times one direction (P,)."""
        if not self.backend.has_products:
            return super().curvature_product(w, r, direction)
        return self.backend.products(self.samples, w, r, direction[None])[0]


class Products(Differences):
    """∇²(Σ r ∘ H) at one w, from the library's products with it."""

    on_data: OwnEvaluation

    def products(self, directions: Array) -> Array:
        """The matrix times every row of directions (k, P), (k, P)."""
        return self.on_data.backend.products(self.on_data.samples, self.w, self.r, directions)


def _function(name: str, value: Any) -> Callable:
    if not callable(value):
        raise TypeError(f"{name} is a function of samples X and weights by name, not {value!r}")
    return value


def _shapes(shapes: Any) -> dict[str, tuple[int, ...]]:
    """Shapes by name as tuples of ints. Raises TypeError or ValueError."""
    right = 'shapes are a dict of names and shapes such as {"W": (3, 2)}'
    if not isinstance(shapes, Mapping) or not all(isinstance(name, str) for name in shapes):
        raise TypeError(f"{right}, not {shown(shapes)}")
    if not shapes:
        raise ValueError("there are no weights: a network has some")
    return {
        name: integers((shape,) if isinstance(shape, int) else shape, f"the shape of {name!r}", 1)
        for name, shape in shapes.items()
    }
