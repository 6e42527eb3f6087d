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
    return found


def proof(module: str, name: str) -> Callable:
    """The certifier `name` of a module, imported when it is first asked for: balls take a tenth of a second to load."""

    def certifier(instance):
        return getattr(import_module(module), name)(instance)

    certifier.__name__ = name
    return certifier
