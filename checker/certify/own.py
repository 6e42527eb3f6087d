"""Claims of the user's own refuted by their criteria: where they are asked (docs/certificates.md).

Nothing is proved here: points are found in floats and boxed, and the verifier, which asks the
criterion, says whether anything is.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from ncfcheck.certify.boxes import Found, found_near
from ncfcheck.certify.certificate import Certificate, NotProved, hexadecimal, known
from ncfcheck.certify.kkt_points import attracting, boxed, steepest
from ncfcheck.core.claims import Claim, Inapplicable, Place
from ncfcheck.strategies.moves import rebuilt
from ncfcheck.theory.kkt.points import flow_limit, positive_limit
from ncfcheck.theory.starts import gaussian_start
from ncfcheck.verifier.own import Own, criteria

RESIDUAL = 1e-7  # sin∠(∇N, u) of starts that stand for the KKT point that they are next to
OTHERS = 8  # starts from which a second maximum is looked for
ROOM = 1e-6  # what a bound on curvatures leaves, in units of |λ|

Candidate = tuple[Any, dict]  # an instance in place of the one given, or None; a certificate's data


def criterion_of(claim: Claim) -> Own:
    """The claim's criterion as the verifier reads it in the user's file. Raises NotProved."""
    home = getattr(sys.modules.get(claim.function.__module__), "__file__", None)
    if home is None or claim.function.__module__.split(".")[0] == "ncfcheck":
        raise NotProved("a criterion is read from a file of claims, and there is none")
    try:
        return criteria(home)[claim.id]
    except (ImportError, OSError, ValueError) as error:
        raise NotProved(f"the criterion cannot be read: {error}") from error
    except KeyError:
        raise NotProved(f"{home} as it is now states no criterion of {claim.id}") from None


def certificates(claim: Claim, own: Own, instance) -> Iterator[Certificate]:
    """What the verifier may ask the claim's criterion, one after the other. Raises NotProved.

    Each is about the instance, or about one that the claim's strategy may draw, with a start next
    to the point.
    """
    criterion = {"file": Path(own.path).name, "sha256": own.digest, "at": own.at}
    for shown, data in CANDIDATES[own.at](instance):
        shown = None if shown is None else _promised(claim, shown)
        yield Certificate("criterion", {"criterion": criterion} | data, shown)


def _promised(claim: Claim, instance):
    """The instance as the claim's strategy may draw it. Raises NotProved."""
    try:
        return rebuilt(claim, instance)
    except Inapplicable as reason:
        raise NotProved(f"a start next to the point: {reason}") from reason


def _at_start(instance) -> Iterator[Candidate]:
    yield None, {}


def _at_kkt_point(instance) -> Iterator[Candidate]:
    """The KKT point that `start` is, or the one that the flow from it tends to."""
    kept, u = [], instance.start
    if instance.ncf.residual(u) > RESIDUAL:
        u = known(flow_limit, instance.ncf, u, instance.numerics).point.u
    found = boxed(instance, u, kept.append)
    yield found.instance, {"kkt": found.data | _curvature(kept[-1])}


def _at_maximum(instance) -> Iterator[Candidate]:
    """The strict maximum that the flow tends to, from `start` or from where that is moved to."""
    kept = []
    limit = known(positive_limit, instance.ncf, instance.start, instance.numerics)
    found = attracting(instance, limit.point.u, kept.append)
    yield found.instance, {"limit": found.data | _curvature(kept[-1])}


def _at_two_maxima(instance) -> Iterator[Candidate]:
    """The same and another maximum, as from where seeds `[*seeds, k]`, k = 1, 2, …, put a start."""
    ((shown, data),) = _at_maximum(instance)
    ncf = instance.ncf
    values = [known(positive_limit, ncf, instance.start, instance.numerics).point.value]
    for k in range(1, OTHERS + 1):
        start = gaussian_start(np.random.default_rng([*instance.seeds, k]), ncf)
        try:
            point = known(positive_limit, ncf, start, instance.numerics).point
            if np.isclose(point.value, values).any():
                continue
            values.append(point.value)
            other = found_near(instance.network, ncf, point.u)
        except NotProved:
            continue
        yield shown, data | {"other": other.plain() | _curvature(other)}


CANDIDATES = {
    Place.START: _at_start,
    Place.KKT_POINT: _at_kkt_point,
    Place.MAXIMUM: _at_maximum,
    Place.TWO_MAXIMA: _at_two_maxima,
}


def _curvature(found: Found) -> dict:
    """What bounds the largest curvature of a boxed point: a number above it, a direction of it."""
    largest, along = steepest(found)
    return {"curvature": {"above": (largest + ROOM).hex(), "along": hexadecimal(along)}}
