"""Which models are drawn: layered networks, and families, whose sizes are drawn."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import lru_cache
from itertools import islice, product

from ncfcheck.core.claims import Inapplicable
from ncfcheck.core.needs import Need, in_words
from ncfcheck.core.options import among, several
from ncfcheck.core.stated import shown
from ncfcheck.model.families import Family
from ncfcheck.model.models import Model
from ncfcheck.model.networks import Network
from ncfcheck.model.own import families as own_families
from ncfcheck.model.sources import BUILT_IN, load
from ncfcheck.strategies.datasets import Sample

LAYERED, ANY = "layered", "any"  # layered networks; these and every homogeneous family built in
MOST = 20_000  # sizes of one family that are looked through
TRIES = 12  # of sizes, where some of a family's models have not what is asked for
NARROW = range(1, 17)  # d and m of the smallest model of a family, where these are free

Sizes = dict[str, int]


def read_models(value) -> tuple:
    """ "layered", "any", names of families or families themselves, one or several."""
    found = []
    for each in several(value):
        each = own_families.family_of(each)
        if isinstance(each, Family):
            found += load((each,))
        elif each in (LAYERED, ANY):
            found.append(each)
        elif isinstance(each, str) and each in BUILT_IN:
            found.append(BUILT_IN[each])
        else:
            possible = among(each, (LAYERED, ANY, *BUILT_IN))
            raise ValueError(f"{shown(each)} is no family of models; {possible}")
    return tuple(found)


def kinds(models: Iterable, needs: Collection[str] = ()) -> tuple[str | Family, ...]:
    """LAYERED or a family for all that is drawn; of these, those with models that have what is
    needed.
    """
    found = dict.fromkeys(kind for each in models for kind in (_any() if each == ANY else (each,)))
    return tuple(each for each in found if each == LAYERED or not lacks(each, needs))


def _any() -> tuple[str | Family, ...]:
    return (LAYERED, *(each for each in BUILT_IN.values() if not lacks(each, {Need.HOMOGENEOUS})))


def lacks(family: Family, needs: Collection[str]) -> frozenset[str]:
    """What of this the models of a family have not, as far as its smallest and largest tell."""
    missing = frozenset(needs) - smallest(family).meets
    return missing - largest(family).meets if missing else missing


@lru_cache(maxsize=256)
def smallest(family: Family) -> Model:
    """The smallest model of a family. Raises ValueError where none can be built."""
    return _first_built(family, all_sizes(family))


@lru_cache(maxsize=256)
def largest(family: Family) -> Model:
    """The largest model of a family, on as few inputs and with as few outputs as it can have."""
    return _first_built(family, reversed(all_sizes(family)))


def _first_built(family: Family, possible: Iterable[Sizes]) -> Model:
    why = "it has no sizes"
    for sizes in possible:
        for d in NARROW:
            try:
                inputs, width = shape_of(family, sizes)
                return build(family, inputs or d, width or 1, sizes)
            except Inapplicable as reason:
                why = str(reason)
    raise ValueError(f"no model of the family {family.name} can be built: {why}")


def all_sizes(family: Family) -> list[Sizes]:
    """Sizes of a family, those of the smallest sum first."""
    names, bounds = list(family.ranges), family.ranges.values()
    found = islice(product(*(range(least, most + 1) for least, most in bounds)), MOST)
    return [dict(zip(names, values)) for values in sorted(found, key=sum)]


def draw_kind(draw, models: Iterable, needs: Collection[str]) -> str | Family:
    """LAYERED as often as a family, where there are such, and all families equally often. Raises
    Inapplicable where none has what is needed.
    """
    possible = kinds(models, needs)
    if not possible:
        raise Inapplicable(f"no model among those that are drawn has {in_words(needs)}")
    if LAYERED in possible:
        others = [each for each in possible if each != LAYERED]
        possible = (*[LAYERED] * max(1, len(others)), *others)
    return draw.choice(possible) if len(possible) > 1 else possible[0]


def shape_of(family: Family, sizes: Sizes) -> tuple[int | None, int | None]:
    """d and m for these sizes, None where any number will do; Inapplicable where the family has
    none of these sizes.
    """
    try:
        return family.inputs_of(sizes), family.width_of(sizes)
    except ValueError as error:
        raise Inapplicable(f"{family.name}: {error}") from error


@lru_cache(maxsize=256)
def _fitting(family: Family, inputs: int | None, widths: tuple[int, ...] | None) -> list[Sizes]:
    """Sizes with so many numbers a sample, and a number of outputs among `widths`, where told."""
    found = []
    for sizes in all_sizes(family):
        with contextlib.suppress(Inapplicable):
            d, m = shape_of(family, sizes)
            if d in (None, inputs or d) and (widths is None or m in (None, *widths)):
                found.append(sizes)
    return found


def draw_model(
    draw, data, family: Family, outputs, are_free: bool, needs: Collection[str] = ()
) -> tuple[Model, Sample]:
    """A model of a family that has what is needed, with data that it can take: of as many numbers
    a sample as its sizes call for or, where data sets cannot be had so, of sizes that the data call
    for. `outputs` are drawn from, where sizes leave them open; unless they `are_free`, sizes are
    such as have them.
    """
    for _ in range(TRIES):
        model, sample = _draw_any(draw, data, family, outputs, are_free)
        if model.meets.issuperset(needs):
            return model, sample
    raise Inapplicable(f"{family.name}: no sizes drawn have {in_words(needs)}")


def _draw_any(draw, data, family: Family, outputs, are_free: bool) -> tuple[Model, Sample]:
    """The same, whatever it has."""
    columns = getattr(data, "columns", None)
    if columns is None:
        sample = draw_sample(draw, data)
        brought = None if sample.y is None else (sample.y.shape[1],)
        outputs, are_free = brought or outputs, are_free and brought is None
        sizes = _draw_sizes(draw, family, sample.X.shape[1], None if are_free else outputs)
    else:
        sizes = _draw_sizes(draw, family, None, None if are_free else outputs)
        sample = draw_sample(draw, columns(shape_of(family, sizes)[0]))
    width = shape_of(family, sizes)[1] or draw.choice(outputs)
    return build(family, sample.X.shape[1], width, sizes), sample


def draw_sample(draw, data) -> Sample:
    """A data set. Raises TypeError for a strategy of anything else."""
    sample = draw(data)
    if not isinstance(sample, Sample):
        raise TypeError(f"{data!r} returned a {type(sample).__name__}; data sets are `Sample(X)`")
    return sample


def _draw_sizes(draw, family: Family, inputs: int | None, widths) -> Sizes:
    if inputs is None and widths is None:
        return {name: draw.integer(*bounds) for name, bounds in family.ranges.items()}
    found = _fitting(family, inputs, None if widths is None else tuple(sorted(set(widths))))
    if not found:
        told = [f"d = {inputs}"] if inputs is not None else []
        told += [f"m = {' or '.join(map(str, sorted(set(widths))))}"] if widths else []
        raise Inapplicable(f"no sizes of {family.name} have {' and '.join(told)}")
    return draw.choice(found)


def refuse_table(models: Iterable[Family] | None, table) -> None:
    """Raise ValueError for a user's table that no sizes of the models fit."""
    d = table.X.shape[1]
    if models is not None and not any(_fitting(each, d, (1,)) for each in models):
        raise ValueError(
            f"the table has {d} columns besides the labels, and no sizes of "
            f"{', '.join(names(models))} have d = {d} and one output"
        )


def build(family: Family, inputs: int, width: int, sizes: Mapping[str, int]) -> Model:
    """The model; Inapplicable where the family has none of these sizes."""
    try:
        return family.build(inputs, width, sizes)
    except ValueError as error:
        raise Inapplicable(f"{family.name}: {error}") from error


def is_layered(network) -> bool:
    """Whether a model is a layered network."""
    return isinstance(network, Network)


def is_drawn(network: Model, models: Iterable) -> bool:
    """Whether a model is of those that are drawn, and its sizes within the family's ranges."""
    drawn = kinds(models)
    if is_layered(network):
        return LAYERED in drawn
    family = network.family
    return family in drawn and network.sizes.keys() == family.ranges.keys() and _is_within(network)


def _is_within(network: Model) -> bool:
    ranges = network.family.ranges
    return all(ranges[name][0] <= size <= ranges[name][1] for name, size in network.sizes.items())


def names(models: Collection) -> Iterator[str]:
    """What they are called."""
    return (each if isinstance(each, str) else each.name for each in models)
