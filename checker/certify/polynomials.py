"""Networks over polynomials in τ ∈ [0, 1] with balls as coefficients: whole curves of weights at
once (theory §9).

A polynomial stands for every function f with f(τ) in the ball that it takes at τ, for each τ; so an
error that is bounded over [0, 1] goes into its constant coefficient.
"""

from __future__ import annotations

from math import comb

from flint import arb, arb_poly

from ncfcheck.certify.certificate import NotProved
from ncfcheck.certify.rings import Balls
from ncfcheck.model.networks import times_power


class Matrix:
    """A matrix of polynomials, (rows, columns), with these entries row by row, or zeros."""

    def __init__(self, rows: int, columns: int, entries=None):
        self.rows, self.columns = rows, columns
        self.content = [arb_poly([])] * (rows * columns) if entries is None else list(entries)

    def nrows(self) -> int:
        """Number of rows."""
        return self.rows

    def ncols(self) -> int:
        """Number of columns."""
        return self.columns

    def entries(self) -> list:
        """All entries, row by row."""
        return list(self.content)

    def __getitem__(self, place):
        return self.content[place[0] * self.columns + place[1]]

    def transpose(self) -> Matrix:
        """The transpose."""
        turned = [self[i, j] for j in range(self.columns) for i in range(self.rows)]
        return Matrix(self.columns, self.rows, turned)

    def __mul__(self, other: Matrix) -> Matrix:
        entries = [
            sum((self[i, k] * other[k, j] for k in range(self.columns)), arb_poly([]))
            for i in range(self.rows)
            for j in range(other.columns)
        ]
        return Matrix(self.rows, other.columns, entries)


class Polynomials:
    """The ring of polynomials."""

    matrix = Matrix

    @staticmethod
    def number(value) -> arb_poly:
        """A polynomial as it is, anything else as a constant."""
        return value if isinstance(value, arb_poly) else arb_poly([Balls.number(value)])

    @staticmethod
    def side(z: arb_poly) -> int | None:
        """Sign of z all over [0, 1]; None where it changes or is not known."""
        low, high = extremes(z)
        return 1 if low > 0 else -1 if high < 0 else 0 if low == 0 == high else None

    @staticmethod
    def bend(z: arb_poly, power: int, alpha: arb_poly, known: int | None) -> tuple:
        """σ(z), σ'(z), no σ''; where z changes sign, one branch, with how far the other is off."""
        slope = alpha[0]
        if power == 1 and slope != 1:
            raise NotProved("∇N jumps at a kink of p = 1")
        scale = times_power(arb(1), slope, power)
        side, beyond = _branch(z, known)
        factor, powers = arb(1) if side > 0 else scale, [arb_poly([1])]
        for _ in range(power):
            powers.append(powers[-1] * z)
        gap, wide = abs(1 - scale), arb(0, beyond)
        value, first = factor * powers[power], factor * power * powers[power - 1]
        return (
            value + times_power(gap, wide, power),
            first + times_power(gap * power, wide, power - 1),
            None,
        )


def _branch(z: arb_poly, known: int | None) -> tuple[int, arb]:
    """The side that z is on, and how far it goes beyond."""
    low, high = (arb(0), arb(0)) if known else extremes(z)
    if low >= 0 or high <= 0:
        return known or (1 if low >= 0 else -1), arb(0)
    return (1, arb((-low).upper())) if high > -low else (-1, arb(high.upper()))


def bounded(z: arb_poly) -> arb:
    """An upper bound of |z| over [0, 1]."""
    return sum((abs(each) for each in z.coeffs()), arb(0)).upper()


def extremes(z: arb_poly) -> tuple[arb, arb]:
    """Bounds of z over [0, 1]: below and above all its coefficients in Bernstein's basis."""
    c = z.coeffs() or [arb(0)]
    rest = sum((abs(each) for each in c[1:]), arb(0))
    if c[0] > rest or c[0] < -rest:
        return (c[0] - rest).lower(), (c[0] + rest).upper()
    n = len(c) - 1
    weights = [each / comb(n, k) for k, each in enumerate(c)]
    b = [
        sum((comb(j, k) * each for k, each in enumerate(weights[: j + 1])), arb(0))
        for j in range(n + 1)
    ]
    return min(each.lower() for each in b), max(each.upper() for each in b)
