"""The independent verifier of certificates: standard library only, nothing of the rest of the
program (docs/certificates.md).

Every certificate rests on `files` (JSON), `witnesses` (digests), `registry`, `numbers` (intervals,
derivatives), `reading` (instances as the program writes them) and `networks` (H, N, ∇N). Chapters
of the theory have a module each, early training three: there each claim is one function, registered
by `@refutes` or `@proves`. The other modules are arithmetic that several claims share.
"""

from . import (  # noqa: F401  registers what they prove
    conjectures,
    early,
    early_controls,
    early_models,
    flow,
    homogeneity,
    kink_controls,
    kkt,
    rank_one,
    rank_one_kkt,
    through_kinks,
)
from .files import LARGEST, load
from .numbers import Rejected
from .registry import PROOFS, REFUTATIONS
from .witnesses import FORMAT, digest, statement, verify

__all__ = [
    "FORMAT",
    "LARGEST",
    "PROOFS",
    "REFUTATIONS",
    "Rejected",
    "digest",
    "load",
    "statement",
    "verify",
]
