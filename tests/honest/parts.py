"""The parts of a margin: what `worst` and `mildest` chose from, down to single inequalities."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from dataclasses import replace

from ncfcheck.core import margins
from ncfcheck.core.claims import Claim
from ncfcheck.core.margins import Margin

CHOOSE = ("worst", "mildest")


def parts_of(claim: Claim, instance) -> list[Margin]:
    """The single margins of an instance, in the order in which the claim names them."""
    with _recorded() as chosen:
        margin = claim.function(instance)
        return _leaves(margin, chosen)


def _leaves(margin: Margin, chosen: dict) -> list[Margin]:
    parts = chosen.get(id(margin), (margin, None))[1]
    return [margin] if parts is None else [leaf for part in parts for leaf in _leaves(part, chosen)]


@contextmanager
def _recorded():
    """What every choice was made from, by the identity of its result, wherever it is made."""
    chosen: dict[int, tuple[Margin, list[Margin]]] = {}

    def recording(choose):
        def recorded(parts):
            parts = list(parts)
            found = replace(choose(parts))  # a margin of its own, so that its identity tells
            chosen[id(found)] = found, parts
            return found

        return recorded

    originals = {name: getattr(margins, name) for name in CHOOSE}
    places = [
        (module, name)
        for module in list(sys.modules.values())
        for name, choose in originals.items()
        if vars(module).get(name) is choose
    ]
    try:
        for module, name in places:
            setattr(module, name, recording(originals[name]))
        yield chosen
    finally:
        for module, name in places:
            setattr(module, name, originals[name])
