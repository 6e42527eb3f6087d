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
    IS_TRANSPOSED,
    LAST,
    MAXIMUM,
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
    fixed, entries, last = int(places.size - np.count_nonzero(free)), [np.zeros((4, 0))], 0
    for row, each in zip(table, ordered):
        row[[OP, START, STOP, EXPONENT]] = each.op, moved[each.start], 0, each.power
        row[STOP] = row[START] + each.stop - each.start
        if each.op in OF_ENTRIES:
            entries.append(_entries(each, moved, fixed))
            row[FIRST], row[LAST] = last, last + entries[-1].shape[1]
            last = row[LAST]
        if each.op == DENSE or each.op in ELEMENTWISE:
            row[SOURCE] = moved[each.sources[0]]
        if each.op == DENSE:
            row[[WEIGHT, ROWS, COLUMNS]] = each.others[0, 0], *each.others.shape
            row[IS_TRANSPOSED] = each.others[0, -1] - each.others[0, 0] != each.others.shape[1] - 1
            row[IS_TIED] = uses[each.others].max() > 1
            row[IS_SHARED] = reads[each.sources].max() > 1
    dense = [each for each in ordered if each.op == DENSE]
    targets, sources, others, blocks = np.hstack(entries).astype(np.int64)
    code = Code(
        table=table,
        scalars=np.array([each.scalar for each in ordered]),
        targets=targets,
        sources=sources,
        others=others,
        blocks=blocks,
        units=places.size,
        fixed=fixed,
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


def _entries(each, moved: Array, fixed: int) -> Array:
    """Targets, sources, others and sizes of blocks of an instruction, (4, entries): terms with all
    their units one after another, and one weight, are one entry.
    """
    others = moved[each.others] if each.op == PRODUCT else each.others
    others = others if others.size else np.full(each.targets.size, -1)
    terms = np.array([moved[each.targets], moved[each.sources], others])
    if each.op == MAXIMUM:
        return np.vstack([terms, np.ones_like(others)])
    # First the first terms of all targets, then the second: so more stand one after another.
    rank = np.arange(others.size) - np.searchsorted(each.targets, each.targets)
    terms = terms[:, np.argsort(rank, kind="stable")]
    step = np.array([[1], [1], [each.op == PRODUCT]])
    splits = (np.diff(terms) != step).any(axis=0) | (np.diff(terms < fixed)[1:] != 0).any(axis=0)
    first = np.flatnonzero(np.append(True, splits))
    return np.vstack([terms[:, first], np.diff(np.append(first, others.size))])


def _multiplications(each) -> int:
    """Of one sample and evaluation, those with a weight or of two units."""
    if each.op == DENSE:
        return each.others.size * (each.sources.size // each.others.shape[1])
    if each.op in (WEIGHTED, PRODUCT):
        return each.targets.size
    return each.power * (each.stop - each.start)
