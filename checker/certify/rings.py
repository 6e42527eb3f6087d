"""The two rings that networks are evaluated over: exact rationals, and real balls that contain the
exact value.

Floats enter as the dyadic numbers they are. Comparisons of balls are answered only where every
point of them agrees, so that nothing may be concluded from an answer False.
"""

from __future__ import annotations

import contextlib

from flint import arb, arb_mat, ctx, fmpq, fmpq_mat

from ncfcheck.certify.certificate import NotProved

PRECISIONS = (64, 128, 256)  # bits of balls, tried in turn


@contextlib.contextmanager
def precision(bits: int):
    """Balls of `bits` bits inside; what was set before is set again afterwards."""
    before, ctx.prec = ctx.prec, bits
    try:
        yield
    finally:
        ctx.prec = before


class Rationals:
    """Exact rational numbers."""

    matrix = fmpq_mat

    @staticmethod
    def number(value) -> fmpq:
        """The float, integer or rational as it is."""
        return value if isinstance(value, fmpq) else fmpq(*_ratio(value))

    @staticmethod
    def side(z) -> int:
        """Sign of z: 1, −1 or 0."""
        return (z > 0) - (z < 0)

    @staticmethod
    def hull(low, high):
        """The number, if both are equal. Raises NotProved for the two sides of a kink."""
        if low != high:
            raise NotProved("the network has a kink exactly here")
        return low


class Balls:
    """Balls of the precision set; `arb` takes floats and integers exactly."""

    matrix = arb_mat

    @staticmethod
    def number(value) -> arb:
        """A ball with only the float, integer or ball given; a rational is rounded outwards."""
        if isinstance(value, arb):
            return value
        return arb(float(value)) if _is_float(value) else arb(value)

    @staticmethod
    def side(z) -> int | None:
        """Sign of every point of z; None where signs differ or it is not known."""
        if z > 0:
            return 1
        return -1 if z < 0 else 0 if z.is_zero() else None

    @staticmethod
    def hull(low, high) -> arb:
        """The smallest ball that contains both."""
        return arb(low).union(arb(high))


def _ratio(value) -> tuple[int, int]:
    return (int(value), 1) if isinstance(value, int) else float(value).as_integer_ratio()


def _is_float(value) -> bool:
    return not isinstance(value, int | fmpq) and hasattr(value, "as_integer_ratio")


def halves(z: arb) -> tuple[arb, arb]:
    """The part of a ball above 0 and the part below, 0 included in both."""
    zero = arb(0)
    above, below = arb(z.upper()), arb(z.lower())
    return zero.union(above if above > 0 else zero), zero.union(below if below < 0 else zero)
