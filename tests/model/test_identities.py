"""Margins of identities."""

import numpy as np
import pytest

from ncfcheck.core.claims import Inapplicable, Outcome
from ncfcheck.core.tolerances import RESOLUTION
from ncfcheck.model.identities import equal, equal_vectors


def test_equal_sides_hold_and_different_sides_violate():
    assert equal(1.0, 1.0 + 1e-15, 1e-14, 1.0).outcome is Outcome.HOLDS
    assert equal(1.0, 1.0 + 10 * RESOLUTION, 1e-14, 1.0).outcome is Outcome.VIOLATES


def test_a_rounding_error_as_large_as_the_resolution_is_unresolved():
    assert equal(1.0, 1.0, 2 * RESOLUTION, 1.0).outcome is Outcome.UNRESOLVED
    assert equal(1.0, 1.0 + 1.5 * RESOLUTION, RESOLUTION, 1.0).outcome is Outcome.UNRESOLVED


def test_a_nan_is_unresolved():
    assert equal(float("nan"), 1.0, 1e-14, 1.0).outcome is Outcome.UNRESOLVED


def test_zero_equals_zero_says_nothing():
    with pytest.raises(Inapplicable):
        equal(0.0, 0.0, 0.0, 0.0)
    with pytest.raises(Inapplicable):
        equal_vectors(np.full(2, 1e-20), np.full(2, 1e-20), np.full(2, 1e-18))


def test_vectors_are_compared_relative_to_their_norm():
    b = np.array([3.0, 4.0]) * 1e-200
    assert equal_vectors(b, b, 1e-15 * b).outcome is Outcome.HOLDS
    assert equal_vectors(b * (1 + 1e-5), b, 1e-15 * b).outcome is Outcome.VIOLATES
