"""What a claim may need of the model that it is about, for what it says to make sense."""

from __future__ import annotations

from enum import Enum


class Need(Enum):
    """One such thing, in the words in which a model without it is turned down."""

    LAYERED = "layers and neurons"
    HOMOGENEOUS = "an order of homogeneity in all weights"
    LIPSCHITZ = "a locally Lipschitz gradient"
    KINKS = "a gradient with kinks"
    SUPERQUADRATIC = "an order D > 2"
    GROUP = "a group of weights of an order of its own"
    GROUPS = "two groups of weights of orders of their own"
    LINEAR_GROUP = "a group of weights of order 1"


def in_words(needs: frozenset[Need]) -> str:
    """Them in one line, in the order in which they are declared."""
    return ", ".join(need.value for need in Need if need in needs)
