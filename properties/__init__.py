"""The claims, and nothing else: one folder a chapter of the theory, imported in its order, which is
that of the registry.

A chapter has its theorems, controls (theorems of the chapter without one hypothesis, false) and
their exact counterparts side by side, and imports from itself and from chapters before it only.
"""

from ncfcheck.properties import (
    homogeneity,
    flow,
    early,
    kkt,
    rank_one,
    kinks,
    two_homogeneous,
    descent,
    conjectures,
)
