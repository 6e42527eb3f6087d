"""Independent verifier of certificates: standard library only, nothing of the rest of the program
(docs/certificates.md).

`python -m ncfcheck.verifier.reading FILE` recomputes from the instance, in integer interval
arithmetic and with zero tolerance, that every hypothesis of the claim holds and that its conclusion
fails. Exit code 0: accepted. 1: rejected. 2: the file cannot be read.
"""

from __future__ import annotations

import hashlib
import json
import sys
import time

from ncfcheck.verifier.claims import CLAIMS
from ncfcheck.verifier.networks import Case
from ncfcheck.verifier.numbers import Rejected, limits, need

ACCEPTED, REJECTED, UNREADABLE = 0, 1, 2
FORMAT, LARGEST, SECONDS, PRECISIONS = "ncfcheck-witness/1", 20_000_000, 60.0, (192, 1024)


def digest(document: dict) -> str:
    """SHA-256 of the claim, the instance and the certificate but for its digest, as compact JSON
    with sorted keys.
    """
    certificate = {key: value for key, value in document["certificate"].items() if key != "sha256"}
    sealed = [document["claim"], document["instance"], certificate]
    return hashlib.sha256(
        json.dumps(sealed, sort_keys=True, separators=(",", ":")).encode()
    ).hexdigest()


def verify(document, claims=CLAIMS) -> str:
    """What the certificate of a witness, decoded JSON, proves, in words that are not the file's.
    Raises Rejected if nothing.

    `claims` are the refutations that are known; with PROOFS it is that a theorem's conclusion holds
    on the instance.
    """
    limits.deadline = time.monotonic() + SECONDS
    try:
        need(document["format"] == FORMAT, "another format")
        certificate = document["certificate"]
        need(isinstance(certificate, dict), "the witness has no certificate")
        need(
            certificate["sha256"] == digest(document),
            "the certificate is not one of this claim and instance",
        )
        need(
            document["claim"] in claims,
            f"no certificates are known for {str(document['claim'])[:60]}",
        )
        claim = claims[document["claim"]]
        _prove(claim, document["instance"], certificate["data"])
        return (claim.__doc__ or "its conclusion fails.").splitlines()[0]
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


def _prove(claim, instance, data) -> None:
    """The claim's proof at the lowest precision at which it succeeds."""
    for bits in PRECISIONS:
        limits.bits = bits
        try:
            return claim(Case(instance), data)
        except Rejected as reason:
            last = reason
    raise last


def load(path) -> dict:
    """The JSON object in a file. Raises OSError, ValueError or RecursionError for anything but one
    of LARGEST bytes at most.
    """
    with open(path, "rb") as file:
        content = file.read(LARGEST + 1)
    if len(content) > LARGEST:
        raise ValueError(f"larger than {LARGEST // 10**6} MB")
    document = json.loads(content)
    if not isinstance(document, dict):
        raise ValueError("not a JSON object")
    return document


def main(path) -> int:
    """Verify a file, say what was found on one line, and return the exit code."""
    try:
        document = load(path)
    except (OSError, RecursionError, ValueError) as error:
        print(f"cannot read {path}: {str(error)[:200]}", file=sys.stderr)
        return UNREADABLE
    try:
        proves = verify(document)
    except Rejected as reason:
        print(f"rejected: {reason}")
        return REJECTED
    print(f"accepted: {document['claim']} is refuted: {proves}")
    return ACCEPTED


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m ncfcheck.verifier.reading FILE")
    sys.exit(main(sys.argv[1]))
