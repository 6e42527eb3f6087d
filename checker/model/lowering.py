"""Programs lowered to tables of numbers: what depends on no weights comes first."""

from __future__ import annotations

import numpy as np

from ncfcheck.model.instructions import (
    COLUMNS,
    DENSE,
    ELEMENTWISE,
    EXPONENT,
    FIELDS,
    FIRST,
    IS_SHARED,
    IS_TIED,
    LAST,
    OF_ENTRIES,
    OP,
    PRODUCT,
    ROWS,
    SOURCE,
    START,
    STOP,
    WEIGHT,
    WEIGHTED,
    Code,
)

Array = np.ndarray


def lowered(inputs: int, instructions, output: int) -> tuple[Code, int]:
    """The code of instructions whose outputs start at the unit `output`; its multiplications."""
    free = _free(inputs, instructions)
    ordered = sorted(instructions, key=lambda each: bool(free[each.start]))
    places = np.concatenate([np.arange(inputs), *(np.arange(e.start, e.stop) for e in ordered)])
    moved = np.empty(free.size, dtype=np.int64)  # the new numbers of units
    moved[places] = np.arange(places.size)
    reads = np.bincount(np.concatenate([_units(each) for each in ordered]), minlength=free.size)
    uses = np.bincount(np.concatenate([_parameters(each) for each in ordered]))
    table = np.zeros((len(ordered), FIELDS), dtype=np.int64)
    entries, last = [each for each in ordered if each.op in OF_ENTRIES], 0
    for row, each in zip(table, ordered):
        row[[OP, START, STOP, EXPONENT]] = each.op, moved[each.start], 0, each.power
        row[STOP] = row[START] + each.stop - each.start
        if each.op in OF_ENTRIES:
            row[FIRST], row[LAST] = last, last + each.targets.size
            last = row[LAST]
        if each.op == DENSE or each.op in ELEMENTWISE:
            row[SOURCE] = moved[each.sources[0]]
        if each.op == DENSE:
            row[[WEIGHT, ROWS, COLUMNS]] = each.others[0, 0], *each.others.shape
            row[IS_TIED] = uses[each.others].max() > 1
            row[IS_SHARED] = reads[each.sources].max() > 1
    dense = [each for each in ordered if each.op == DENSE]
    code = Code(
        table=table,
        scalars=np.array([each.scalar for each in ordered]),
        targets=_joined([moved[each.targets] for each in entries]),
        sources=_joined([moved[each.sources] for each in entries]),
        others=_joined([_others(each, moved) for each in entries]),
        units=places.size,
        fixed=int(places.size - np.count_nonzero(free)),
        leading=sum(not free[each.start] for each in ordered),
        output=int(moved[output]),
        readers=int(max(reads.max(), uses.max())),
        spare=max([each.others.size for each in dense], default=0),
        spare_units=max([each.sources.size for each in dense], default=0),
    )
    return code, sum(map(_multiplications, ordered[code.leading :]))


def needed(instructions, outputs: Array, units: int) -> list:
    """The instructions that the outputs depend on."""
    is_read = np.zeros(units, dtype=bool)
    is_read[outputs] = True
    kept = []
    for each in reversed(instructions):
        if is_read[each.start : each.stop].any():
            is_read[_units(each)] = True
            kept.append(each)
    return kept[::-1]


def _free(inputs: int, instructions) -> Array:
    """Which units depend on weights, (units,)."""
    free = np.zeros(instructions[-1].stop, dtype=bool)
    for each in instructions:
        weighted = each.op in (DENSE, WEIGHTED)
        free[each.start : each.stop] = weighted or free[_units(each)].any()
    return free


def _units(each) -> Array:
    """The units that an instruction reads."""
    return np.concatenate([each.sources, each.others]) if each.op == PRODUCT else each.sources


def _parameters(each) -> Array:
    """The parameters that it reads."""
    return each.others.ravel() if each.op in (DENSE, WEIGHTED) else each.others[:0].ravel()


def _others(each, moved: Array) -> Array:
    if each.op == PRODUCT:
        return moved[each.others]
    return each.others if each.op == WEIGHTED else np.full(each.targets.size, -1)


def _joined(parts: list[Array]) -> Array:
    return np.concatenate(parts).astype(np.int64) if parts else np.zeros(0, dtype=np.int64)


def _multiplications(each) -> int:
    """Of one sample and evaluation, those with a weight or of two units."""
    if each.op == DENSE:
        return each.others.size * (each.sources.size // each.others.shape[1])
    if each.op in (WEIGHTED, PRODUCT):
        return each.targets.size
    return each.power * (each.stop - each.start)
