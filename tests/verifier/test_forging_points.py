"""Witnesses of claims about points that break one of the hypotheses that the claim keeps, sealed
again, are rejected; and verifiers that take a hypothesis without its proof accept some of them.
"""

from __future__ import annotations

import copy
import functools
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import islice

import numpy as np
import pytest

from ncfcheck.certify import Certificate, certify, document, within
from ncfcheck.core.claims import Outcome, registered
from ncfcheck.model.encoding import decode, encode
from ncfcheck.strategies.draw import draw
from ncfcheck.verifier import REFUTATIONS, Rejected, registry, verify
from ncfcheck.verifier.numbers import need
from tests.support import forging
from tests.support.certified import FOLDER, resealed, witness

CHAPTERS = ("homogeneity", "kkt", "rank_one", "rank_one_kkt", "conjectures")
# No counterexample is known; what refutes another conjecture breaks a hypothesis of theirs.
BORROWED = {
    "conjecture.one_signed_labels": "conjecture.one_neuron_limits",
    "conjecture.above_a_filter": "conjecture.rank_one_limits",
}
CLAIMS = [
    id
    for id, check in REFUTATIONS.items()
    if check.__module__.rsplit(".", 1)[-1] in CHAPTERS and (FOLDER / f"{id}.json").exists()
] + list(BORROWED)
EACH, FEW, TRIES = 20, 3, 100  # forged witnesses of every hypothesis; of those in every run
ANEW = 4  # tries that are proved anew
# What nothing in a file can break: files have no biases, labels are those of the data, factors are
# the verifier's, and weights that are 0 by construction have ∇N = 0.
GIVEN = {"homogeneous", "true_labels", "positive_factors", "zero_point"}
LIMIT = (forging.elsewhere, forging.negated, forging.dead)
BREAKS = {
    "dense layers": (forging.sparse, forging.sharing),
    "sign-coherent: every a_l ≥ 0": (forging.mixed,),
    "e_l uniform on its support where p_l ≥ 2": (forging.uneven,),
    "e_l of entries 0, P and −Q in one layer, uniform in others with p_l ≥ 2": (forging.uneven,),
    "c_l² = P_l/D": (forging.reweighted, forging.moved),
    "u a KKT point of the reduced problem": (forging.relabelled, forging.turned, forging.negated),
    "u a KKT point": (forging.moved, forging.relabelled),
    "λ ≠ 0": (forging.silenced, forging.dead),
    "unshared layers": (forging.sharing,),
    "N(u) < 0": (forging.negated, forging.dead),
    "N(u) > 0": (forging.negated, forging.dead),
    "hidden layers of rank one": (forging.moved,),
    "p_l ≥ 2 where entries are compared": (forging.flat_mixed,),
    "p_{L−1} ≥ 2": (forging.powers(forging.flat_last),),
    "u a local maximum, N(u) > 0": (forging.moved, forging.negated, forging.dead),
    "u a strict local maximum of N on the sphere": LIMIT,
    "v_0 drawn uniformly from the sphere": (forging.elsewhere,),
    "N* > 0": LIMIT,
    "p_l ≥ 2": (forging.deeper(1), forging.powers(forging.some_flat)),
    "one output": (forging.outputs(2), forging.outputs(3)),
    "two or three outputs": (forging.outputs(1), forging.outputs(4)),
    "ȳ of one sign": (forging.two_signed,),
    "labels of both signs": (forging.one_signed,),
    "L = 2": (forging.deeper(2),),
    "W_1 a convolution, the other layers dense": (forging.sparse,),
}
# Where the hypothesis is met in another way, or by what is compared alone.
OWN = {
    ("control.any_rank_one", "sign-coherent: every a_l ≥ 0"): (forging.mixed,),
    ("control.every_kkt_rank_one", "sign-coherent: every a_l ≥ 0"): (forging.moved,),
    ("control.every_kkt_rank_one", "p_l ≥ 2 where entries are compared"): (forging.moved,),
    ("control.blind_input", "sign-coherent: every a_l ≥ 0"): (forging.moved,),
    ("conjecture.mixed_labels_grow", "v_0 drawn uniformly from the sphere"): (forging.lighter,),
    ("control.shared_balance", "λ ≠ 0"): (forging.dead, forging.moved),
    **{
        (id, "u a KKT point"): (forging.uneven, forging.relabelled, forging.moved)
        for id in ("control.negative_value", "control.equal_entries", "control.flat_entries")
    },
}
# The layer whose entries are compared has p_l ≥ 2 by what else is needed, or none are.
SKIPPED = {
    (id, "p_l ≥ 2 where entries are compared")
    for id in ("control.negative_value", "control.blind_input", "control.any_rank_one")
}
# Changes of the architecture, of which another KKT point is proved.
PROVED_ANEW = {
    "dense layers",
    "unshared layers",
    "p_{L−1} ≥ 2",
    "p_l ≥ 2",
    "one output",
    "two or three outputs",
    "ȳ of one sign",
    "W_1 a convolution, the other layers dense",
}


@functools.cache
def genuine(id: str) -> tuple[str, ...]:
    """Witnesses that are accepted, as JSON: the stored one, and some that are drawn."""
    claim, found = registered()[id], [json.dumps(witness(BORROWED.get(id, id)))]
    for instance in draw(claim.strategy(), 12, 3, simplest=False) if is_quick(id) else ():
        if instance.network.size < 30 and claim.judge(instance)[0] is Outcome.VIOLATES:
            proof = certify(claim, instance, seconds=2)
            if isinstance(proof, Certificate):
                found.append(json.dumps(document(claim, instance, proof)))
    return tuple(found[:5])


