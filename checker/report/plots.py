"""Flows as figures: norm and alignment, singular values, weights, and how closely the loss flow
tracks the NCF flow.
"""

from __future__ import annotations

import contextlib
import io
import math
import re
from collections.abc import Iterator
from typing import Any

import numpy as np
from matplotlib import rc_context, rcdefaults, rcParams
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from ncfcheck.model.instance import Instance
from ncfcheck.model.models import Model
from ncfcheck.model.rendering import weights as weights_of
from ncfcheck.report.portrait import Portrait, portrait
from ncfcheck.report.turns import mark, sliding
from ncfcheck.report.words import SUPERSCRIPTS
from ncfcheck.theory.flow.trajectories import Trajectory

INK = "#123456"  # stands for the colour of the text around an inline figure
PALETTE = ("#3a7ebf", "#c2571a", "#2e8b57", "#a0569c", "#a8811c")
POINTS = 160  # drawn of one curve, at most
STYLE: Any = {
    "font.size": 9,
    "svg.fonttype": "none",
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.titlecolor": INK,
    "axes.titlesize": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "legend.frameon": False,
    "legend.fontsize": 8,
    "lines.linewidth": 1.3,
}
MARGINS = {"left": 0.15, "right": 0.98, "bottom": 0.15, "top": 0.91}
SMALL = (4.6, 3.1)  # inches, of a figure that stands among others on a page


def norms(axes, portrait: Portrait) -> None:
    """Norm in units of δ against time in units of δ^{−(D−2)}, with the blow-up bracket."""
    for label, flow, style in _flows(portrait):
        rows = _thinned(len(flow.time))
        axes.plot(_times(flow, portrait)[rows], np.exp(flow.log_norm[rows]), label=label, **style)
    if portrait.blowup:
        low, time, high = portrait.blowup
        axes.axvspan(
            low, min(high, 3 * time), color=PALETTE[4], alpha=0.18, lw=0, label="bracket of T*"
        )
        axes.axvline(time, color=PALETTE[4], lw=1, ls=":", label=f"T* = {time:.3g}")
    if portrait.aligned:
        axes.plot(*portrait.aligned[:2], "o", color=INK, ms=4, label="(T_ε, R_ε)")
    if portrait.flow.turns is not None:
        times = _times(portrait.flow, portrait)
        mark(axes, portrait.flow, times, np.exp(portrait.flow.log_norm), PALETTE[3])
    axes.set(ylabel="‖w‖/δ", xlabel="t δᴰ⁻²", title="norm")
    _logarithmic(axes, portrait)
    axes.legend()


def alignments(axes, portrait: Portrait) -> None:
    """1 − ⟨v, u*⟩ against time in units of δ^{−(D−2)}."""
    for label, flow, style in _flows(portrait):
        rows = _thinned(len(flow.time))
        distance = 0.5 * ((flow.directions[rows] - portrait.target) ** 2).sum(axis=1)
        axes.plot(_times(flow, portrait)[rows], np.maximum(distance, 1e-16), label=label, **style)
    if portrait.aligned:
        time, _, epsilon = portrait.aligned
        axes.plot(time, epsilon, "o", color=INK, ms=4, label="ε at T_ε")
    axes.set(ylabel="1 − ⟨v, u*⟩", xlabel="t δᴰ⁻²", title="alignment")
    _logarithmic(axes, portrait)
    axes.legend()


