"""Certificates about flows of order 2, through kinks (theory §9, §11)."""

from __future__ import annotations

import numpy as np

from ncfcheck.certify.certificate import Certificate, NotProved, known
from ncfcheck.certify.mode_flows import parted
from ncfcheck.properties.kinks.exact import changed
from ncfcheck.properties.two_homogeneous.instances import ways
from ncfcheck.theory.starts import unit

APART = 0.02  # distance of two directions
LATER = 0.2, 0.5, 1.0, 2.0, 4.0  # times after a branch that are tried


def norm_bracket(instance) -> Certificate:
    """The flow until its norm has doubled or halved."""
    return changed(instance)


def branching_departure(instance) -> Certificate:
    """Both ways on from where the flow branches, until they are apart."""
    flow, _ = known(ways, instance)
    branch = float(flow.time[-1])
    for later in LATER:
        first, second = parted(instance, branch + later, branch + later / 2)
        if np.linalg.norm(unit(first.at) - unit(second.at)) > APART:
            return Certificate("flow", {"first": first.plain(), "second": second.plain()})
    raise NotProved("both ways on stay near each other")
