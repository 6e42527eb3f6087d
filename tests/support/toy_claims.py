"""Small claims for the tests of the machinery; a module of its own so that worker processes can
import it.
"""

import os
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

from hypothesis import strategies as st

from ncfcheck.core.claims import (
    CONJECTURE,
    CONTROL,
    THEOREM,
    Inapplicable,
    Margin,
    Unresolved,
    claim,
)

NUMBERS = st.integers(0, 10**6)


@dataclass(frozen=True)
class Toy:
    """An instance with all the optional methods; `honest` says whether its violations survive
    confirmation.
    """

    number: int
    honest: bool = True
    variant: str = ""

    def describe(self) -> str:
        return f"toy number {self.number}"

    def coverage(self) -> dict:
        return {"D": self.number % 3, "data": "even" if self.number % 2 == 0 else "odd"}

    def confirmations(self) -> Iterator[tuple[str, "Toy"]]:
        yield "tighter tolerance", replace(self, variant="tight")
        yield "scipy", replace(self, variant="scipy")


@claim(
    "toy.true",
    kind=THEOREM,
    reference="§0",
    given=st.builds(Toy, NUMBERS),
    hypotheses=("the number is an integer",),
)
def true(toy):
    """A number is at least zero.

    With a second line.
    """
    return Margin(1.0 + toy.number, 0.5)


@claim(
    "toy.false",
    kind=CONTROL,
    reference="§0",
    given=st.builds(Toy, NUMBERS),
    drops="the number is an integer",
    of=("toy.true",),
)
def false(toy):
    """A number is below 500000."""
    return Margin(5e5 - toy.number, 0.5)


@claim("toy.refutable", kind=THEOREM, reference="§0", given=NUMBERS)
def refutable(number):
    """[red]A number[/red] is below 900000."""
    return Margin(9e5 - number, 0.5)


@claim("toy.weak_control", kind=CONTROL, reference="§0", given=NUMBERS)
def weak_control(number):
    """A number is not negative, which no instance refutes."""
    return Margin(number + 1.0, 0.5)


@claim("toy.open", kind=CONJECTURE, reference="§0", given=NUMBERS)
def open_(number):
    """A number is not 7 mod 8."""
    return Margin(1.0 if number % 8 != 7 else -1.0, 0.5)


@claim("toy.unconfirmed", kind=THEOREM, reference="§0", given=st.builds(Toy, NUMBERS))
def unconfirmed(toy):
    """A number is even, which odd ones violate until they are looked at with scipy."""
    return Margin(-1.0 if toy.number % 2 and toy.variant != "scipy" else 1.0, 0.5)


@claim("toy.picky", kind=THEOREM, reference="§0", given=NUMBERS)
def picky(number):
    """Applies to multiples of 4 only, and says nothing about multiples of 32."""
    if number % 4:
        raise Inapplicable("not a multiple of 4")
    if number % 32 == 0:
        raise Unresolved("a multiple of 32")
    return Margin(1.0, 0.5)


@claim("toy.hard", kind=CONJECTURE, reference="§0", given=NUMBERS)
def hard(number):
    """A number is not negative, which only multiples of 7 show."""
    if number % 7:
        raise Unresolved("no multiple of 7")
    return Margin(1.0, 0.5)


@claim("toy.buggy", kind=THEOREM, reference="§0", given=NUMBERS)
def buggy(number):
    """Divides by zero whatever the number."""
    return Margin(number / 0, 0.5)


@claim("toy.never", kind=THEOREM, reference="§0", given=NUMBERS)
def never(number):
    """Applies to nothing."""
    raise Inapplicable("never applies")


@claim("toy.bad_strategy", kind=THEOREM, reference="§0", given=NUMBERS.map(lambda number: 1 // 0))
def bad_strategy(number):
    """Its strategy fails."""
    return Margin(1.0, 0.5)


@claim("lethal.killer", kind=THEOREM, reference="§0", given=NUMBERS)
def killer(number):
    """Kills its process."""
    os._exit(9)


@claim("lethal.interrupter", kind=THEOREM, reference="§0", given=NUMBERS)
def interrupter(number):
    """Interrupts the process that started its worker, and dawdles."""
    os.kill(os.getppid(), signal.SIGINT)
    time.sleep(600)
    return Margin(1.0, 0.5)


@claim(
    "toy.seed",
    kind=THEOREM,
    reference="§0",
    given=st.tuples(NUMBERS, st.floats(0, 1), st.lists(NUMBERS)),
)
def seed(drawn):
    """Its worst margin tells what was drawn."""
    number, fraction, numbers = drawn
    return Margin(1 + number + fraction + sum(numbers), 0.0)
