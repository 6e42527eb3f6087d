"""The head start of a polish: it goes where the polish alone goes, and nowhere where Newton's
method does not converge.
"""

import numpy as np
import pytest

from ncfcheck.core.tolerances import POLISHED, Numerics
from ncfcheck.model import layered
from ncfcheck.model.layered import FEW
from ncfcheck.model.ncf import norm
from ncfcheck.strategies.draw import draw
from ncfcheck.strategies.instances import instances
from ncfcheck.theory.flow.trajectories import Stop, ncf_flow
from ncfcheck.theory.kkt import points
from ncfcheck.theory.starts import unit
from tests.theory.test_kkt import CURVED


def handed_over(count: int) -> list:
    """NCFs of few parameters with the directions in which their flows are handed over to the
    polish.
    """
    found = []
    for each in draw(instances(powers=CURVED).strategy(), count, 4, simplest=False):
        flow = ncf_flow(each.ncf, each.start, Numerics()) if each.start.size <= FEW else None
        found += (
            [(each.ncf, flow.direction)] if flow is not None and flow.stop is Stop.CONVERGED else []
        )
    return found


def test_it_ends_where_the_polish_alone_ends(monkeypatch):
    seen = handed_over(60)
    assert len(seen) > 25
    near = [ncf.head_start(u)[0] for ncf, u in seen]
    assert np.mean([ncf.residual(u) <= POLISHED for (ncf, _), u in zip(seen, near)]) > 0.8
    monkeypatch.setattr(layered, "FEW", 0)
    alone = [points.polish(ncf, u) for ncf, u in seen]
    # Along flat directions the two may end at different points.
    flat = [abs(point.top_curvature) < 1e-3 for point in alone]
    assert np.mean(flat) < 0.5
    assert all(is_flat or norm(u - point.u) < 1e-9 for u, point, is_flat in zip(near, alone, flat))


def test_a_step_that_does_not_help_is_not_taken():
    rng = np.random.default_rng(0)
    for ncf, u in handed_over(10):
        far = unit(rng.standard_normal(u.size))
        if not ncf.gradient(far).any():
            continue  # no direction there has a residual
        found, value, gradient, residual = ncf.head_start(far)
        assert (value, list(gradient)) == (ncf.value(found), list(ncf.gradient(found)))
        assert residual == pytest.approx(ncf.residual(found), rel=1e-6, abs=1e-15)
        assert norm(found) == pytest.approx(1, abs=1e-14) and ncf.residual(found) <= ncf.residual(
            far
        )


def test_where_the_gradient_vanishes_it_stays():
    ncf, u = handed_over(10)[0]
    dead = type(ncf)(ncf.network, ncf.X, 0 * ncf.ybar)
    assert np.array_equal(dead.head_start(u)[0], u)


@pytest.mark.parametrize("exponent", (-300, -160, 160, 300))
def test_the_residual_is_the_same_for_labels_of_any_scale(exponent):
    """Squares of such gradients are no floats: the residual had been 0 there."""
    ncf, u = handed_over(10)[0]
    scaled = type(ncf)(ncf.network, ncf.X, 10.0**exponent * ncf.ybar)
    far = unit(np.random.default_rng(1).standard_normal(u.size))
    assert scaled.head_start(far)[3] == pytest.approx(ncf.head_start(far)[3], rel=1e-9)
    assert points.refined(scaled, u)[1][2] == pytest.approx(
        scaled.residual(points.refined(scaled, u)[0]), abs=1e-15
    )
