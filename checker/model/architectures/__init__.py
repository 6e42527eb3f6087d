"""Architectures beyond the chain, built in: one file an idea, by name in `BUILT_IN`."""

from ncfcheck.model.architectures import (
    attention,
    biases,
    convolution,
    factorisation,
    gated,
    normalisation,
    sums,
)
from ncfcheck.model.architectures.built_in import BUILT_IN, Architecture, BuiltIn

__all__ = [
    "BUILT_IN",
    "Architecture",
    "BuiltIn",
    "attention",
    "biases",
    "convolution",
    "factorisation",
    "gated",
    "normalisation",
    "sums",
]
