"""Labels y that a loss may have, and how given ones are made to fit."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np

Array = np.ndarray


class Labels(ABC):
    """Which labels y (n, m) a loss may have; `words` says so, `fewest` is the least m."""

    words: str
    fewest: int = 1
    are_numbers: bool = True  # and may so be moved a little

    @abstractmethod
    def allow(self, y: Array) -> bool:
        """Whether all labels are among those."""

    @abstractmethod
    def fit(self, y: Array, centre: float = 0.0) -> Array:
        """Labels among those for given ones that are not; of two values the high one from `centre`
        upwards.
        """

    def refuse_others(self, y: Array, loss: str) -> None:
        """Raise ValueError unless the loss of this name may have all labels."""
        if not self.allow(y):
            raise ValueError(f"y {self.other(y)}: labels are {self.words} with the {loss} loss")

    def other(self, y: Array) -> str:
        """What is wrong with the labels, in words."""
        return "holds others"


@dataclass(frozen=True)
class Numbers(Labels):
    """Any numbers; `but` for those of one size, where ℓ''(0) does not exist."""

    but: float | None = None

    @property
    def words(self) -> str:  # type: ignore[override]
        """Which these are."""
        return "any numbers" if self.but is None else f"any numbers but ±{self.but:g}"

    def allow(self, y: Array) -> bool:
        """Whether none has the size that is left out."""
        return self.but is None or not (np.abs(y) == self.but).any()

    def fit(self, y: Array, centre: float = 0.0) -> Array:
        """The same, but half of those."""
        return y if self.allow(y) else np.where(np.abs(y) == self.but, y / 2, y)

    def other(self, y: Array) -> str:
        """The first of the size that is left out."""
        return f"holds {y[np.abs(y) == self.but][0]:g}, where ℓ''(0) does not exist"


@dataclass(frozen=True)
class TwoValues(Labels):
    """A low and a high value."""

    low: float
    high: float
    are_numbers = False

    @property
    def words(self) -> str:  # type: ignore[override]
        """Which these are."""
        same = self.low == -self.high
        return f"±{self.high:g}" if same else f"{self.low:g} and {self.high:g}"

    def allow(self, y: Array) -> bool:
        """Whether all are one of the two."""
        return bool(np.isin(y, (self.low, self.high)).all())

    def fit(self, y: Array, centre: float = 0.0) -> Array:
        """The high one from `centre` upwards."""
        return y if self.allow(y) else np.where(y >= centre, self.high, self.low)

    def refuse_others(self, y: Array, loss: str) -> None:
        """Raise ValueError unless all are one of the two."""
        if not self.allow(y):
            raise ValueError(
                f"y holds {y[~np.isin(y, (self.low, self.high))][0]:g}: labels are {self.words} "
                f"with the {loss} loss; of 0 and 1, 2*y - 1 makes these"
            )


@dataclass(frozen=True)
class Classes(Labels):
    """One of m ≥ 2 classes a sample: 1 in its column, 0 in the others."""

    words = "rows of 0 and a single 1, a column for each of two or more classes,"
    fewest = 2
    are_numbers = False

    def allow(self, y: Array) -> bool:
        """Whether every row is one of the unit vectors, of two entries at least."""
        return bool(y.shape[1] >= 2 and np.isin(y, (0, 1)).all() and (y.sum(axis=1) == 1).all())

    def fit(self, y: Array, centre: float = 0.0) -> Array:
        """The class of the largest entry of a row, the first of several."""
        return y if self.allow(y) else np.eye(y.shape[1])[y.argmax(axis=1)]

    def other(self, y: Array) -> str:
        """How many columns there are, or the first row that is no class."""
        if y.shape[1] < 2:
            return "has one column"
        rows = np.isin(y, (0, 1)).all(axis=1) & (y.sum(axis=1) == 1)
        return f"holds the row {y[~rows][0].tolist()}"


NUMBERS, SIGNS, CLASSES = Numbers(), TwoValues(-1.0, 1.0), Classes()
