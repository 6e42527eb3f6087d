"""`ncfcheck model`: what a network of the user's own is, as far as measuring tells."""

from __future__ import annotations

import click

from ncfcheck.app.console import PATH
from ncfcheck.core.errors import CannotRun

KINKS = {
    True: "locally Lipschitz, as far as sampling tells",
    False: "jumps, or nearly, as with ReLU, absolute values and maxima: claims that need a locally "
    "Lipschitz gradient do not apply",
}


@click.command()
@click.argument("file", type=PATH, metavar="FILE.py")
def model(file):
    """Show what the network of your own in FILE.py is, after checking it: sizes, order D, groups of
    weights and their orders, kinks, and what a gradient costs.

    Exit code 2: it is not what the theory is about; one line says where, and the likely cause.
    """
    from ncfcheck.core.time_limit import SECONDS, OutOfTime, each_step, limited
    from ncfcheck.model.own import families, looking

    found = families.load(str(file))
    with each_step(SECONDS):
        for family in found:
            try:
                lines = limited(_lines, family, looking)
            except OutOfTime as late:
                raise CannotRun(f"{family.place}: {family.name}: {late}") from late
            print("\n".join(lines))


def _lines(family, looking) -> list[str]:
    """What there is to tell of a family."""
    found = looking.looked_at(family)
    largest = max(found.models, key=lambda each: each.size)
    rows = [
        ("sizes", _sizes(family, found)),
        *(("refused", f"{sizes}: {why}") for sizes, why in found.refused),
        ("D", _listed(each.order for each in found.models)),
        *((each.name, f"{each.shape}, {_order(each.name, found)}") for each in largest.groups),
        ("gradient", _gradient(found)),
        (
            "cost",
            f"{looking.seconds_a_gradient(largest) * 1e6:.0f} µs a gradient of "
            f"{looking.SAMPLES} samples, {largest.named}",
        ),
        ("computed", _computed(largest)),
    ]
    wide = max(len(name) for name, _ in rows)
    head = (
        f"{family.name}: {largest.inputs} inputs, {largest.width} outputs, {largest.size} weights"
    )
    where = f"in {largest.backend.library} at {family.place}"
    return [f"{head} at most, {where}", *(f"  {name:{wide}}  {what}" for name, what in rows)]


def _computed(model) -> str:
    """By what."""
    if model.program is None:
        return f"by {model.backend.library}, as written"
    return f"by compiled kernels, as a program of {len(model.program.code.table)} operations"


def _sizes(family, found) -> str:
    if not family.ranges:
        return "none"
    ends = ", ".join(f"{name} {least} to {most}" for name, (least, most) in family.ranges.items())
    return f"{ends}; {len(found.models)} looked at"


def _order(name: str, found) -> str:
    """The orders of a group, at all sizes that have it."""
    groups = (group for each in found.models for group in each.groups if group.name == name)
    orders = {group.order for group in groups}
    if orders == {None}:
        return "of no order alone"
    told = f"order {_listed(each for each in orders if each is not None)}"
    return f"{told}, or none alone" if None in orders else told


def _listed(orders) -> str:
    found = sorted(set(orders))
    told = ", ".join(f"{each:g}" for each in found)
    return told if all(each == int(each) for each in found) else f"{told} (no integer)"


def _gradient(found) -> str:
    if all(each.is_smooth for each in found.models):
        return "a polynomial: smooth"
    return KINKS[all(each.has_lipschitz_gradient for each in found.models)]
