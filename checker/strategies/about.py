"""Claims about other models than they draw by themselves, such as those of a user's file."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from ncfcheck.core.claims import Claim, Inapplicable, registered
from ncfcheck.core.needs import in_words
from ncfcheck.model.families import Family
from ncfcheck.model.instance import Instance
from ncfcheck.strategies.models import is_drawn, lacks


def about(claim: Claim, models: tuple[Family, ...] | None) -> Claim:
    """The claim about those of the families that it suits, in place of the models that it draws; as
    it is for None. What a run is to cover is not asked for: other models need not have it.

    Raises Inapplicable, with the reason, where there are none.
    """
    if models is None:
        return claim
    suited = tuple(each for each in models if not lacks(each, claim.needs))
    if not suited:
        raise Inapplicable(f"it needs {in_words(lacks(models[0], claim.needs))}")
    on_models = getattr(claim.given, "on_models", None)
    if on_models is None:
        raise Inapplicable("its strategy draws instances of its own")
    return replace(claim, given=on_models(suited), covers=())


def claims_about(ids: Iterable[str], models: tuple[Family, ...] | None) -> dict[str, Claim]:
    """The registered claims of these ids, about the models. Raises Inapplicable."""
    known = registered()
    return {id: about(known[id], models) for id in ids}


def unsuited(claims: Iterable[Claim], models: tuple[Family, ...] | None) -> dict[str, str]:
    """Claims, by id, that are about none of the models, with the reason."""
    found = {}
    for claim in claims:
        try:
            about(claim, models)
        except Inapplicable as reason:
            found[claim.id] = str(reason)
    return found


def is_about(claim: Claim, instance) -> bool:
    """Whether an instance is on a model that the claim draws, as far as is known."""
    declared = getattr(claim.given, "declared", {})
    if "models" not in declared or not isinstance(instance, Instance):
        return True
    models = claim.given.options.get("models", declared["models"].default)
    return is_drawn(instance.network, models)
