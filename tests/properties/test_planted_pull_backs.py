"""A pull-back of a built-in program with a mistake in one place: claims find each by themselves."""

import numpy as np
import pytest

from ncfcheck.core.claims import Outcome, registered
from ncfcheck.core.loading import load_claims
from ncfcheck.model.architectures import BUILT_IN
from ncfcheck.model.program_models import ProgramEvaluation
from tests.support.foreign import instance_on

load_claims()
MODELS = {
    "gated": {"layers": 1, "hidden": 3, "power": 2, "slope": 3},
    "residual": {"blocks": 1, "hidden": 3, "power": 2, "slope": 3},
    "attention": {"tokens": 2, "dim": 3, "heads": 1, "rank": 3, "summed": 0},
}
GROUPS = {"gated": "AB", "residual": "AC", "attention": "QK"}


def _scaled(factor):
    return lambda part: part * factor


def _entry(part):
    found = part.copy()
    found.flat[-1] += 0.3 * np.abs(part).max()
    return found


# What becomes of the derivatives by the first of a model's two groups above, or by the second.
PLACES = {
    "the first of the other sign": (0, _scaled(-1.0)),
    "the first doubled": (0, _scaled(2.0)),
    "the first transposed": (0, lambda part: np.swapaxes(part, -1, -2)),
    "the first not summed over neurons": (0, lambda part: part[..., :1, :] + 0 * part),
    "an entry of the first": (0, _entry),
    "the second off by a thousandth": (1, _scaled(1.001)),
    "the second missing": (1, _scaled(0.0)),
    "the second reversed": (1, lambda part: part[..., ::-1]),
    "the second without a sign": (1, np.abs),
    "an entry of the second": (1, _entry),
}


def outcomes(name: str) -> list[Outcome]:
    """Of Euler's identity in each group, on a few instances of a model."""
    inputs = {"gated": 3, "residual": 3, "attention": 6}[name]
    model = BUILT_IN[name].build(inputs, 1, MODELS[name])
    claim = registered()["homogeneity.layer_euler" if name != "residual" else "homogeneity.euler"]
    return [claim.judge(instance_on(model, seed))[0] for seed in range(3)]


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("name", MODELS)
def test_a_pull_back_with_a_mistake_in_one_of_ten_places_is_found(name, place, monkeypatch):
    right, (which, spoil) = ProgramEvaluation.pull_back, PLACES[place]

    def pull_back(on_data, w, r):
        value, gradient = right(on_data, w, r)
        group = next(each for each in on_data.model.groups if each.name[0] == GROUPS[name][which])
        wrong = gradient.copy()
        wrong[group.part] = spoil(gradient[group.part].reshape(group.shape)).ravel()
        return value, wrong

    assert set(outcomes(name)) == {Outcome.HOLDS}
    monkeypatch.setattr(ProgramEvaluation, "pull_back", pull_back)
    assert Outcome.VIOLATES in outcomes(name)