def singular_values(axes, portrait: Portrait) -> None:
    """Singular values of every layer in units of its norm along the NCF flow: one is left where the
    layer becomes rank one.
    """
    network, flow = portrait.instance.network, portrait.flow
    rows = _thinned(len(flow.time), 60)
    along = [_matrices(network, v) for v in flow.directions[rows]]
    for l, name in enumerate(along[0]):
        matrices = [each[name] for each in along]
        values = np.array([np.linalg.svd(matrix, compute_uv=False) for matrix in matrices])
        values /= np.maximum(np.linalg.norm(values, axis=1, keepdims=True), 1e-300)
        for k, curve in enumerate(values.T):
            style = {
                "color": PALETTE[l % len(PALETTE)],
                "lw": 1.8 if k == 0 else 0.9,
                "alpha": 1.0 if k == 0 else 0.8,
            }
            axes.plot(
                _times(flow, portrait)[rows],
                np.maximum(curve, 1e-12),
                label=name if k == 0 else None,
                **style,
            )
    axes.set(
        ylim=(1e-7, 2),
        ylabel="singular values of W/‖W‖",
        xlabel="t",
        title="singular values along the NCF flow",
    )
    _logarithmic(axes, portrait)
    axes.legend(ncols=3, loc="lower left")


def weights(axes, portrait: Portrait) -> None:
    """Heat maps of every layer: in the upper row at the start, in the lower one where the flow is
    aligned.
    """
    network, flow = portrait.instance.network, portrait.flow
    last = (
        int(np.searchsorted(flow.time, portrait.aligned[0]))
        if portrait.aligned
        else len(flow.time) - 1
    )
    for row, k in enumerate((0, min(last, len(flow.time) - 1))):
        for l, (name, matrix) in enumerate(_matrices(network, flow.directions[k]).items()):
            _heat_map(axes, matrix, 1.2 * l, -1.25 * row)
            if row == 0:
                axes.text(1.2 * l + 0.5, 1.06, name, ha="center", va="bottom")
    for row, told in enumerate(("v₀", "v(T_ε)" if portrait.aligned else "v at the end")):
        axes.text(-0.08, 0.5 - 1.25 * row, told, ha="center", va="center", rotation=90)
    axes.set(
        xlim=(-0.2, 1.2 * len(network.groups)), ylim=(-1.4, 1.35), aspect="equal", title="weights"
    )
    axes.set_axis_off()


def _heat_map(axes, matrix: np.ndarray, left: float, bottom: float) -> None:
    """A matrix in the unit square whose corner is at (left, bottom), its colours as wide as its
    largest entry, which is told.
    """
    rows, columns = matrix.shape
    cell, size = 1 / max(rows, columns), max(float(np.abs(matrix).max()), 1e-300)
    x = left + (1 - cell * columns) / 2 + cell * np.arange(columns + 1)
    y = bottom + (1 + cell * rows) / 2 - cell * np.arange(rows + 1)
    axes.pcolormesh(x, y, matrix, cmap="PuOr", vmin=-size, vmax=size, edgecolors=INK, linewidth=0.3)
    axes.text(left + 0.5, y[-1] - 0.03, f"±{size:.2g}", ha="center", va="top", fontsize=7)


def tracking(axes, portrait: Portrait) -> None:
    """How far the loss flow is from the NCF flow where each norm first reaches 2, against δ^D, with
    fitted slopes.
    """
    found, order = portrait.tracking, portrait.instance.network.order
    axes.set(xlabel="δᴰ", ylabel="difference to the NCF flow", title=f"tracking error, D = {order}")
    if found is None:
        told = f"not there:\n{portrait.missing['tracking']}"
        axes.text(0.5, 0.5, told, ha="center", va="center", transform=axes.transAxes, wrap=True)
        axes.set(xticks=[], yticks=[])
        return
    for column, name in enumerate(("direction", "arrival time")):
        errors, floor = found.sizes[:, column], found.floor[column]
        fair = errors > 10 * floor
        axes.plot(found.powers, errors, "o", ms=4, color=PALETTE[column])
        if fair.sum() >= 2:
            slope, height = np.polyfit(np.log(found.powers[fair]), np.log(errors[fair]), 1)
            told = f"{name}: δ to the power {order * slope:.2f}"
            axes.plot(
                found.powers,
                np.exp(height) * found.powers**slope,
                color=PALETTE[column],
                label=told,
            )
        else:
            axes.plot(
                [], [], "o", color=PALETTE[column], label=f"{name}: within the integrators' errors"
            )
    _logarithmic(axes)
    axes.legend()


