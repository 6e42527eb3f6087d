"""Certificates: what makes the verifier's proofs that claims fail (theory §9,
docs/certificates.md).

Finders make them in floats, and prove nothing; the verifier alone decides.
"""

from __future__ import annotations

import contextlib
from dataclasses import replace
from functools import partial
from itertools import islice

import numpy as np

from ncfcheck.certify import own
from ncfcheck.certify.certificate import (
    Certificate,
    NotProved,
    Undecided,
    is_provable,
    no_certificates,
    within,
)
from ncfcheck.core.claims import Inapplicable, Margin, Outcome, Place
from ncfcheck.model.encoding import NotStorable, encode
from ncfcheck.model.losses import Loss
from ncfcheck.model.models import Model
from ncfcheck.model.networks import Network
from ncfcheck.strategies.moves import rebuilt, with_loss
from ncfcheck.verifier import FORMAT, PROOFS, REFUTATIONS, Rejected, digest, statement, verify

__all__ = ["Certificate", "NotProved", "Undecided", "certify", "contradiction", "document", "prove"]

SECONDS = 5.0  # for one instance
OTHERS = "certificates are about layered networks with the square or the logistic loss"
FEW, BRIEF = 40, 1.0  # weights, and seconds, for looking whether a criterion says what a claim does


def certify(claim, instance, seconds: float = SECONDS) -> Certificate | Undecided:
    """A certificate that the instance refutes the claim, which the independent verifier accepts, or
    why there is none.

    Certificates are about the square and logistic loss: of an instance with another one, about what
    has its pseudo-labels and the square loss. An error in a certifier, a bug, is a reason like any
    other: never a certificate.
    """
    if is_provable(instance):
        return _refuted(claim, instance, seconds)
    try:
        moved = rebuilt(claim, with_loss(instance, Loss.SQUARE))
    except Inapplicable:
        return Undecided(str(no_certificates(instance.problem.loss)))
    found = _refuted(claim, moved, seconds)
    if isinstance(found, Undecided) or found.instance is not None:
        return found
    if not _may_violate(claim, moved):
        return Undecided(str(no_certificates(instance.problem.loss)))
    return replace(found, instance=moved)


def _refuted(claim, instance, seconds: float) -> Certificate | Undecided:
    if claim.violated is not None:
        return _found(partial(_by_criterion, claim), instance, seconds)
    return _tried(claim, claim.refute, instance, seconds, REFUTATIONS)


def prove(claim, instance, seconds: float = SECONDS) -> Certificate | Undecided:
    """The same of the claim's conclusion, proved on the instance."""
    if not is_provable(instance):
        return Undecided(str(no_certificates(instance.problem.loss)))
    return _tried(claim, claim.prove, instance, seconds, PROOFS)


def _tried(claim, certifier, instance, seconds: float, known) -> Certificate | Undecided:
    if certifier is None:
        return Undecided("no exact counterpart of this claim")
    found = _found(certifier, instance, seconds)
    return found if isinstance(found, Undecided) else _accepted(claim, instance, found, known)


def _found(certifier, instance, seconds: float):
    """What a finder makes of an instance in so much time."""
    if isinstance(getattr(instance, "network", None), Model) and not _is_layered(instance):
        return Undecided(OTHERS)
    within(seconds)
    try:
        return certifier(instance)
    except (NotProved, Rejected) as reason:
        return Undecided(str(reason))
    except Exception as error:
        return Undecided(f"error in the certifier: {type(error).__name__}: {error}")
    finally:
        within(float("inf"))


def _is_layered(instance) -> bool:
    return isinstance(instance.network, Network)


def _by_criterion(claim, instance) -> Certificate | Undecided:
    """The first certificate of a claim of the user's that the verifier accepts by its criterion."""
    criterion = own.criterion_of(claim)
    answer: Certificate | Undecided = Undecided("there is no point to ask the criterion of")
    for found in own.certificates(claim, criterion, instance):
        answer = _accepted(claim, instance, found, {claim.id: criterion})
        if isinstance(answer, Certificate):
            break
    return answer


def contradiction(claim, instance) -> Margin | None:
    """The margin by which a claim holds where its criterion is proved to be positive; None where
    this is not seen. Of a second maximum it is not known that the claim's function has seen it.
    """
    size = getattr(instance, "start", np.empty(0)).size
    if claim.violated is None or claim.at == Place.TWO_MAXIMA or size > FEW:
        return None
    found = _found(lambda each: _contradicting(claim, each), instance, BRIEF)
    return found if isinstance(found, Margin) else None


def _contradicting(claim, instance) -> Margin | None:
    criterion = own.criterion_of(claim)
    for found in islice(own.certificates(claim, criterion, instance), 1):
        outcome, margin = claim.judge(instance if found.instance is None else found.instance)
        with contextlib.suppress(Rejected, NotStorable):
            if outcome is Outcome.HOLDS:
                verify(document(claim, instance, found), {claim.id: criterion})
                return margin
    return None


def _may_violate(claim, instance) -> bool:
    """Whether floats say no other of the instance that is proved to violate the claim."""
    return claim.judge(instance)[0] in (Outcome.VIOLATES, Outcome.UNRESOLVED)


def _accepted(claim, instance, found: Certificate, known) -> Certificate | Undecided:
    """The certificate, if the independent verifier accepts it: only then is anything proved."""
    if claim.id not in known:
        return Undecided("the verifier does not know this claim")
    if found.instance is not None and not _may_violate(claim, found.instance):
        return Undecided("floats see no violation at the start that is proved")
    found = replace(found, proves=statement(known[claim.id]))
    try:
        verify(document(claim, instance, found), known)
    except NotStorable as reason:
        return Undecided(str(reason))
    except Rejected as reason:
        return Undecided(f"the verifier rejects the certificate: {reason}")
    return found


def document(claim, instance, found: Certificate) -> dict:
    """What the verifier reads of a witness, its certificate sealed: the instance proved."""
    instance = instance if found.instance is None else found.instance
    content = {
        "format": FORMAT,
        "claim": claim.id,
        "instance": encode(instance, claim.function.__module__),
    }
    content["certificate"] = found.plain()
    content["certificate"]["sha256"] = digest(content)
    return content