def is_quick(id: str) -> bool:
    """Whether a proof of what is drawn takes no flows."""
    drawn = ("control.any_point", "control.flat_neurons", "control.zero_points")
    return id in drawn or REFUTATIONS[id].__module__.endswith(
        ("rank_one", "rank_one_kkt", "homogeneity")
    )


def reason(found: dict) -> str:
    """Why the verifier rejects a witness; empty if it does not."""
    try:
        verify(resealed(found))
    except Rejected as why:
        return str(why)
    return ""


def forged(id: str, name: str, anew: bool = True) -> Iterator[dict]:
    """Witnesses of a claim that break a hypothesis, no two the same."""
    rng, ways, seen = (
        np.random.default_rng(len(id + name)),
        OWN.get((id, name), BREAKS[name]),
        set(),
    )
    home = registered()[BORROWED.get(id, id)].function.__module__
    for k in range(TRIES):
        for text in genuine(id):
            found = json.loads(text)
            instance = ways[k % len(ways)](decode(found["instance"], home), rng)
            if instance is None:
                continue
            instance = pointed(instance)
            found |= {"claim": id, "instance": encode(instance, home)}
            if anew and name in PROVED_ANEW and k < ANEW:
                found = proved_anew(id, instance) or found
            if json.dumps(found) in seen:
                found["instance"] = encode(pointed(forging.rescaled(instance, rng)), home)
            for each in (found, other_sign(found) if "N(u)" in name else None):
                if each is not None and (key := json.dumps(each)) not in seen:
                    seen.add(key)
                    yield each


def pointed(instance):
    """The instance with its KKT point, if it holds one, where its start is."""
    if getattr(instance, "point", None) is None:
        return instance
    return replace(instance, point=replace(instance.point, u=instance.start))


def proved_anew(id: str, instance) -> dict | None:
    """The witness with what the finder, which asks for less than the verifier, proves of it."""
    within(0.3)
    try:
        return json.loads(
            json.dumps(document(registered()[id], instance, registered()[id].refute(instance)))
        )
    except Exception:
        return None
    finally:
        within(float("inf"))


def other_sign(found: dict) -> dict | None:
    """The witness with −λ for λ in its box."""
    found = copy.deepcopy(found)
    if "box" not in found["certificate"]["data"]:
        return None
    box = found["certificate"]["data"]["box"]
    place = len(box["centre"]) - 1 - len(box["generators"])
    box["centre"][place] = (-float.fromhex(box["centre"][place])).hex()
    return found


KEPT = [
    (id, name)
    for id in CLAIMS
    for name, check in REFUTATIONS[id].keeps.items()
    if check.__name__ not in GIVEN and (id, name) not in SKIPPED
]


@pytest.mark.parametrize("id", sorted(set(CLAIMS) - set(BORROWED)))
def test_what_is_forged_is_made_of_what_is_accepted(id):
    assert not any(reason(json.loads(each)) for each in genuine(id))


@pytest.mark.parametrize("id, name", KEPT)
def test_a_witness_that_breaks_a_hypothesis_is_rejected(id, name):
    found = list(islice(forged(id, name), FEW))
    assert found and all(map(reason, found))


@pytest.mark.long
@pytest.mark.parametrize("id, name", KEPT)
def test_twenty_witnesses_that_break_a_hypothesis_are_rejected(id, name):
    found = list(islice(forged(id, name), EACH))
    assert len(found) == EACH and all(map(reason, found))


@contextmanager
def taken_for_granted(check, patch):
    """Run with a proof that records its hypothesis whatever it finds: nothing that it, or what it
    calls, needs is needed.
    """
    granting, answered = [False], registry._answered

    def lenient(condition, reason):
        return None if granting[-1] else need(condition, reason)

    def asked(each, *arguments, **named):
        granting.append(granting[-1] or each is check.__wrapped__)
        try:
            return answered(each, *arguments, **named)
        finally:
            granting.pop()

    with patch.context() as patch:
        patch.setattr(registry, "_answered", asked)
        for name, module in list(sys.modules.items()):
            if name.startswith("ncfcheck.verifier.") and vars(module).get("need") is need:
                patch.setattr(module, "need", lenient)
        yield


PROVING = {each.__name__: each for id in CLAIMS for each in REFUTATIONS[id].keeps.values()}
# Without these nothing passes that did not: other checks ask for the same, too.
DOUBLY = {
    "compared": "`mixed` takes only layers with p ≥ 2",
    "no_rank_one": "without it a claim has no conclusion",
    "two_layers": "the gradient has to have two layers",
    "filtered": "no network is known that fails the conclusion, a filter or not",
}


@pytest.mark.parametrize("name", sorted(PROVING.keys() - GIVEN - DOUBLY.keys()))
def test_a_verifier_that_takes_a_hypothesis_for_granted_is_caught(name, monkeypatch):
    check = PROVING[name]
    kept = [(id, h) for id, h in KEPT if REFUTATIONS[id].keeps[h] is check]
    for id, hypothesis in kept:
        for found in islice(forged(id, hypothesis), 2 * FEW):
            with taken_for_granted(check, monkeypatch):
                if not reason(found):
                    return
    raise AssertionError(f"no witness passes without {name}")
