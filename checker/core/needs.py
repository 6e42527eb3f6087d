"""What a claim may need of the model that it is about, for what it says to make sense."""

from __future__ import annotations

from collections.abc import Collection
from enum import StrEnum


class Need(StrEnum):
    """One such thing, and the words in which a model without it is turned down."""

    words: str

    LAYERED = "layered", "layers and neurons"
    HOMOGENEOUS = "homogeneous", "an order of homogeneity in all weights"
    INHOMOGENEOUS = "inhomogeneous", "what keeps it from being homogeneous"
    LIPSCHITZ = "lipschitz", "a locally Lipschitz gradient"
    KINKS = "kinks", "a gradient with kinks"
    SUPERQUADRATIC = "superquadratic", "an order D > 2"
    QUADRATIC = "quadratic", "an order D = 2"
    GROUP = "group", "a group of weights of an order of its own"
    GROUPS = "groups", "two groups of weights of orders of their own"
    LINEAR_GROUP = "linear-group", "a group of weights of order 1"

    def __new__(cls, name: str, words: str):
        member = str.__new__(cls, name)
        member._value_, member.words = name, words
        return member


def in_words(needs: Collection[str]) -> str:
    """Them in one line, in the order in which they are declared."""
    return ", ".join(need.words for need in Need if need in needs)
