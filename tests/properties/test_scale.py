"""What claims say of their margins' scale: rescaled data confirm only where they change nothing."""

import pytest

from ncfcheck.core.claims import Claim, Outcome, registered
from ncfcheck.core.loading import load_claims
from ncfcheck.strategies.draw import draw
from ncfcheck.verdicts.judging import judge

load_claims()
CLOSE = 0.05  # relative change of a margin that integrating other data may make
INSTANCES = 3


def moved(claim: Claim) -> list[str]:
    """How the margins of drawn instances differ on rescaled data: outcome or value."""
    found = []
    for instance in draw(claim.strategy(), INSTANCES, 5, simplest=False):
        outcome, margin = judge(claim, instance)
        rescaled, again = judge(claim, instance.rescaled()[1])
        if outcome in (Outcome.INAPPLICABLE, Outcome.UNRESOLVED):
            continue
        allowed = margin.error + again.error + CLOSE * abs(margin.value)
        if rescaled is not outcome or not abs(margin.value - again.value) <= allowed:
            found.append(f"{outcome} {margin.value} became {rescaled} {again.value} {again.note}")
    return found


@pytest.mark.parametrize("id", [id for id, claim in registered().items() if claim.scale_free])
def test_margins_that_are_said_to_be_free_of_scale_are(id):
    assert moved(registered()[id]) == []


@pytest.mark.parametrize("id", ["control.biases_collapse", "control.biases_early"])
def test_a_margin_that_depends_on_scale_is_noticed(id):
    assert not registered()[id].scale_free and moved(registered()[id])
