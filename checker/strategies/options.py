"""The options of strategies of instances: each one's default, values, and what it promises.

A promise is kept by what `keep` makes of a changed instance: the instance itself where the strategy
could draw it, one near it that it could, or Inapplicable.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache

import numpy as np

from ncfcheck.core.claims import Inapplicable
from ncfcheck.core.families import Family, kept
from ncfcheck.core.needs import Need, in_words
from ncfcheck.core.options import (
    Option,
    among,
    flag,
    names_of,
    numbers,
    several,
    shown,
    whole,
    whole_numbers,
    with_defaults,
)
from ncfcheck.model.instance import Instance
from ncfcheck.model.labels import NUMBERS
from ncfcheck.model.loss_functions import LossFunction
from ncfcheck.model.losses import Loss, loss_of
from ncfcheck.model.networks import convolution
from ncfcheck.strategies.choices import is_strategy
from ncfcheck.strategies.label_families import LABELS
from ncfcheck.strategies.models import LAYERED, is_drawn, is_layered, names, read_models
from ncfcheck.strategies.moves import changed, normalised, with_activations
from ncfcheck.theory.starts import EVERY, STARTS

DRAWS = 600  # of powers, to learn which a strategy draws
OUTPUTS = (1, 1, 1, 1, 2, 3)
Powers = tuple[int, ...]


def require(condition: bool, promise: str) -> None:
    """Raise Inapplicable unless the condition is met."""
    if not condition:
        raise Inapplicable(f"the strategy promises otherwise: {promise}")


def requires(words: str, condition):
    """A promise whose `condition(network, value, options)` is met, or else turned down."""

    def keep(instance: Instance, value, options: Mapping) -> Instance:
        require(condition(instance.network, value, options), words.format(value))
        return instance

    return keep


def keep_models(instance: Instance, models: tuple, options: Mapping) -> Instance:
    """A layered network, or a model of one of the families."""
    require(is_drawn(instance.network, models), f"models {'/'.join(names(models))}")
    return instance


def keep_needs(instance: Instance, needs: tuple[str, ...], options: Mapping) -> Instance:
    """A model that has all of it."""
    require(instance.network.meets.issuperset(needs), f"a model with {in_words(needs)}")
    return instance


def of_layers(option: Option) -> Option:
    """The option, which promises nothing of a model that has no layers."""

    def keep(instance: Instance, value, options: Mapping) -> Instance:
        return option.keep(instance, value, options) if is_layered(instance.network) else instance

    return replace(option, keep=keep)


def keep_starts(instance: Instance, names: tuple[str, ...], options: Mapping) -> Instance:
    """The start, or the nearest one, of one of the families."""
    start = kept(EVERY, names, instance.start, instance.ncf, _seed(instance, -1))
    return instance if start is instance.start else changed(instance, start=start)


def _seed(instance: Instance, place: int) -> int:
    """The seed that data (0), labels (1) or the start (-1) were drawn from; or the only one."""
    return instance.seeds[place] if len(instance.seeds) > 1 else (*instance.seeds, 0)[0]


def keep_losses(
    instance: Instance, losses: tuple[Loss | LossFunction, ...], options: Mapping
) -> Instance:
    """One of the losses."""
    require(instance.problem.loss in losses, f"loss {'/'.join(map(str, losses))}")
    return instance


def keep_labels(instance: Instance, names: tuple[str, ...], options: Mapping) -> Instance:
    """The labels, or the nearest ones, of one of the families, as the loss may have them."""
    problem, seed = instance.problem, _seed(instance, 1)
    admitted = problem.loss.labels
    table = LABELS if admitted == NUMBERS else _fitted(admitted, names)
    y = kept(table, names, problem.y, problem.X, seed)
    return instance if y is problem.y else changed(instance, y=y)


def _fitted(admitted, names: tuple[str, ...]) -> dict[str, Family]:
    """The families with labels made to fit a loss that has not just any numbers."""

    def family(own: Family) -> Family:
        def project(y, *context):
            return admitted.fit(y if own.project is None else own.project(y, *context))

        def holds(y, *context):
            is_drawn = own.holds(y, *context) and admitted.allow(y)
            return is_drawn or np.array_equal(y, project(y, *context))

        return Family(own.draw, holds, project)

    return {name: family(LABELS[name]) for name in names}


def read_losses(value) -> tuple[Loss | LossFunction, ...]:
    """One or several losses, by themselves or by name, or of the user's own."""
    try:
        return tuple(map(loss_of, several(value)))
    except ValueError as error:
        known = (*Loss, *(each for each in several(value) if isinstance(each, LossFunction)))
        wrong = next(each for each in several(value) if each not in known)
        raise ValueError(f"{shown(wrong)} is no loss; {among(wrong, Loss)}") from error


