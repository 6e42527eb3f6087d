"""Claims of the user's own refuted by their criteria: where they are asked (docs/certificates.md).

Nothing is proved here: points are found in floats and boxed, and the verifier, which asks the
criterion, says whether anything is.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from ncfcheck.certify.boxes import Found, found_near
from ncfcheck.certify.certificate import Certificate, NotProved, check_time, known
from ncfcheck.certify.rings import precision
from ncfcheck.certify.windows import BITS, attractor, filled
from ncfcheck.core.claims import Claim, Inapplicable, Outcome
from ncfcheck.strategies.moves import rebuilt
from ncfcheck.theory.kkt.points import flow_limit, positive_limit
from ncfcheck.theory.starts import gaussian_start, unit
from ncfcheck.verifier.own import Own, criteria

NEXT = 1e-7  # how near a KKT point a start is that stands for it
REACHES = (1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7)  # of a maximum: a start may be put next to it
WITHIN = 0.5  # share of a maximum's reach within which a start is put
OTHERS = 8  # starts from which a second maximum is looked for
ROOM = 1e-6  # what a bound on curvatures leaves, in units of |λ|


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


def certificate(claim: Claim, instance) -> Certificate:
    """What the verifier has to ask the claim's criterion. Raises NotProved.

    The certificate's instance is the one given, or has a start next to the point that it is about;
    it violates the claim, too.
    """
    own = criterion_of(claim)
    criterion = {"file": own.path, "sha256": own.digest, "at": own.at}
    contrary = "nothing is found to ask the criterion of"
    with precision(BITS):
        for other, data in CANDIDATES[own.at](instance):
            check_time()
            try:
                other = other if other is instance else _promised(claim, other)
                return Certificate(
                    "box" if data else "point",
                    " ".join((own.__doc__ or "").split()),
                    {"criterion": criterion, **data},
                    None if other is instance else other,
                )
            except NotProved as reason:
                contrary = str(reason)
    raise NotProved(contrary)


def _promised(claim: Claim, instance):
    """The instance as the claim's strategy may draw it, if it violates the claim."""
    try:
        instance = rebuilt(claim, instance)
    except Inapplicable as reason:
        raise NotProved(f"a start next to the point: {reason}") from reason
    outcome, margin = claim.judge(instance)
    if outcome is not Outcome.VIOLATES:
        raise NotProved(f"from a start next to the point, the claim {outcome}: {margin.note}")
    return instance


def _at_start(instance) -> Iterator:
    yield instance, {}


def _at_kkt_point(instance) -> Iterator:
    """The KKT point that `start` is, or the one that the flow from it tends to."""
    ncf, u = instance.ncf, instance.start
    if ncf.residual(u) > NEXT:
        u = known(flow_limit, ncf, u, instance.numerics).point.u
    found = found_near(instance.network, ncf, u)
    theta = filled(instance.network, found)
    near = np.abs(theta - instance.start).max() < NEXT
    yield instance if near else replace(instance, start=unit(theta)), {"point": _plain(found)}


def _at_maximum(instance) -> Iterator:
    """The strict maximum that the flow tends to, from `start` or from where that is moved to."""
    limit = known(positive_limit, instance.ncf, instance.start, instance.numerics)
    goal = attractor(instance, limit.point.u, REACHES)
    data = {"limit": _plain(goal.found), "reach": goal.reach.hex()}
    aside = instance.start - goal.theta
    length = float(np.linalg.norm(aside))
    if length < WITHIN * goal.reach:
        yield instance, data
    else:
        start = unit(goal.theta + aside * (WITHIN * goal.reach / length))
        yield replace(instance, start=start), data


def _at_two_maxima(instance) -> Iterator:
    """The same with another maximum: first from where `[*seeds, k]`, k = 1, 2, …, puts a start."""
    ((moved, data),) = _at_maximum(instance)
    ncf = instance.ncf
    values = [ncf.value(moved.start)]
    for k in range(1, OTHERS + 1):
        start = gaussian_start(np.random.default_rng([*instance.seeds, k]), ncf)
        point = known(positive_limit, ncf, start, instance.numerics).point
        if not np.isclose(point.value, values).any():
            values.append(point.value)
            found = found_near(instance.network, ncf, point.u)
            yield moved, data | {"other": _plain(found)}


CANDIDATES = {
    "start": _at_start,
    "kkt point": _at_kkt_point,
    "maximum": _at_maximum,
    "two maxima": _at_two_maxima,
}


def _plain(found: Found) -> dict:
    """What the verifier needs of a boxed point, with what bounds its curvature."""
    theta = np.array(found.box.centre[: found.system.free])
    H = np.array([[float(each.mid()) for each in row] for row in found.system.hessian(list(theta))])
    multiplier, frame = float(found.box.multiplier.mid()), np.linalg.svd(theta[None])[2][1:]
    values, vectors = np.linalg.eigh(frame @ H @ frame.T)
    above = (values[-1] - multiplier) / abs(multiplier) + ROOM
    along = [float(each).hex() for each in frame.T @ vectors[:, -1]]
    return found.plain() | {"curvature": {"above": float(above).hex(), "along": along}}
