"""Exact counterparts of controls about kinks of p = 1: structured points with z = 0 exactly, all
slopes there (theory §6).
"""

from __future__ import annotations

import numpy as np
from flint import fmpq

from ncfcheck.certify.certificate import Certificate, NotProved, hexadecimal
from ncfcheck.certify.kinks import kinked
from ncfcheck.theory.rank_one.reduced_points import on_kink

FAR = fmpq(1, 10**6)  # sin²∠ beyond which the control counts a point as no Clarke KKT point


def slope_outside(instance) -> Certificate:
    """u is balanced by slopes outside [α, 1]: for all slopes inside, ∇N is far from w."""
    if getattr(instance, "u", None) is None or not all(
        (each >= 0).all() for each in instance.profiles
    ):
        raise NotProved("there is no structured point")
    samples = [int(i) for i in np.flatnonzero(on_kink(instance.ncf.X, instance.u))]
    point = kinked(
        instance.network, instance.ncf.X, instance.ncf.ybar, instance.u, instance.signs, samples
    )
    normal = point.normal()
    if not point.exceeds(normal, FAR / (1 - FAR), instance.network.depth):
        raise NotProved("sin∠ > 0.001 is not proved for all slopes")
    proves = (
        "at an exact structured point near `start`, on kinks, sin∠(g, w) > 0.001 for every g with "
        "slopes in [α, 1]"
    )
    return Certificate(
        "structured",
        proves,
        {"kinks": point.samples, "basis": point.basis, "normal": hexadecimal(normal)},
    )
