"""Claims on layered networks only, as `instances()` draws them: for what is about their layers."""

from __future__ import annotations

from dataclasses import replace

from ncfcheck.core.claims import Claim


def layered(claim: Claim) -> Claim:
    """The claim, which draws no other models."""
    given = claim.given
    if "models" not in getattr(given, "options", {}):
        return claim
    own = {name: of for name, of in given.options.items() if name not in ("models", "needs")}
    return replace(claim, given=given.with_parts(options=own))
