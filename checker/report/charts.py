"""Small charts of the report as SVG in the colours of the page: light, many in little time."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from markupsafe import Markup, escape

from ncfcheck.report.words import SUPERSCRIPTS

WIDTH, HEIGHT = 420, 190
LEFT, RIGHT, TOP, BOTTOM = 46, 8, 42, 34
SMALLEST, LARGEST = -18, 12  # decades that are told apart


def margins(pairs: Sequence[tuple[float, float]], label: str) -> Markup:
    """Margins |m| against the bounds on their errors, both logarithmic; above, a histogram of |m|.

    What holds is drawn as dots, what violates as crosses; left of the diagonal margins are within
    their errors.
    """
    finite = [pair for pair in pairs if all(map(math.isfinite, pair))]
    found = [(abs(value), error, value) for value, error in finite]
    if not found:
        return Markup("<p class='none'>no margin to show</p>")
    x = _Scale([size for size, *_ in found], LEFT, WIDTH - RIGHT)
    y = _Scale([error for _, error, _ in found], HEIGHT - BOTTOM, TOP)
    parts = [_axes(x, y), _histogram(x, found), _diagonal(x, y)]
    for kind in ("holds", "violates", "undecided"):
        places = dict.fromkeys(
            (x(size), y(error)) for size, error, value in found if _kind(value, error) == kind
        )
        parts.append(_marks(kind, places))
    return _svg(parts, label)


def _kind(value: float, error: float) -> str:
    return "undecided" if abs(value) <= error else "holds" if value > 0 else "violates"


class _Scale:
    """Decades to places: from `start` to `end` for the smallest to the largest of the values."""

    def __init__(self, values: Iterable[float], start: float, end: float):
        decades = [_decade(value) for value in values]
        self.low, self.high = math.floor(min(decades)), math.ceil(max(decades))
        if self.high - self.low < 2:
            self.low, self.high = self.low - 1, self.high + 1
        self.start, self.end = start, end

    def __call__(self, value: float) -> float:
        return self.at(_decade(value))

    def at(self, decade: float) -> float:
        share = (decade - self.low) / (self.high - self.low)
        return round(self.start + share * (self.end - self.start), 1)

    @property
    def ticks(self) -> list[int]:
        step = max(1, math.ceil((self.high - self.low) / 6))
        return list(range(self.low, self.high + 1, step))


def _decade(value: float) -> float:
    return min(max(math.log10(value), SMALLEST), LARGEST) if value > 0 else SMALLEST


def _axes(x: _Scale, y: _Scale) -> str:
    bottom = HEIGHT - BOTTOM
    middle, height = (LEFT + WIDTH) // 2, (TOP + bottom) // 2
    parts = [f'<path class="axis" d="M{LEFT} {TOP}V{bottom}H{WIDTH - RIGHT}"/>']
    parts += [
        f'<text x="{x.at(tick)}" y="{bottom + 14}" text-anchor="middle">{_power(tick)}</text>'
        for tick in x.ticks
    ]
    parts += [
        f'<text x="{LEFT - 4}" y="{y.at(tick) + 3}" text-anchor="end">{_power(tick)}</text>'
        for tick in y.ticks
    ]
    parts += [
        f'<text x="{middle}" y="{HEIGHT - 4}" text-anchor="middle">size of the margin</text>',
        f'<text x="10" y="{height}" text-anchor="middle" transform="rotate(-90 10 {height})">',
        "error bound</text>",
    ]
    return "".join(parts)


def _diagonal(x: _Scale, y: _Scale) -> str:
    """Where the error is as large as the margin."""
    low, high = max(x.low, y.low), min(x.high, y.high)
    if low >= high:
        return ""
    return f'<path class="diagonal" d="M{x.at(low)} {y.at(low)}L{x.at(high)} {y.at(high)}"/>'


def _histogram(x: _Scale, found: list, bars: int = 36) -> str:
    width = (WIDTH - RIGHT - LEFT) / bars
    counts = [0] * bars
    for size, *_ in found:
        counts[min(bars - 1, int((x(size) - LEFT) / width))] += 1
    tallest = max(counts)
    rows = [(i, (TOP - 10) * count / tallest) for i, count in enumerate(counts) if count]
    path = "".join(
        f"M{LEFT + i * width:.1f} {TOP - 4}v-{height:.1f}h{width:.1f}v{height:.1f}z"
        for i, height in rows
    )
    return f'<path class="bars" d="{path}"/>'


def _marks(kind: str, places: Iterable[tuple[float, float]]) -> str:
    if kind == "violates":
        path = "".join(f"M{x - 2.5:.1f} {y - 2.5:.1f}l5 5m0-5l-5 5" for x, y in places)
    else:
        path = "".join(f"M{x} {y}h0" for x, y in places)
    return f'<path class="mark {kind}" d="{path}"/>' if path else ""


def _power(decade: int) -> str:
    return "1" if decade == 0 else f"10{str(decade).translate(SUPERSCRIPTS)}"


def _svg(parts: Iterable[str], label: str) -> Markup:
    told = f'role="img" aria-label="{escape(label)}"'
    head = f'<svg class="chart" viewBox="0 0 {WIDTH} {HEIGHT}" {told}>'
    return Markup(head + "".join(parts) + "</svg>")