def _logarithmic(axes, portrait: Portrait | None = None) -> None:
    """Both scales logarithmic, over the times of a portrait; labels are plain text, drawn many
    times faster than formulas.
    """
    axes.set(xscale="log", yscale="log")
    if portrait:
        axes.set_xlim(*_window(portrait))
    for each in (axes.xaxis, axes.yaxis):
        each.set_major_locator(LogLocator(numticks=7))
        each.set_major_formatter(
            FuncFormatter(
                lambda value, _: f"10{str(round(math.log10(value))).translate(SUPERSCRIPTS)}"
            )
        )
        each.set_minor_locator(NullLocator())


def _matrices(network: Model, w: np.ndarray) -> dict[str, np.ndarray]:
    """Layers, or groups of weights, by name; those in more dimensions as matrices below another."""
    return {
        name: each if each.ndim == 2 else each.reshape(-1, each.shape[-1])
        for name, each in weights_of(network, w).items()
    }


def _flows(portrait: Portrait):
    """(label, flow, style) of the loss flows and, on top, the NCF flow."""
    for (delta, flow), colour in zip(portrait.losses, PALETTE):
        yield f"δ = {delta:.2g}", flow, {"color": colour}
    yield "NCF flow", portrait.flow, {"color": INK, "ls": "--"}


def _thinned(count: int, most: int = POINTS) -> np.ndarray:
    """At most so many rows, the first and the last among them."""
    return (
        np.arange(count)
        if count <= most
        else np.unique(np.linspace(0, count - 1, most).round().astype(int))
    )


def _times(flow, portrait: Portrait) -> np.ndarray:
    """Times for a logarithmic scale: the start stands at its left end."""
    return np.maximum(flow.time, _window(portrait)[0])


def _window(portrait: Portrait) -> tuple[float, float]:
    """The times that are drawn: from well before the flow turns to past the blow-up."""
    times = portrait.flow.time[portrait.flow.time > 0]
    last = portrait.blowup[1] * 2 if portrait.blowup else float(times[-1]) if len(times) else 1.0
    first = float(times[0]) if len(times) else last / 10
    return min(max(first, last * 1e-6), last / 100), last


@contextlib.contextmanager
def _style(settings: Any) -> Iterator[None]:
    """These settings and matplotlib's defaults, whatever the user's are."""
    with rc_context():
        rcdefaults()
        rcParams.update(settings)
        yield


def plot(what: Trajectory | Portrait | Instance) -> Figure:
    """A trajectory's norm and distance from a KKT point; or all there is to see of an instance:
    norm, alignment, singular values, tracking error and weights. Raises TypeError for anything
    else.
    """
    match what:
        case Trajectory():
            return trajectory(what)
        case Portrait():
            return figure(what)
        case Instance():
            return figure(portrait(what))
    raise TypeError(
        f"a trajectory, a portrait or an instance can be plotted, not a {type(what).__name__}"
    )


def figure(portrait: Portrait) -> Figure:
    """All figures of one instance in one."""
    with _style(STYLE):
        whole = Figure(figsize=(10, 10.5))
        top, bottom = np.array(whole.subfigures(2, 1, height_ratios=(2, 1.05)), dtype=object)
        axes = top.subplots(
            2,
            2,
            gridspec_kw={"left": 0.08, "right": 0.98, "bottom": 0.07, "top": 0.9, "hspace": 0.3},
        )
        for draw, each in zip((norms, alignments, singular_values, tracking), axes.flat):
            draw(each, portrait)
        weights(
            bottom.subplots(gridspec_kw={"left": 0.02, "right": 0.98, "top": 0.94, "bottom": 0.02}),
            portrait,
        )
        whole.suptitle(_wrapped(portrait.instance.describe()), fontsize=8)
    return whole


