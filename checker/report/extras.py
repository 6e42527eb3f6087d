"""What a page shows besides results, if there is any: claims, flows, counterexamples, hunts."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable

from markupsafe import Markup, escape

from ncfcheck.core.claims import Kind, registered
from ncfcheck.report.examples import NoInstance, shown
from ncfcheck.report.findings import counterexamples, hunts
from ncfcheck.report.page import Extras
from ncfcheck.verdicts.results import ClaimResult

PICTURED = ("early.", "flow.")  # areas whose claims are about flows

CAPTIONS = {
    "norms": "Norm of loss flows down a ladder of δ, and of the NCF flow, with the bracket of its "
    "blow-up time",
    "alignments": "Distance of the direction from the KKT point that the NCF flow tends to",
    "singular values": "Singular values of each layer: rank one emerges where all but the first "
    "fall",
    "tracking": "Difference of loss flow and NCF flow where each norm first reaches 2, with fitted "
    "slopes",
    "weights": "Weights at the start and at T_ε",
}


def extras(
    results: Iterable[ClaimResult], warn: Callable[[str], None] = lambda message: None
) -> Extras:
    """All that is known about the results of a run; pictures are of theorems only."""
    claims, figures, pictured = registered(), {}, {}
    for result in results if _can_draw(warn) else ():
        if result.kind is Kind.THEOREM and result.id.startswith(PICTURED) and result.id in claims:
            with contextlib.suppress(NoInstance):
                figures[result.id], pictured[result.id] = pictures(claims[result.id])
    return Extras(claims, counterexamples(warn=warn), hunts(warn=warn), figures, pictured)


def _can_draw(warn: Callable[[str], None]) -> bool:
    """Whether matplotlib is in order, as it is not without any folder to write to."""
    try:
        from ncfcheck.report import plots  # noqa: F401
    except Exception as error:
        warn(f"flows are not drawn: {type(error).__name__}: {error}")
        return False
    return True


def pictures(claim) -> tuple[list[tuple[str, Markup]], str]:
    """(caption, SVG) of each figure of an instance that shows a claim well, and which one it is."""
    from ncfcheck.report.plots import figures, inline

    index, portrait = shown(claim)
    drawn = [
        (CAPTIONS[name], Markup(inline(figure, f"{claim.id} {name}", escape(CAPTIONS[name]))))
        for name, figure in figures(portrait).items()
    ]
    return drawn, f"{portrait.instance.describe()}: ncfcheck plot {claim.id}@0/{index} -o FILE.svg"
