"""Certificates: proofs in exact or ball arithmetic that an instance refutes a claim (theory §9, docs/certificates.md)."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

from checker.certify.certificate import Certificate, NotProved, Undecided, within

__all__ = ["Certificate", "NotProved", "Undecided", "certify", "proof"]

SECONDS = 5.0  # for one instance


def certify(claim, instance, seconds: float = SECONDS) -> Certificate | Undecided:
    """A certificate that the instance refutes the claim, which the independent verifier accepts, or why there is none.

    An error in a certifier, a bug, is a reason like any other: never a certificate.
    """
    if claim.certify is None:
        return Undecided("no exact counterpart of this claim")
    within(seconds)
    try:
        found = claim.certify(instance)
    except NotProved as reason:
        return Undecided(str(reason))
    except Exception as error:
        return Undecided(f"error in the certifier: {type(error).__name__}: {error}")
    finally:
        within(float("inf"))
    return _accepted(claim, instance, found)


def _accepted(claim, instance, found: Certificate) -> Certificate | Undecided:
    """The certificate, if the independent verifier accepts it: only then is a claim refuted."""
    from checker.instances.encoding import NotStorable
    from checker.verifier.numbers import Rejected
    from checker.verify import CLAIMS, verify

    if claim.id not in CLAIMS:
        return Undecided("the verifier does not know this claim")
    try:
        verify(document(claim, instance, found))
    except NotStorable as reason:
        return Undecided(str(reason))
    except Rejected as reason:
        return Undecided(f"the verifier rejects the certificate: {reason}")
    return found


def document(claim, instance, found: Certificate) -> dict:
    """What the verifier reads of a witness, its certificate sealed."""
    from checker.instances.encoding import encode
    from checker.verify import FORMAT, digest

    content = {"format": FORMAT, "claim": claim.id, "instance": encode(instance, claim.function.__module__)}
    content["certificate"] = found.plain()
    content["certificate"]["sha256"] = digest(content)
    return content


def proof(module: str, name: str) -> Callable:
    """The certifier `name` of a module, imported when it is first asked for: balls take a tenth of a second to load."""

    def certifier(instance):
        return getattr(import_module(module), name)(instance)

    certifier.__name__ = name
    return certifier