def figures(portrait: Portrait) -> dict[str, Figure]:
    """One small figure each, by what it shows."""
    found = {}
    with _style(STYLE):
        for draw in (norms, alignments, singular_values, tracking, weights):
            found[draw.__name__.replace("_", " ")] = each = Figure(figsize=SMALL)
            draw(each.subplots(gridspec_kw=MARGINS), portrait)
    return found


def trajectory(flow, axes=None):
    """Norm and sin∠ of one flow against its time, on two axes or on a new figure of two; through
    kinks also what happens there, and on a third which units slide. The figure.
    """
    with _style(STYLE | {"axes.edgecolor": "black"}):
        if axes is None:
            count = 2 if flow.turns is None else 3
            whole = Figure(figsize=(count * SMALL[0], SMALL[1]))
            axes = whole.subplots(1, count, gridspec_kw=MARGINS)
        rows = _thinned(len(flow.time), 10 * POINTS)[1:]
        axes[0].plot(flow.time[rows], np.exp(flow.log_norm[rows]), color=PALETTE[0])
        axes[0].set(xlabel="t", ylabel="r", title="norm")
        axes[1].plot(flow.time[rows], np.maximum(flow.residual[rows], 1e-16), color=PALETTE[1])
        axes[1].set(xlabel="t", ylabel="sin∠(∇N, v)", title="distance from a KKT point")
        for each in axes[:2]:
            _logarithmic(each)
        if flow.turns is not None:
            mark(axes[0], flow, flow.time, np.exp(flow.log_norm), PALETTE[1])
            axes[0].legend()
        if len(axes) > 2:
            sliding(axes[2], flow, PALETTE)
    return axes[0].figure


def save(drawn: Figure, path) -> bytes:
    """The figure in the format that the name of a file asks for, svg or png, black on white. Raises
    ValueError for another.
    """
    kind = str(path).rpartition(".")[2].lower()
    if kind not in ("svg", "png"):
        raise ValueError(f"{path}: a figure is an .svg or a .png file")
    with _style({"svg.fonttype": "none", "svg.hashsalt": "ncfcheck"}):
        out = io.BytesIO()
        drawn.savefig(
            out,
            format=kind,
            dpi=150,
            facecolor="white",
            metadata={"Date": None} if kind == "svg" else None,
        )
    return out.getvalue().replace(INK.encode(), b"#000000") if kind == "svg" else out.getvalue()


def inline(drawn: Figure, name: str, label: str) -> str:
    """The figure as an SVG element for a page: in the colour of its text, with a label for who
    cannot see it.

    `name` must differ between the figures of a page, since ids in an SVG element are those of the
    whole page.
    """
    with _style({"svg.fonttype": "none", "svg.hashsalt": name}):
        out = io.StringIO()
        drawn.savefig(out, format="svg", transparent=True, metadata={"Date": None})
    text = re.sub(
        r"<metadata>.*?</metadata>", "", out.getvalue()[out.getvalue().index("<svg") :], flags=re.S
    )
    text = re.sub(
        r' (?:d|x|y|transform)="[^"]*"',
        lambda each: re.sub(r"(\d\.\d{2})\d+", r"\1", each[0]),
        text,
    )
    text = text.replace(INK, "currentColor")
    text = re.sub(r">\s+<", "><", text)
    used = {a or b for a, b in re.findall(r'url\(#([^)]*)\)|href="#([^"]*)"', text)}
    text = re.sub(r' id="([^"]*)"', lambda each: each[0] if each[1] in used else "", text)
    text = re.sub(
        r'(<svg\b[^>]*?) width="[^"]*"',
        r"\1",
        re.sub(r'(<svg\b[^>]*?) height="[^"]*"', r"\1", text, count=1),
        count=1,
    )
    return text.replace("<svg", f'<svg role="img" aria-label="{label}"', 1)


def _wrapped(text: str, width: int = 130) -> str:
    return "\n".join(text[i : i + width] for i in range(0, min(len(text), 3 * width), width))
