"""Instances with other labels than those that the NCF is about (theory §7)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ncfcheck.core.claims import Inapplicable


def relabelled(instance, y: np.ndarray):
    """The instance with other labels (n, k_L)."""
    return replace(instance, problem=replace(instance.problem, y=y))


def mislabelled(instance):
    """The instance with labels moved on by one sample. Raises Inapplicable if much the same."""
    y = np.roll(instance.problem.y, 1, axis=0)
    if np.linalg.norm(y - instance.problem.y) <= 0.1 * np.linalg.norm(y):
        raise Inapplicable("the labels shuffled are the labels")
    return relabelled(instance, y)