def read_powers(value):
    """Powers of one network, of several, or a strategy of powers."""
    if value is None or is_strategy(value):
        return value
    found = several(value)
    choices = found if all(isinstance(each, tuple | list) for each in found) else (found,)
    try:
        return tuple(whole_numbers(1)(each) for each in choices)
    except (TypeError, ValueError) as error:
        raise type(error)(
            f"{error}: powers are (p_1, …, p_{{L-1}}) of one network, such as (2,) or (1, 3), "
            "or several of these"
        ) from None


def read_slopes(value):
    """Slopes, or a strategy of them."""
    return value if value is None or is_strategy(value) else numbers(-1, 1)(value)


@lru_cache(maxsize=64)
def drawn(strategy) -> frozenset:
    """What a strategy of few values draws; the values themselves where it is those."""
    from ncfcheck.strategies.draw import draw

    if isinstance(strategy, tuple):
        return frozenset(strategy)
    return frozenset(draw(strategy, DRAWS, 0, simplest=True))


def _are_powers(network, powers, options) -> bool:
    return network.order >= 3 if powers is None else network.powers in drawn(powers)


def slopes_at(power: int, options: Mapping) -> tuple[float, ...] | None:
    """The slopes that a layer of this power is drawn with; None for all."""
    slopes, kinked = options["slopes"], options["kinked"]
    if power == 1 and options["lipschitz"] and not kinked:
        return (1.0,) if slopes is None or 1.0 in drawn(slopes) else ()
    if slopes is None:
        return None
    return tuple(each for each in sorted(drawn(slopes)) if each < 1 or not kinked)


def keep_slopes(instance: Instance, slopes, options: Mapping) -> Instance:
    """The slopes, or the nearest of those that are drawn."""
    network = instance.network
    if slopes is None:
        return instance
    allowed = [slopes_at(power, options) for power in network.powers]
    require(all(allowed), f"slopes {slopes}, of which a layer of p = 1 has none")
    nearest = tuple(
        min(each, key=lambda slope: abs(slope - own)) for each, own in zip(allowed, network.slopes)
    )
    return instance if nearest == network.slopes else with_activations(instance, slopes=nearest)


def keep_filter(instance: Instance, filtered: bool, options: Mapping) -> Instance:
    """The first layer as a convolution again, of as many of its weights as that has."""
    network = instance.network
    first, *others = network.patterns
    if not filtered:
        return instance
    is_one = first.kind == "convolution" and all(each.is_dense for each in others)
    require(is_one, "one convolution, the first")
    (columns, rows), own = network.widths[:2], instance.start[network.slices[0]]
    kernel = own[:columns]
    whole = convolution(rows, columns, kernel.size)
    if first == whole:
        return instance
    network = replace(network, patterns=(whole, *others))
    start = normalised(np.concatenate([kernel, instance.start[own.size :]]))
    return changed(instance, network=network, start=start)


def read_needs(value) -> tuple[str, ...]:
    """What models must have, one such thing or several."""
    wrong = [each for each in several(value) if each not in tuple(Need)]
    if wrong:
        raise ValueError(f"{shown(wrong[0])} is nothing that a model has; {among(wrong[0], Need)}")
    return tuple(str(each) for each in Need if each in several(value))


def needed(options: Mapping) -> frozenset[str]:
    """What models that are drawn must have; a locally Lipschitz gradient, unless told otherwise."""
    lipschitz = (Need.LIPSCHITZ,) if options.get("lipschitz", True) else ()
    return frozenset((*options.get("needs", ()), *lipschitz))


