"""The claims whose exact margins are written, those on the same strategy together."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace

from ncfcheck.core.claims import Claim, registered
from ncfcheck.core.loading import load_claims
from ncfcheck.model.instance import Instance
from tests.honest import homogeneity_truths, kkt_truths, rank_one_truths  # noqa: F401
from tests.honest.adversarial import adversary
from tests.honest.audit import TRUTHS, Audit
from tests.support.layered import layered

MOST = 12  # instances for each that is wanted
LARGE, SELDOM = 120, 10  # weights; of instances with more one in so many: they take seconds each
CALLS = 6000  # of a flow: those to a point that is told take a fifth of that


def groups() -> dict[str, list[Claim]]:
    """By the id of the first: claims on one strategy, which are judged on the same instances."""
    load_claims()
    found = defaultdict(list)
    for claim in registered().values():
        if claim.id in TRUTHS:
            found[repr(claim.given)].append(claim)
    return {claims[0].id: claims for claims in found.values()}


def audited(claims: list[Claim], wanted: int, seed: int = 0) -> list[Audit]:
    """Adversarial instances of one group held against the truth, until so many of each claim are
    resolved or unresolved: those that it calls inapplicable come on top.
    """
    claims = [layered(claim) for claim in claims]  # no others are written exactly
    found, strategy = [Audit(claim.id) for claim in claims], claims[0].strategy()
    for number in range(MOST * wanted):
        how, instance = adversary(claims[0], strategy, number, seed)
        if isinstance(instance, Instance):
            if instance.network.size > LARGE and number % SELDOM:
                continue
            instance = replace(instance, numerics=replace(instance.numerics, calls=CALLS))
        for audit, claim in zip(found, claims):
            audit.add(how, claim, number, instance)
        if min(audit.pairs for audit in found) >= wanted:
            break
    return found
