"""Choices as bytes, in which Hypothesis's own strategies read theirs: drawn, changed, made simple.

How many bytes are read at a time tells choices apart, and what they are: nine are a float, its sign
and then Hypothesis's order of the floats ≥ 0, simplest first. Where a version of Hypothesis reads
otherwise, what is drawn is as good, and only changes of it are less to the point.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass

FLOAT = 9  # bytes of one
FRACTION, BIAS, EXPONENTS = 52, 1023, 2046  # of a float: bits, the exponent of 1 and the largest
WHOLE = 1 << 56  # integers below this are the simplest floats
Field = tuple[int, int]  # where among the bytes a choice begins, and how many it reads


class Tape(bytes):
    """Known bytes, and random ones after them, that note how they are read.

    Of what is random, something special is made now and then when it is read: an end of a range, or
    a small number, would else hardly be met.
    """

    def __new__(cls, seed: int, known: bytes, length: int) -> Tape:
        """So many random bytes, a function of the seed, after the known ones."""
        rng = random.Random(seed)
        tape = super().__new__(cls, known + rng.randbytes(length))
        tape.rng, tape.known, tape.fields = rng, len(known), []
        return tape

    def __getitem__(self, place):
        found = super().__getitem__(place)
        if not isinstance(place, slice):
            return found
        self.fields.append((place.start, len(found)))
        return found if place.start < self.known else self._fresh(found)

    def _fresh(self, found: bytes) -> bytes:
        if len(found) == FLOAT:
            return self._fresh_float(found)
        return special(found, self.rng) if len(found) > 1 and self.rng.random() < 1 / 8 else found

    def _fresh_float(self, found: bytes) -> bytes:
        """Mostly a large whole number, of which Hypothesis makes one between bounds."""
        how = self.rng.random()
        if how < 1 / 16:
            return special(found, self.rng)
        if how < 1 / 4:
            return float_bytes(self.rng.gauss(0, 1) * 10 ** self.rng.uniform(-3, 3))
        return found[:1] + b"\0" + found[2:]


def special(content: bytes, rng: random.Random) -> bytes:
    """As many bytes: all bits 0, or all 1, or all but the first 0; or a number of any size."""
    size = len(content)
    if rng.random() < 0.5:
        return (int.from_bytes(content) >> rng.randrange(8 * size)).to_bytes(size)
    return rng.choice((bytes(size), b"\xff" * size, b"\x80" + bytes(size - 1)))


def float_of(content: bytes) -> float:
    """The float of nine bytes."""
    bits = int.from_bytes(content[1:])
    size = float(bits % WHOLE)
    if bits >> 63:
        exponent = _exponent(bits >> FRACTION & 2 * BIAS + 1)
        fraction = _reversed(bits % (1 << FRACTION), exponent)
        size = math.nan if exponent < 0 else _composed(fraction, exponent)
    return -size if content[0] & 1 else size


def float_bytes(value: float) -> bytes:
    """The nine bytes of a finite float."""
    mantissa, exponent = math.frexp(abs(value))
    exponent += BIAS - 1
    if value == 0 or exponent < 1:
        return bytes(FLOAT)
    fraction = _reversed(int(mantissa * 2 ** (FRACTION + 1)) - (1 << FRACTION), exponent)
    place = exponent - BIAS if exponent >= BIAS else EXPONENTS - exponent
    return bytes([value < 0]) + (1 << 63 | place << FRACTION | fraction).to_bytes(8)


def _composed(fraction: int, exponent: int) -> float:
    leading = 1 << FRACTION if exponent else 0
    return math.ldexp(leading + fraction, max(exponent, 1) - BIAS - FRACTION)


def _exponent(place: int) -> int:
    """The exponent at a place in the order of exponents: those from 0 up, then those below down."""
    return BIAS + place if place <= BIAS else EXPONENTS - place


def _reversed(fraction: int, exponent: int) -> int:
    """The fraction with those of its bits that are no whole numbers in reverse."""
    count = min(max(FRACTION - max(exponent - BIAS, 0), 0), FRACTION)
    low = fraction % (1 << count)
    return fraction - low + (int(f"{low:0{count}b}"[::-1], 2) if count else 0)


@dataclass(frozen=True, eq=False)
class Taped:
    """An instance with the bytes it was drawn by, in hexadecimal, and the choices among them."""

    instance: object
    choices: str
    fields: tuple[Field, ...]

    def mutated(self, rng: random.Random) -> str:
        """The bytes with one to three of the choices changed."""
        content = bytearray.fromhex(self.choices)
        for _ in range(rng.choice((1, 1, 2, 3)) if self.fields else 0):
            field = rng.choice(self.fields)
            part = _at(content, field)
            if rng.random() < 0.2:
                alike = [each for each in self.fields if each[1] == field[1]]
                part = _at(content, rng.choice(alike))
            elif len(part) == FLOAT:
                part = float_bytes(_moved(float_of(part), rng))
            else:
                part = _moved_bytes(part, rng)
            _put(content, field, part)
        return content.hex()

    def simplified(self, rng: random.Random) -> str:
        """The bytes with the choices made special: small, equal to each other, or as they are."""
        content, alike = bytearray.fromhex(self.choices), rng.random() < 0.4
        shuffled = rng.sample(self.fields, len(self.fields))
        common = {field[1]: _at(content, field) for field in shuffled}
        for field in self.fields:
            small = rng.choice((0, 1, 2, 3, None))
            if rng.random() >= 0.8 or (small is None and not alike):
                continue
            _put(content, field, common[field[1]] if alike else small.to_bytes(field[1]))
        return content.hex()

    @property
    def numbers(self) -> list[Field]:
        """The floats, which may be moved continuously."""
        content = bytes.fromhex(self.choices)
        floats = [field for field in self.fields if field[1] == FLOAT]
        return [field for field in floats if math.isfinite(float_of(_at(content, field)))]

    def moved(self, numbers: list[Field], steps) -> str:
        """The bytes with these floats moved by steps in units of their size."""
        content = bytearray.fromhex(self.choices)
        for field, step in zip(numbers, steps):
            value = float_of(_at(content, field))
            moved = value + float(step) * (abs(value) or 1.0)
            _put(content, field, float_bytes(moved if math.isfinite(moved) else value))
        return content.hex()


def _at(content: bytes, field: Field) -> bytes:
    return bytes(content[field[0] : sum(field)])


def _put(content: bytearray, field: Field, part: bytes) -> None:
    content[field[0] : sum(field)] = part


def _moved_bytes(content: bytes, rng: random.Random) -> bytes:
    """Another number of as many bytes: any, simple, or a step of any size away."""
    value, bits, how = int.from_bytes(content), 8 * len(content), rng.random()
    if how < 0.4:
        return rng.randbytes(len(content))
    if how < 0.5:
        value = rng.choice((0, 1, value // 2, 2 * value))
    else:
        value += rng.choice((-1, 1)) * round(2 ** rng.uniform(0, bits - 1))
    return (value % 2**bits).to_bytes(len(content))


def _moved(value: float, rng: random.Random) -> float:
    """By relative steps of every size, to simple values, rounded."""
    if not abs(value) < 1e300:
        return rng.gauss(0, 1)
    if rng.random() < 0.3:
        simple = 0.0, 1.0, -1.0, 0.5, -value, float(round(value)), round(4 * value) / 4
        return rng.choice(simple)
    return value + (abs(value) or 1.0) * rng.gauss(0, 1) * 10 ** rng.uniform(-6, 1)