MODELS = {
    "models": Option((LAYERED,), read_models, keep_models),
    "needs": Option((), read_needs, keep_needs),
    "lipschitz": Option(
        True,
        flag,
        requires(
            "σ' locally Lipschitz",
            lambda network, value, options: (
                not value or options["kinked"] or network.has_lipschitz_gradient
            ),
        ),
    ),
}
LAYERS = {
    "kinked": Option(
        False,
        flag,
        requires("α_l < 1", lambda network, value, _: not value or max(network.slopes) < 1),
    ),
    "shared": Option(
        True,
        flag,
        requires(
            "no shared weights",
            lambda network, value, _: value or not any(each.is_shared for each in network.patterns),
        ),
    ),
    "filtered": Option(False, flag, keep_filter),
    "only_dense": Option(
        False,
        flag,
        requires(
            "dense layers",
            lambda network, value, _: not value or all(each.is_dense for each in network.patterns),
        ),
    ),
    "powers": Option(
        None, read_powers, requires("D ≥ 3, or the powers that it is given", _are_powers)
    ),
    "slopes": Option(None, read_slopes, keep_slopes),
    "narrowest": Option(
        1,
        whole(1),
        requires(
            "{} neurons or more in hidden layers",
            lambda network, value, _: min(network.widths[1:-1]) >= value,
        ),
    ),
}
LAYERS = {name: of_layers(option) for name, option in LAYERS.items()}
PROBLEM = {
    "outputs": Option(
        OUTPUTS,
        whole_numbers(1),
        requires(
            "outputs {}",  # without the option a user's data may have more
            lambda network, value, _: value == OUTPUTS or network.width in value,
        ),
    ),
    "losses": Option(tuple(Loss), read_losses, keep_losses),
    "labels": Option(tuple(LABELS), names_of(LABELS), keep_labels),
}
START = {"starts": Option(tuple(STARTS), names_of(EVERY), keep_starts)}
INSTANCES = {**MODELS, **LAYERS, **PROBLEM, **START}
# Of points that are built or found on dense networks of one output.
POINTS = {name: INSTANCES[name] for name in ("losses", "labels", "kinked", "powers", "slopes")}
POINTS |= {"lipschitz": Option(False, flag, MODELS["lipschitz"].keep)}
NARROWEST = {"narrowest": LAYERS["narrowest"]}


def of_layers_only(told: Mapping) -> list[str]:
    """The options that ask for something of layers; that none shares weights asks for nothing."""
    asking = [name for name in LAYERS if name != "shared"]
    return [name for name in asking if told.get(name, LAYERS[name].default) != LAYERS[name].default]


def refuse_contradictions(told: Mapping, options: Mapping) -> None:
    """Raise ValueError for options that no network has together; `told` are those of the user's."""
    about_layers = sorted(set(of_layers_only(told)))
    if about_layers and set(told.get("models", (LAYERED,))) != {LAYERED}:
        raise ValueError(
            f"{about_layers[0]}={told[about_layers[0]]}: it is about layered networks, and models "
            f"are {', '.join(names(told['models']))}: leave one of them out"
        )
    if options.get("filtered") and (options["only_dense"] or not options["shared"]):
        raise ValueError("filtered=True: a convolution shares its weights, and is not dense")
    _refuse_one_class(options)
    powers, slopes = options.get("powers"), options.get("slopes")
    layers = {p for each in powers for p in each} if isinstance(powers, tuple) else {2}
    if told.get("lipschitz") and options["kinked"] and (powers is None or 1 in layers):
        raise ValueError(
            "kinked=True: every α_l is below 1; with lipschitz=True, α_l = 1 where p_l = 1: take "
            "one of them, or powers from 2 on"
        )
    if not isinstance(slopes, tuple):
        return
    if not all(slopes_at(power, options) for power in layers):
        raise ValueError(
            f"slopes={slopes}: with kinked=True all are below 1; with lipschitz=True, α = 1 where "
            "p = 1: take 1.0 among the slopes, or lipschitz=False"
        )


def _refuse_one_class(options: Mapping) -> None:
    """Raise ValueError where every loss has more outputs than there are."""
    losses, outputs = options.get("losses"), options.get("outputs", (1,))
    if losses and max(outputs) < min(each.labels.fewest for each in losses):
        names = ", ".join(map(str, losses))
        raise ValueError(f"losses={names}: they have two outputs or more, and outputs={outputs}")


def projected(instance: Instance, declared: Mapping[str, Option], options: Mapping) -> Instance:
    """The instance with all that these options promise. Raises Inapplicable where it cannot be."""
    options = with_defaults(declared, options)
    for name, option in declared.items():
        instance = option.keep(instance, options[name], options)
    return instance


def plain(instance: Instance, **options) -> None:
    """Raise Inapplicable unless it is as `ncfcheck.strategies.instances.instances` promises."""
    network, X = instance.network, instance.problem.X
    require(bool(X.any(axis=1).all()), "no sample that is zero")
    require(instance.start.shape == (network.size,), "a start that fits the network")
    require(not is_layered(network) or network.patterns[-1].is_dense, "a dense output layer")
    require(projected(instance, INSTANCES, options) is instance, "families that it is not of")
