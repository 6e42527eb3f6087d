"""What claims quantify over: strategies of instances with what they promise, kept by every change.

A promise is made true by projection where that is possible, or else the change is turned down.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields

import numpy as np

from ncfcheck.core.claims import Inapplicable
from ncfcheck.core.families import ROUNDING
from ncfcheck.core.hypotheses import fulfilled, name_of, placed
from ncfcheck.core.needs import in_words
from ncfcheck.core.options import Option, read, refuse_unknown, with_defaults
from ncfcheck.core.stated import shown
from ncfcheck.model.instance import Instance
from ncfcheck.strategies import rebuilding
from ncfcheck.strategies.choices import (
    Composite,
    Strategy,
    as_call,
    is_strategy,
    refuse_no_function,
)
from ncfcheck.strategies.data_families import FAMILIES
from ncfcheck.strategies.datasets import Sample, families
from ncfcheck.strategies.models import kinds
from ncfcheck.strategies.moves import BROUGHT, changed, moved_data
from ncfcheck.strategies.options import needed, of_layers_only, projected, refuse_contradictions
from ncfcheck.theory.starts import EVERY

ROUNDS = 3  # of hypotheses and of what derives from a problem that these change


@dataclass(frozen=True, eq=False, repr=False)
class Given(Strategy):
    """What a claim quantifies over: a strategy of instances that can be rebuilt on other data.

    `declared` options are promises; so are `hypotheses`. `promise(instance, **options)` raises
    Inapplicable for whatever else the strategy could not draw, None where that is not known.
    `rebuild(instance)` computes again what derives from the instance's problem.
    """

    build: Callable[..., Strategy]
    options: dict = field(default_factory=dict)
    data: Strategy | None = None
    promise: Callable[..., None] | None = None
    rebuild: Callable[[Instance], Instance] = rebuilding.same
    declared: Mapping[str, Option] = field(default_factory=dict)
    hypotheses: tuple[Callable, ...] = ()

    def strategy(self, data: Strategy | None = None) -> Strategy:
        """The strategy on `data` (of `Sample`), or on the claim's own data, or on every family."""
        own = families() if self.data is None else self.data
        built = self.build(own if data is None else data, **self.options)
        if not is_strategy(built):
            raise TypeError(
                f"{_name(self.build)} returned {shown(built)}, no strategy: @composite makes it one"
            )
        foreign = data is not None and self.data is not None
        if not (self.hypotheses or foreign):
            return built
        return Composite(lambda draw: self._drawn(draw(built), foreign), name=repr(self))

    def _drawn(self, instance, foreign: bool):
        """A draw as the hypotheses have it; on data of others only if the claim's could be such."""
        if foreign and _projection(self.data) and self._on_data(instance) is not instance:
            raise Inapplicable("the claim is about other data")
        return self._settled(instance)

    def assuming(self, hypothesis: Callable[[Instance], object]) -> Given:
        """The strategy of instances that fulfil a hypothesis as well, whatever changes them.

        `hypothesis(instance)` returns True or False, or an instance that fulfils it near the one it
        is given, or raises Inapplicable. It is asked of instances drawn, and of those that hunts
        and shrinks make of them.
        """
        refuse_no_function(hypothesis)
        return self.with_parts(hypotheses=(*self.hypotheses, hypothesis))

    def on_models(self, models: tuple) -> Given:
        """The strategy of the same instances on these models, in place of those that it draws.

        Raises Inapplicable, with the reason, where it has none on them.
        """
        if "models" not in inspect.signature(self.build).parameters:
            raise Inapplicable(f"{_name(self.build)} draws models of its own")
        if asked := of_layers_only(self.options):
            raise Inapplicable(f"it is about layers: {asked[0]}={self.options[asked[0]]}")
        if not kinds(models, needs := needed(self.options)):
            raise Inapplicable(f"it is about models with {in_words(needs)}")
        return self.with_parts(options=self.options | {"models": tuple(models)})

    def with_parts(self, **parts) -> Given:
        """The same with other parts; `replace` would ask for the class that Hypothesis is told."""
        return Given(**{each.name: getattr(self, each.name) for each in fields(self)} | parts)

    def drawn_by(self, draw):
        return draw(self.strategy())

    def __repr__(self) -> str:
        assumed = "".join(f".assuming({name_of(each)})" for each in self.hypotheses)
        data = {} if self.data is None else {"data": self.data}
        return as_call(self.build, (), data | self.options) + assumed

    @property
    def stream(self) -> str:
        """A name that equal strategies share, in every process; empty where an option has none."""
        plain = all(isinstance(value, int | str | tuple) for value in self.options.values())
        if self.data is not None or self.hypotheses or not plain:
            return ""
        return f"{self.build.__qualname__}{sorted(self.options.items())}"

    @property
    def is_generic(self) -> bool:
        """Whether starts are promised to be of no special form."""
        return all(EVERY[name].generic for name in self.options.get("starts", ("sparse",)))

    @property
    def fixed(self) -> frozenset[str]:
        """Arrays of an instance that cannot be moved one number after another."""
        unknown = self.data is not None and _projection(self.data) is None
        fixed = {"X": unknown, "slopes": self.options.get("slopes") is not None}
        return frozenset(name for name, is_fixed in fixed.items() if is_fixed)

    def rebuilt(self, instance: Instance) -> Instance:
        """An instance that was changed, as the strategy promises it, with what derives from its
        problem computed again.

        Raises Inapplicable where it could not be drawn, or nothing is known about what is drawn.
        """
        if self.promise is None:
            raise Inapplicable("nothing is known about what the strategy promises")
        found = self._settled(self.rebuild(self._projected(instance)))
        self.check(found)
        return found

    def check(self, instance: Instance) -> None:
        """Raise Inapplicable for an instance that could not be drawn, as far as is known."""
        if self._projected(instance) is not instance:
            raise Inapplicable("the strategy promises otherwise: families that it is not of")
        if self.promise is not None:
            self.promise(instance, **self.options)

    def admit(self, instance: Instance) -> None:
        """Raise Inapplicable for an instance that could not be drawn or does not fulfil what is
        assumed, as far as is known.
        """
        self.check(instance)
        if not _is_same(instance, self._settled(instance)):
            raise Inapplicable("what is assumed holds of another instance near it")

    def _projected(self, instance: Instance) -> Instance:
        """As the data and the declared options promise it."""
        if self.data is None and not self.declared:
            return instance
        return projected(self._on_data(instance), self.declared, self.options)

    def _on_data(self, instance: Instance) -> Instance:
        """On data as the strategy of data sets draws them; as they are, where that is unknown."""
        if self.data is None or not isinstance(instance, Instance):
            return instance
        project = _projection(self.data)
        if project is None:
            if moved_data(instance):
                raise Inapplicable("what the data promise is not known: they may only be drawn")
            return instance
        problem, brought = instance.problem, instance.families.get("labels") in BROUGHT
        sample = Sample(
            problem.X,
            instance.families.get("data", ""),
            (*instance.seeds, 0)[0],
            problem.y if brought else None,
        )
        found = fulfilled(project, sample)
        is_same = found is sample or (_alike(found.X, sample.X) and _alike(found.y, sample.y))
        return instance if is_same else changed(instance, X=found.X, y=found.y)

    def _settled(self, instance):
        """As the hypotheses have it, with what derives from a problem they change made again."""
        found = instance
        for _ in range(ROUNDS):
            before, changing = found, []
            for hypothesis in self.hypotheses:
                old, found = found, fulfilled(hypothesis, found)
                if found is not old:
                    changing.append(hypothesis)
            if found is before or not isinstance(found, Instance) or _is_same(before, found):
                break
            found = self.rebuild(self._projected(found))
        else:
            raise Inapplicable(
                f"the hypothesis {_each(changing)} changes again what it has made itself"
            )
        if found is not instance:
            self._check_made(found)
        return found

    def _check_made(self, instance) -> None:
        """The same as `check` of what hypotheses made."""
        try:
            self.check(instance)
        except Inapplicable as reason:
            raise Inapplicable(f"of the hypothesis {_each(self.hypotheses)}: {reason}") from reason


