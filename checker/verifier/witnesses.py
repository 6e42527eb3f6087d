"""Reading witness files, and checking what their certificates prove; standard library only."""

from __future__ import annotations

import hashlib
import json
import time

from .networks import Case
from .numbers import Rejected, limits, need
from .own import unknown
from .registry import REFUTATIONS

FORMAT, SECONDS, PRECISIONS = "ncfcheck-witness/1", 15.0, (192, 1024)
# The entries of a witness file; no proof covers others than format, claim, instance, certificate.
ENTRIES = (
    "format claim kind statement claims instance worst margin error note seed versions replay "
    "rendering certificate source"
).split()
# All that a certificate's data hold, at whatever depth (docs/certificates.md).
DATA = set(
    "above active along at basis better box centre criterion crossing curvature curve delta "
    "duration epsilon file fine first flows generators growth kinks kkt late limit loss moved ncf "
    "near normal norms other radius reach rungs scale second sha256 signs times vanishing".split()
)


def digest(document: dict) -> str:
    """SHA-256 of claim, instance, certificate without its digest: compact JSON with sorted keys."""
    certificate = {key: value for key, value in document["certificate"].items() if key != "sha256"}
    sealed = [document["claim"], document["instance"], certificate]
    return hashlib.sha256(
        json.dumps(sealed, sort_keys=True, separators=(",", ":")).encode()
    ).hexdigest()


def verify(document, claims=REFUTATIONS) -> str:
    """What the certificate of a witness, decoded JSON, proves, in words that are not the file's.
    Raises Rejected if nothing.

    `claims` are the refutations that are known; with PROOFS it is that a theorem's conclusion holds
    on the instance.
    """
    limits.deadline = time.monotonic() + SECONDS
    try:
        need(document["format"] == FORMAT, "another format")
        need("model" not in document, "certificates are about layered networks")
        need(document.keys() <= set(ENTRIES), "an entry that no witness has")
        certificate = document["certificate"]
        need(isinstance(certificate, dict), "the witness has no certificate")
        need(
            certificate["sha256"] == digest(document),
            "the certificate is not one of this claim and instance",
        )
        need(document["claim"] in claims, unknown(document, claims))
        claim = claims[document["claim"]]
        data = certificate["data"]
        need(isinstance(data, dict) and _names(data) <= DATA, "data that no certificate has")
        told = _prove(claim, document["instance"], data)
        return " ".join([statement(claim), *told])
    except (
        ArithmeticError,
        AttributeError,
        LookupError,
        MemoryError,
        RecursionError,
        TypeError,
        ValueError,
    ) as error:
        raise Rejected(f"malformed: {type(error).__name__}: {str(error)[:100]}") from error
    finally:
        limits.deadline = float("inf")


def _names(data) -> set[str]:
    """The names of all entries, at whatever depth."""
    if isinstance(data, dict):
        return data.keys() | _names([*data.values()])
    return set().union(*map(_names, data)) if isinstance(data, list) else set()


def statement(claim) -> str:
    """What is proved of a claim: the first paragraph of its function's docstring."""
    return " ".join((claim.__doc__ or "Its conclusion fails.").split("\n\n")[0].split())


def _prove(claim, instance, data) -> list[str]:
    """What the claim's proof tells besides, at the lowest precision at which it succeeds."""
    for bits in PRECISIONS:
        limits.bits = bits
        try:
            claim(case := Case(instance), data)
            return case.told
        except Rejected as reason:
            last = reason
    raise last
