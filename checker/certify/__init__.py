"""Certificates: proofs in exact or ball arithmetic that an instance refutes a claim (theory §9,
docs/certificates.md).
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

from ncfcheck.certify.certificate import Certificate, NotProved, Undecided, within

__all__ = ["Certificate", "NotProved", "Undecided", "certify", "proof", "prove"]

SECONDS = 5.0  # for one instance


def certify(claim, instance, seconds: float = SECONDS) -> Certificate | Undecided:
    """A certificate that the instance refutes the claim, which the independent verifier accepts, or
    why there is none.

    An error in a certifier, a bug, is a reason like any other: never a certificate.
    """
    return _tried(claim, claim.certify, instance, seconds, "refutations")


def prove(claim, instance, seconds: float = SECONDS) -> Certificate | Undecided:
    """The same of the claim's conclusion, proved on the instance."""
    return _tried(claim, claim.prove, instance, seconds, "proofs")


def _tried(claim, certifier, instance, seconds: float, kind: str) -> Certificate | Undecided:
    if certifier is None:
        return Undecided("no exact counterpart of this claim")
    within(seconds)
    try:
        found = certifier(instance)
    except NotProved as reason:
        return Undecided(str(reason))
    except Exception as error:
        return Undecided(f"error in the certifier: {type(error).__name__}: {error}")
    finally:
        within(float("inf"))
    return _accepted(claim, instance, found, kind)


def _accepted(claim, instance, found: Certificate, kind: str) -> Certificate | Undecided:
    """The certificate, if the independent verifier accepts it: only then is a claim refuted, or its
    conclusion proved.
    """
    from ncfcheck.model.encoding import NotStorable
    from ncfcheck.verifier.numbers import Rejected
    from ncfcheck.verifier.proofs import PROOFS
    from ncfcheck.verifier.reading import CLAIMS, verify

    known = {"refutations": CLAIMS, "proofs": PROOFS}[kind]
    if claim.id not in known:
        return Undecided("the verifier does not know this claim")
    try:
        verify(document(claim, instance, found), known)
    except NotStorable as reason:
        return Undecided(str(reason))
    except Rejected as reason:
        return Undecided(f"the verifier rejects the certificate: {reason}")
    return found


def document(claim, instance, found: Certificate) -> dict:
    """What the verifier reads of a witness, its certificate sealed."""
    from ncfcheck.model.encoding import encode
    from ncfcheck.verifier.reading import FORMAT, digest

    content = {
        "format": FORMAT,
        "claim": claim.id,
        "instance": encode(instance, claim.function.__module__),
    }
    content["certificate"] = found.plain()
    content["certificate"]["sha256"] = digest(content)
    return content


def proof(module: str, name: str) -> Callable:
    """The certifier `name` of a module, imported when it is first asked for: balls take a tenth of
    a second to load.
    """

    def certifier(instance):
        return getattr(import_module(module), name)(instance)

    certifier.__name__ = name
    return certifier