def _each(hypotheses: Iterable[Callable]) -> str:
    return " or ".join(map(placed, hypotheses))


def _is_same(one: Instance, two: Instance) -> bool:
    """Whether problems and starts differ by rounding at most."""
    old, new = one.problem, two.problem
    same = (old.network, old.loss) == (new.network, new.loss)
    return same and all(map(_alike, (old.X, old.y, one.start), (new.X, new.y, two.start)))


def _alike(one: np.ndarray | None, two: np.ndarray | None) -> bool:
    """Whether two arrays differ by rounding at most; or neither is one."""
    if one is None or two is None:
        return one is two
    return one.shape == two.shape and np.allclose(one, two, ROUNDING, ROUNDING)


def _projection(data) -> Callable | None:
    """What makes data sets such as the strategy draws; None where nobody knows which it does."""
    return getattr(data, "project", None)


def given(
    build: Callable[..., Strategy], promise=None, rebuild=rebuilding.same
) -> Callable[..., Given]:
    """Turn a strategy function `build(data, **options)` into one for `@claim(given=…)`.

    What that returns keeps what `promise(instance, **options)` promises, which raises Inapplicable
    for an instance that could not be drawn; `rebuild(instance)` computes again what derives from
    the problem of one that was changed. `data` are data sets of its own. Raises TypeError for what
    is no such function, or for an option that it does not have.
    """
    if isinstance(build, Strategy) or not callable(build):
        raise TypeError(
            f"ncfcheck.given takes a function, not {shown(build)}; @hypothesis.given takes "
            "strategies"
        )
    name, signature = _name(build), inspect.signature(build)
    parameters = list(signature.parameters.values())
    if not parameters or (
        parameters[0].name != "data" and parameters[0].kind is not inspect.Parameter.VAR_POSITIONAL
    ):
        raise TypeError(
            f"ncfcheck.given({name}): it is handed the strategy of data sets, used or not: write "
            f"{name}(draw, data, …) under @composite, or {name}(data, …)"
        )
    names = [each.name for each in parameters[1:]]
    is_open = any(each.kind is each.VAR_KEYWORD for each in parameters)

    def checked(options: dict) -> dict:
        refuse_unknown(name, options if is_open else names, options)
        try:
            signature.bind(None, **options)
        except TypeError as error:
            raise TypeError(f"{name}: {error}") from None
        return options

    return _strategy(build, checked, promise=promise, rebuild=rebuild)


