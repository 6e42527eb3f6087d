"""Families of models: what is drawn of one are its sizes, which hunts and shrinks change."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping

from ncfcheck.model.models import Model

Sizes = Mapping[str, int]


class Family(ABC):
    """Models that differ in their sizes only, whole numbers that `ranges` names with the least and
    the most of each. `build` makes one; its `Model.family` is this family, `Model.sizes` its sizes.
    """

    name: str
    ranges: Mapping[str, tuple[int, int]]

    def inputs_of(self, sizes: Sizes) -> int | None:
        """d for these sizes; None where any number will do."""
        return None

    def width_of(self, sizes: Sizes) -> int | None:
        """m, the number of outputs, for these sizes; None where any number will do."""
        return None

    @abstractmethod
    def build(self, inputs: int, width: int, sizes: Sizes) -> Model:
        """The model of these sizes on `inputs` numbers a sample, with `width` outputs. Raises
        ValueError for sizes that it cannot have, such as those that do not divide d.
        """

    def __repr__(self) -> str:
        """Its name: strategies that draw equal families have equal names."""
        return self.name
