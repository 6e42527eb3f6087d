"""Claims for the tests of hunts: true, false, with counterexamples that are rare, and some that
harm whoever tests them.
"""

import os
import time
from dataclasses import dataclass
from pathlib import Path

from hypothesis import strategies as st

from ncfcheck.core.claims import CONJECTURE, CONTROL, THEOREM, Margin, Unresolved, claim

NUMBERS = st.integers(0, 10**6)
REALS = st.floats(-100, 100, allow_nan=False)


@dataclass(frozen=True)
class Spot:
    """A number and two reals."""

    number: int
    x: float
    y: float

    def coverage(self) -> dict:
        return {"D": self.number % 5, "data": "even" if self.number % 2 == 0 else "odd"}


SPOTS = st.builds(Spot, NUMBERS, REALS, REALS)


@claim("hunted.true", kind=THEOREM, reference="§0", given=SPOTS)
def true(spot):
    """A sum of squares is not negative."""
    return Margin(1e-3 + spot.x**2 + spot.y**2, 1e-9)


@claim("hunted.one_number", kind=CONTROL, reference="§0", given=SPOTS)
def one_number(spot):
    """The number is not 654321: one in a million refutes it."""
    return Margin(abs(spot.number - 654_321) / 1e6 - 1e-7, 1e-9)


@claim("hunted.small_disc", kind=CONTROL, reference="§0", given=SPOTS)
def small_disc(spot):
    """(x, y) is not within 1e-3 of (17.3, -41.9): one draw in 1e10 is."""
    return Margin(((spot.x - 17.3) ** 2 + (spot.y + 41.9) ** 2) ** 0.5 - 1e-3, 1e-9)


@claim("hunted.equal", kind=CONTROL, reference="§0", given=SPOTS)
def equal(spot):
    """x and y differ: refuted on a set of measure zero, and the margin tells nothing."""
    return Margin(-1.0 if spot.x == spot.y != 0 else 1.0, 1e-9)


@claim("hunted.slow", kind=THEOREM, reference="§0", given=SPOTS)
def slow(spot):
    """Takes its time."""
    time.sleep(0.05)
    return Margin(1.0, 0.0)


@claim("hunted.false", kind=CONJECTURE, reference="§0", given=SPOTS)
def false(spot):
    """x is at most 50."""
    return Margin((50 - spot.x) / 50, 1e-9)


@claim("hunted.undecided", kind=THEOREM, reference="§0", given=SPOTS)
def undecided(spot):
    """Nothing is ever decided."""
    raise Unresolved("too hard")


@claim("hunted.killer", kind=THEOREM, reference="§0", given=SPOTS)
def killer(spot):
    """Every second number kills its process."""
    if spot.number % 2:
        os._exit(9)
    return Margin(1.0, 0.0)


@claim("hunted.kills_once", kind=THEOREM, reference="§0", given=SPOTS)
def kills_once(spot):
    """The first to test it dies, when NCFCHECK_MARK names a file that is not there yet."""
    mark = Path(os.environ["NCFCHECK_MARK"])
    if not mark.exists():
        mark.touch()
        os._exit(9)
    return Margin(1.0 + spot.number, 0.0)