def declared(
    build: Callable[..., Strategy],
    options: Mapping[str, Option],
    promise: Callable[..., None],
    rebuild=rebuilding.same,
) -> Callable[..., Given]:
    """The same for a function of these options, each of which is a promise."""

    def checked(told: dict) -> dict:
        refuse_unknown(_name(build), ("data", *options), told)
        found = read(_name(build), options, told)
        try:
            refuse_contradictions(found, with_defaults(options, found))
        except ValueError as error:
            raise ValueError(f"{_name(build)}: {error}") from None
        return found

    return _strategy(build, checked, promise=promise, rebuild=rebuild, declared=options)


def _strategy(build: Callable, checked: Callable[[dict], dict], **parts) -> Callable[..., Given]:
    def strategy(data: Strategy | None = None, **options) -> Given:
        return Given(build, checked(options), _data(_name(build), data), **parts)

    strategy.__name__, strategy.__doc__ = _name(build), build.__doc__
    vars(strategy)["options"] = parts.get("declared", {})
    return strategy


def _name(build: Callable) -> str:
    """The name of a strategy function, as its users call it."""
    return name_of(build).lstrip("_")


def _data(name: str, data):
    """A strategy of data sets, or that of the families named."""
    if isinstance(data, str | tuple | list):
        return families(only=data)
    if data is None or (is_strategy(data) and not isinstance(data, Given)):
        return data
    raise TypeError(
        f"{name}(data={shown(data)}): takes a strategy of data sets, as families(…) or a call of a "
        f"composite of your own returns it, or names of families: {', '.join(sorted(FAMILIES))}"
    )
