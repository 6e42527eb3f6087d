"""What happens at kinks, in figures of flows: events on a curve, and which units slide when."""

from __future__ import annotations

import numpy as np

from ncfcheck.theory.flow.trajectory import Happened, Trajectory

MARKS = {
    Happened.CROSSED: "|",
    Happened.ENTERED: ">",
    Happened.LEFT: "<",
    Happened.BRANCHED: "D",
    Happened.TIED: "x",
}
MOST = 40  # units whose sliding is drawn: those that do first


def mark(axes, flow: Trajectory, times: np.ndarray, values: np.ndarray, colour: str) -> None:
    """The events of a flow on its curve, `values` (m + 1,) against `times` (m + 1,)."""
    for happened, marker in MARKS.items():
        rows = [event.row for event in flow.turns.events if event.happened is happened]
        if rows:
            style = {"color": colour, "ms": 4, "label": f"a unit {happened.value}"}
            axes.plot(times[rows], values[rows], marker, **style)


def sliding(axes, flow: Trajectory, colours) -> None:
    """When each unit slides, a line each, with its slope where it begins to."""
    ends = [0, *(event.row for event in flow.turns.events), len(flow.time) - 1]
    slides = flow.turns.modes == 0
    units = np.flatnonzero(slides.any(axis=0))
    units = units[np.argsort(slides[:, units].argmax(axis=0), kind="stable")][:MOST]
    for line, unit in enumerate(units):
        for k in np.flatnonzero(slides[:, unit]):
            times = flow.time[[ends[k], ends[k + 1]]]
            axes.plot(times, [line, line], color=colours[line % len(colours)])
            if k == 0 or not slides[k - 1, unit]:
                slope = flow.turns.slopes[k, unit]
                label = "" if np.isnan(slope) else f"θ = {slope:.2g}"
                axes.annotate(label, (times[0], line), fontsize=6, va="bottom")
    axes.set(xlabel="t", yticks=[], ylim=(-1, max(len(units), 1)), title="units that slide")
