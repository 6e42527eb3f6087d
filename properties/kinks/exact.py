"""Certificates about flows through kinks: pieces with units on sides, events between (theory §9,
§11).
"""

from __future__ import annotations

from itertools import combinations

import numpy as np

from ncfcheck.certify.certificate import Certificate, NotProved, hexadecimal
from ncfcheck.certify.fields import Field
from ncfcheck.certify.flows import Tube, enclose
from ncfcheck.certify.mode_flows import Path, has_changed, through
from ncfcheck.certify.windows import ERROR
from ncfcheck.properties.kinks.instances import slopes_kept
from ncfcheck.theory.starts import unit
from ncfcheck.verifier.modes import is_nothing

CHANGED = 0.5 * 0.99, 2.0 * 1.01  # norms between which a flow is followed
SOON = 0.8, 1.25  # the same where what is proved does not depend on it
DRIFTED = 2e-3  # what an unweighed balance is to change by, in units of Σ ‖u‖² at both ends
LATEST = 1e6  # time up to which a flow that may rest is followed
LARGEST, TIMES = 3.0, 40  # norm up to which slopes are kept; times that are compared


def changed(instance) -> Certificate:
    """The flow until its norm has doubled or halved, or it rests."""
    has_left = has_changed(*CHANGED)

    def is_over(path: Path) -> bool:
        return has_left(path) or all(map(is_nothing, path.mode.field(path.start)))

    return Certificate("flow", {"ncf": through(instance, is_over, LATEST).plain()})


def blowup_bracket(instance) -> Certificate:
    """The flow until N is positive and has risen: N* is at least that."""
    has_left = has_changed(*SOON)

    def is_over(path: Path) -> bool:
        return has_left(path) and instance.ncf.value(path.at) > 0

    return Certificate("flow", {"ncf": through(instance, is_over).plain()})


def unweighed_balance(instance) -> Certificate:
    """The flow until ‖row_j(W_l)‖² − ‖col_j(W_{l+1})‖² of a neuron has changed."""
    first = unweighed(instance.network, instance.start)

    def is_over(path: Path) -> bool:
        drift = np.abs(unweighed(instance.network, path.at) - first).max()
        return drift > DRIFTED * (1 + path.at @ path.at)

    return Certificate("flow", {"ncf": through(instance, is_over).plain()})


def unweighed(network, theta: np.ndarray) -> np.ndarray:
    """‖row_j(W_l)‖² − ‖col_j(W_{l+1})‖² of every hidden neuron."""
    squares = [W**2 for W in network.matrices(theta)]
    pairs = zip(squares, squares[1:])
    return np.concatenate([low.sum(axis=1) - high.sum(axis=0) for low, high in pairs])


def kept_slopes(instance) -> Certificate:
    """The flow that keeps the slopes of the start, and the times between which N rises least."""
    linear = slopes_kept(instance)

    def is_over(step) -> bool:
        return not 1 / LARGEST < np.linalg.norm(step.end) < LARGEST

    tube = enclose(Field(linear.problem), instance.start, ERROR, is_over)
    return Certificate("flow", {"other": tube.plain(), "times": hexadecimal(_slow(instance, tube))})


def _slow(instance, tube: Tube) -> tuple[float, float]:
    """Times between which N(v) falls, or N(u) rises slowest for what u moves."""
    ncf, times = instance.ncf, np.linspace(0, tube.time * (1 - 1e-9), TIMES)
    points = [tube.at(t) for t in times]
    on_sphere, values = ([ncf.value(p) for p in each] for each in (map(unit, points), points))

    def share(pair: tuple[int, int]) -> float:
        a, b = pair
        moved = np.sum((points[b] - points[a]) ** 2)
        return (times[b] - times[a]) * (values[b] - values[a]) / moved - 0.5

    def rise(pair: tuple[int, int]) -> float:
        return on_sphere[pair[1]] - on_sphere[pair[0]]

    pairs = list(combinations(range(TIMES), 2))
    slowest, fallen = (min(pairs, key=each) for each in (share, rise))
    if share(slowest) >= 0 and rise(fallen) >= 0:
        raise NotProved("N rises as it would without kinks")
    a, b = slowest if share(slowest) < 0 else fallen
    return times[a], times[b]
