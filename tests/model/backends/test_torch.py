"""Modules and functions in PyTorch."""

import warnings

import numpy as np
import pytest

from ncfcheck import CannotRun, OwnModel
from tests.model.backends.suite import HIDDEN, OUTPUTS, SHAPES, SIZE, Backends, D, Read

torch = pytest.importorskip("torch", reason="torch is not installed: pip install 'ncfcheck[torch]'")
nn = torch.nn


class Module(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer, self.last = nn.Module(), nn.Module()
        self.layer.W1 = nn.Parameter(torch.zeros(HIDDEN, D))
        self.last.W2 = nn.Parameter(torch.zeros(OUTPUTS, HIDDEN))

    def forward(self, X):
        return torch.relu(X @ self.layer.W1.T) ** 2 @ self.last.W2.T


class Attention(nn.Module):
    """Causal linear attention over three tokens, its mask no weight."""

    def __init__(self):
        super().__init__()
        self.q, self.k, self.v = (nn.Linear(2, 2, bias=False) for _ in range(3))
        self.register_buffer("mask", torch.tril(torch.ones(3, 3)))

    def forward(self, X):
        tokens = X.view(-1, 3, 2)
        scores = self.q(tokens) @ self.k(tokens).transpose(1, 2) * self.mask / 2**0.5
        return (scores @ self.v(tokens)).sum((1, 2))


def head(*layers):
    """Pictures (1, 4, 4), layers, and a linear layer."""
    flat = nn.Flatten(), nn.LazyLinear(2, bias=False)
    return nn.Sequential(nn.Unflatten(1, (1, 4, 4)), *layers, *flat)


def convolution(channels, filters, size, **options):
    return nn.Conv2d(channels, filters, size, bias=False, **options)


MODULES = {  # with d, and D
    "padding": (head(convolution(1, 2, 3, padding="same"), nn.ReLU()), 16, 2),
    "strides": (head(convolution(1, 2, 3, padding=1, stride=2), nn.LeakyReLU(0.1)), 16, 2),
    "groups": (head(convolution(1, 4, 2), convolution(4, 2, 2, groups=2)), 16, 3),
    "dilation": (head(convolution(1, 2, 2, dilation=2), nn.Threshold(0, 0)), 16, 2),
    "largest of windows": (head(convolution(1, 2, 2), nn.MaxPool2d(2, 1)), 16, 2),
    "means of windows": (head(nn.AvgPool2d(2), convolution(1, 2, 2)), 16, 2),
    "mean": (head(convolution(1, 2, 2), nn.ReLU(), nn.AdaptiveAvgPool2d(1)), 16, 2),
    "attention": (Attention(), 6, 3),
}


class TestFunctions(Backends, Read):
    library = "torch"

    def model(self):
        def outputs(X, w):
            return torch.relu(X @ w["layer.W1"].T) ** 2 @ w["last.W2"].T

        return OwnModel.torch(outputs, SHAPES, inputs=D)

    def of(self, outputs, shapes=SHAPES, inputs=D):
        return OwnModel.torch(lambda X, w: outputs(X, w, torch), shapes, inputs=inputs)

    def test_what_carries_no_gradient_is_told(self):
        model = self.of(lambda X, w, lib: (X @ w["W"].T).detach(), {"W": (1, D)})
        with pytest.raises(CannotRun, match=r"outputs carry no gradient: is there a detach"):
            _ = model.order

    def test_single_precision_is_told(self):
        model = self.of(lambda X, w, lib: (X @ w["W"].T).float(), {"W": (1, D)})
        with pytest.raises(CannotRun, match="outputs are float32: float64 is right"):
            _ = model.order

    def test_writes_to_samples_are_told(self):
        def writes(X, w, lib):
            X.mul_(0.5)
            return X @ w["W"].T

        with pytest.raises(CannotRun, match=r"at the same weights|writes to"):
            _ = self.of(writes, {"W": (1, D)}).order


class TestModules(Backends):
    library = "torch"

    def model(self):
        return OwnModel.torch(Module(), inputs=D)

    def of(self, outputs, shapes=SHAPES, inputs=D):
        class Given(nn.Module):
            def __init__(self):
                super().__init__()
                for name, shape in shapes.items():
                    self.register_parameter(name.replace(".", "_"), nn.Parameter(torch.ones(shape)))

            def forward(self, X):
                w = {name: getattr(self, name.replace(".", "_")) for name in shapes}
                return outputs(X, w, torch)

        return OwnModel.torch(Given(), inputs=inputs)

    @pytest.mark.parametrize("name", MODULES)
    def test_layers_that_are_known_are_read(self, name):
        module, d, order = MODULES[name]
        model = OwnModel.torch(module, inputs=d)
        assert model.program is not None and model.order == model.program.order == order

    def test_the_users_module_and_precision_stay_what_they_are(self):
        module = Module()
        assert OwnModel.torch(module, inputs=D).order == 3
        assert module.last.W2.dtype == torch.float32 and not module.last.W2.any()
        assert torch.get_default_dtype() == torch.float32

    def test_frozen_parameters_are_no_weights_and_tied_ones_are_one(self):
        module = Module()
        module.last.W2.requires_grad_(False).fill_(1.0)
        assert [each.name for each in OwnModel.torch(module, inputs=D).groups] == ["layer.W1"]
        tied = nn.Sequential(nn.Linear(D, D, bias=False), nn.Linear(D, D, bias=False))
        tied[1].weight = tied[0].weight
        found = OwnModel.torch(tied, inputs=D)
        assert (found.order, found.size) == (2, D * D)

    def test_dropout_and_batch_normalisation_are_told_while_training(self):
        linear = nn.Linear(D, OUTPUTS, bias=False)
        dropping = OwnModel.torch(nn.Sequential(linear, nn.Dropout()), inputs=D)
        with pytest.raises(CannotRun, match=r"dropout \(call \.eval\(\) on the module\)"):
            _ = dropping.order
        batches = OwnModel.torch(nn.Sequential(linear, nn.BatchNorm1d(OUTPUTS)), inputs=D)
        with pytest.raises(CannotRun, match=r"batch normalisation|more than 1 value per channel"):
            _ = batches.order
        assert OwnModel.torch(nn.Sequential(linear, nn.Dropout()).eval(), inputs=D).order == 1

    def test_a_bias_is_named_as_the_module_names_it(self):
        layers = nn.Linear(D, HIDDEN, bias=False), nn.ReLU(), nn.Linear(HIDDEN, OUTPUTS)
        with pytest.raises(CannotRun, match=r"without '2\.bias' it is homogeneous of order 2: a b"):
            _ = OwnModel.torch(nn.Sequential(*layers), inputs=D).order

    def test_lazy_modules_get_their_shapes(self):
        found = OwnModel.torch(nn.LazyLinear(OUTPUTS, bias=False), inputs=D)
        assert found.size == D * OUTPUTS

    def test_it_gives_no_warnings(self):
        X, w = np.ones((2, D)), np.ones(SIZE)
        X.flags.writeable = w.flags.writeable = False
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            self.model().on(X).outputs(w)
