"""Witnesses of claims about flows that break one of the hypotheses that the claim keeps, sealed
again, are rejected; and verifiers that take a hypothesis without its proof accept some of them.
"""

from __future__ import annotations

import copy
import functools
import json
import math
import random
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import chain, islice

import numpy as np
import pytest

from ncfcheck.certify import Certificate, document, within
from ncfcheck.certify.mode_flows import parted
from ncfcheck.core.claims import registered
from ncfcheck.model.instance import Instance
from ncfcheck.model.ncf import Problem
from ncfcheck.model.networks import dense
from ncfcheck.properties.early import exact_controls
from ncfcheck.properties.early.exact_models import branch, leaving
from ncfcheck.properties.early.margins import delta_changing, set_aside
from ncfcheck.properties.early.tubes import rung, tube
from ncfcheck.properties.homogeneity.labels import mislabelled, relabelled
from ncfcheck.properties.kinks import exact
from ncfcheck.theory.early.training import log_forcing
from ncfcheck.theory.flow.trajectories import ncf_flow, time_reaches
from ncfcheck.theory.starts import unit
from ncfcheck.verifier import PROOFS, REFUTATIONS, Rejected, registry, verify
from ncfcheck.verifier.numbers import need
from tests.certify.test_certify_proofs import NEGATIVE, _proof
from tests.support.certified import edited, resealed, small, started, witness
from tests.support.planting import in_verifier, planted
from tests.support.through_kinks import BRANCHES, drawn, network_of

CHAPTERS = ("flow", "early", "early_controls", "early_models", "through_kinks", "kink_controls")
CLAIMS = {
    id: table
    for table in (REFUTATIONS, PROOFS)
    for id, claim in table.items()
    if claim.__module__.rsplit(".", 1)[-1] in CHAPTERS
}
# Of balances it is the formula that counts outgoing weights so: nothing in a file can break it.
KEPT = [
    (id, name)
    for id, table in CLAIMS.items()
    for name, check in table[id].keeps.items()
    if check.__name__ != "weighed"
]
EACH, FEW = 20, 2  # forged witnesses of every claim and hypothesis; of those in every run
FACTORS = [1.25**k for k in range(1, EACH + 1)]


def genuine(id: str) -> dict:
    """A witness that is accepted."""
    return witness(id) if CLAIMS[id] is REFUTATIONS else json.loads(_proof(id))


def reason(id: str, found: dict) -> str:
    """Why the verifier rejects a witness; empty if it does not."""
    try:
        verify(resealed(found), CLAIMS[id])
    except Rejected as why:
        return str(why)
    return ""


def weights(found: dict) -> list[float]:
    return [float.fromhex(each) for each in found["instance"]["start"]["array"]]


def rows(found: dict, name: str) -> list[list[float]]:
    array = found["instance"]["problem"][name]["array"]
    return [[float.fromhex(each) for each in row] for row in array]


def scaled(table: list[list[float]], factor: float) -> list[list[float]]:
    return [[factor * each for each in row] for row in table]


def biased(id: str) -> Iterator[dict]:
    """As many weights as with biases, one to EACH."""
    found = genuine(id)
    for count in range(1, EACH + 1):
        yield started(copy.deepcopy(found), *weights(found), *[0.1] * count)


def other_labels(id: str) -> Iterator[dict]:
    """Labels that nothing was trained on; of the opposite sign where more is proved for all."""
    found = genuine(id)
    for factor in FACTORS:
        yield edited(copy.deepcopy(found), y=scaled(rows(found, "y"), -factor))


def quadratic(id: str) -> Iterator[dict]:
    """Networks with D = 2."""
    found = genuine(id)
    for factor in FACTORS:
        other = edited(copy.deepcopy(found), X=scaled(rows(found, "X"), factor))
        inputs = other["instance"]["problem"]["network"]["widths"]["tuple"][0]
        _network(other, [inputs, 1, 1], [1], [1.0])
        yield started(other, *unit_of([1.0] * (inputs + 1)))


def cubic(id: str) -> Iterator[dict]:
    """Networks with D = 3."""
    found = genuine(id)
    widths = found["instance"]["problem"]["network"]["widths"]["tuple"]
    for k in range(EACH):
        other = copy.deepcopy(found)
        _network(other, widths, [2], [k / EACH])
        yield other


def along_kinks(id: str) -> Iterator[dict]:
    """Flows about a kink of the first sample that start along it, or up to it at no rate."""
    found = genuine(id)
    for factor in FACTORS:
        yield edited(copy.deepcopy(found), y=scaled(rows(found, "y"), -factor))


def kinked(id: str) -> Iterator[dict]:
    """The same network with p = 1 and a slope that is not 1."""
    found = genuine(id)
    network = found["instance"]["problem"]["network"]
    widths = network["widths"]["tuple"]
    for k in range(EACH):
        other = copy.deepcopy(found)
        _network(other, widths, [1] * (len(widths) - 2), [k / EACH] * (len(widths) - 2))
        yield other


def _network(found: dict, widths: list[int], powers: list[int], slopes: list[float]) -> None:
    network = found["instance"]["problem"]["network"]
    plain = {"type": "Pattern", "kind": "dense", "index": None}
    network["widths"] = {"tuple": widths}
    network["powers"] = {"tuple": powers}
    network["slopes"] = {"tuple": [{"float": each.hex()} for each in slopes]}
    network["patterns"] = {"tuple": [plain] * (len(widths) - 1)}


def unit_of(values: list[float]) -> list[float]:
    return [float(each) for each in unit(values)]


def longer(id: str) -> Iterator[dict]:
    """Starts that are no unit vectors."""
    found = genuine(id)
    for factor in FACTORS:
        other = copy.deepcopy(found)
        array = [(factor * each).hex() for each in weights(found)]
        other["instance"]["start"]["array"] = array
        yield other


def flat(id: str) -> Iterator[dict]:
    """N ≡ 0, so that N* = 0."""
    found = genuine(id)
    for factor in FACTORS:
        other = edited(copy.deepcopy(found), y=scaled(rows(found, "y"), 0.0))
        yield edited(other, X=scaled(rows(found, "X"), factor))


def elsewhere(id: str) -> Iterator[dict]:
    """Starts from which nothing is known of the flow."""
    found, rng = genuine(id), random.Random(id)
    for _ in range(EACH):
        yield started(copy.deepcopy(found), *unit_of([rng.gauss(0, 1) for _ in weights(found)]))


def unreached(id: str) -> Iterator[dict]:
    """Limits that are said to attract from further away, and every other one is not reached."""
    for k in range(EACH):
        found = genuine(id)
        data = found["certificate"]["data"]
        data["reach"] = (0.5 + 0.02 * k).hex()
        if k % 2:
            data["ncf"] = data["ncf"][: max(1, len(data["ncf"]) - k)]
        yield found


def undoubled(id: str) -> Iterator[dict]:
    """NCF flows that end before their norm is 2."""
    for k in range(EACH):
        found = genuine(id)
        data = found["certificate"]["data"]
        data["ncf"] = data["ncf"][: max(2, len(data["ncf"]) // 2 - k)]
        time = sum(float.fromhex(step["duration"]) for step in data["ncf"])
        data["crossing"] = [(0.5 * time).hex(), ((0.99 - k / 50) * time).hex()]
        yield found


def lighter(id: str) -> Iterator[dict]:
    """Neurons with ‖w_j‖² > p v_j², whose output weights change their signs."""
    found = genuine(id)
    for factor in FACTORS:
        v = weights(found)[-1]
        yield started(copy.deepcopy(found), *unit_of([4 * factor * abs(v), v]))


def turned(id: str) -> Iterator[dict]:
    """Labels of the opposite sign, and λ with them: the KKT point has N > 0."""
    for other in other_labels(id):
        for box in [each["box"] for each in (other["certificate"]["data"].get("limit"),) if each]:
            box["centre"] = list(box["centre"])
            place = len(box["centre"]) - 1 - len(box["generators"])
            box["centre"][place] = (-float.fromhex(box["centre"][place])).hex()
        yield other


def shared(id: str) -> Iterator[dict]:
    """Neurons that share all of their weights."""
    for factor in FACTORS:
        found = genuine(id)
        _network(found, [1, 2, 1], [2], [0.5])
        pattern = {"type": "Pattern", "kind": "shared", "index": {"array": [[0], [0]]}}
        pattern["index"] = {"tuple": [{"tuple": [0]}, {"tuple": [0]}]}
        found["instance"]["problem"]["network"]["patterns"]["tuple"][0] = pattern
        yield started(found, *unit_of([factor, 1.0, 1.0]))


def fainter(id: str) -> Iterator[dict]:
    """Labels so small that at the claim's δ the loss slows biases down; N times powers of two, so
    that the KKT point's box stays as it is.
    """
    for k in range(4, EACH + 4):
        found = genuine(id)
        found["certificate"]["data"]["limit"]["box"]["scale"] += k
        yield edited(found, y=scaled(rows(found, "y"), 0.5**k))


def larger(id: str) -> Iterator[dict]:
    """Loss flows that change the gradient by 2 to 40 % of its size, in their tubes, cut off ever
    earlier.
    """
    trained, found = trained_in(id), genuine(id)
    for change in (0.02, 0.05, 0.15, 0.4):
        other = copy.deepcopy(found)
        flows = flows_in(other["certificate"]["data"])
        for flow in flows:
            time = sum(float.fromhex(step["duration"]) for step in flow["loss"])
            delta = delta_of(trained, time, change) / (1 + (flow is flows[-1] and len(flows) > 1))
            flow |= rung(delta, tube(trained, delta, time))
        for share in (1.0, 0.95, 0.9, 0.85, 0.8):
            for flow in flows:
                flow["loss"] = flow["loss"][: math.ceil(share * len(flow["loss"]))]
            yield copy.deepcopy(other)


def unparted(id: str) -> Iterator[dict]:
    """Two solutions that are one, or too near each other."""
    for k in range(EACH):
        found = genuine(id)
        data = found["certificate"]["data"]
        names = ("first", "second") if k % 2 else ("second", "first")
        data[names[0]] = data[names[1]]
        other = copy.deepcopy(found)
        for name in names:
            last = other["certificate"]["data"][name][-1]
            last["ncf"] = last["ncf"][: 1 + k // 2]
        yield other


def flows_in(data: dict) -> list[dict]:
    """What has a δ that is to be small in a certificate."""
    return [data] * ("delta" in data) + data.get("rungs", []) + data.get("flows", [])[:1]


def delta_of(trained: Instance, time: float, change: float) -> float:
    """The δ whose loss changes the gradient by a share of it up to a time; a large one at rest."""
    if not trained.ncf.gradient(trained.start).any():
        return 0.4 + change
    flow = ncf_flow(trained.ncf, trained.start, trained.numerics, time_reaches(time))
    return delta_changing(trained, change, log_forcing(trained, flow))


def trained_in(id: str) -> Instance:
    """The instance whose loss flow a witness is about."""
    if CLAIMS[id] is PROOFS:
        return small(f"control.{'wrong_labels_collapse' if id in NEGATIVE else 'large_init'}")[1]
    instance = small(id)[1]
    match id.removeprefix("control."):
        case "wrong_target" | "wrong_labels_tracking":
            return mislabelled(instance)
        case "wrong_norm":
            return relabelled(instance, 10 * instance.problem.y)
        case "wrong_labels_collapse":
            return relabelled(instance, -instance.problem.y)
        case "kink_start" | "kink_start_tracking" | "branching_start" | "branching_start_tracking":
            return list(leaving(instance))[1]
        case "kink_collapse":
            return branch(instance, instance.start[instance.network.slices[0]], 1.0)
        case "initial_direction":
            return set_aside(instance)
    return instance


BREAKS = {
    "H homogeneous": biased,
    "ȳ of the data trained on": other_labels,
    "D > 2": quadratic,
    "∇H locally Lipschitz": kinked,
    "‖u(0)‖ = 1": longer,
    "N* > 0": flat,
    "N* ≤ 0": turned,
    "u* the limit of the NCF flow from v_0": unreached,
    "unshared layers": shared,
    "δ → 0": larger,
    "D = 2": cubic,
    "u̇ the subgradient of least norm": elsewhere,
    "kinks are met transversally": along_kinks,
}
TRACKING = ("large_init_tracking", "order", "wrong_labels_tracking", "kink_start_tracking")
TRACKING += ("branching_start_tracking",)
OWN = {(f"control.{id}", "N* > 0"): undoubled for id in TRACKING} | {
    ("control.no_escape", "u* the limit of the NCF flow from v_0"): lighter,
    ("control.no_escape", "δ → 0"): lighter,
    ("control.biases_early", "δ → 0"): fainter,
    ("control.biases_collapse", "δ → 0"): fainter,
    ("control.kink_collapse", "N* ≤ 0"): elsewhere,
    ("control.branching_departure", "δ → 0"): unparted,
}


def forged(id: str, name: str, count: int = EACH) -> Iterator[dict]:
    """Witnesses of a claim that break a hypothesis."""
    return islice(OWN.get((id, name), BREAKS[name])(id), count)


@pytest.mark.parametrize("id", CLAIMS)
def test_what_is_forged_is_made_of_what_is_accepted(id):
    assert not reason(id, genuine(id))


QUICK = ("control.wrong_norm", "control.positive_collapse", "early.direction_aligns")  # to enclose


@pytest.mark.parametrize("id, name", KEPT)
def test_a_witness_that_breaks_a_hypothesis_is_rejected(id, name):
    if name != "δ → 0" or id in QUICK:
        assert all(reason(id, found) for found in forged(id, name, FEW))


@pytest.mark.long
@pytest.mark.parametrize("id, name", KEPT)
def test_twenty_witnesses_that_break_a_hypothesis_are_rejected(id, name):
    found = list(forged(id, name))
    assert len(found) == EACH
    assert all(reason(id, each) for each in found)


@contextmanager
def taken_for_granted(check, patch):
    """Run with a proof that records its hypothesis whatever it finds: nothing that it, or what it
    calls, needs is needed.
    """
    within, answered = [], registry._answered

    def lenient(condition, reason):
        return None if within else need(condition, reason)

    def asked(each, *arguments, **named):
        granted = each is check.__wrapped__
        within.extend([check] * granted)
        try:
            return answered(each, *arguments, **named)
        finally:
            del within[len(within) - granted :]

    with patch.context() as patch:
        patch.setattr(registry, "_answered", asked)
        for name, module in list(sys.modules.items()):
            if name.startswith("ncfcheck.verifier.") and vars(module).get("need") is need:
                patch.setattr(module, "need", lenient)
        yield


PROVING = {check.__name__: check for id, t in CLAIMS.items() for check in t[id].keeps.values()}
# Nothing can break these alone: files have no biases, nor starts that are no unit vectors, the
# labels that they hold are the data's, of balances it is proved in tubes that they stay, and what
# meets a kink at no rate is no branch.
GIVEN = {"homogeneous", "true_labels", "unshared", "unit_start", "weighed", "transversal"}


def certified(id: str, instance: Instance, **shown) -> dict:
    """What the certifier says of an instance, no verifier asked, as if of one with other parts."""
    found = registered()[id].refute(instance)
    return document(registered()[id], replace(found.instance or instance, **shown), found)


def narrow(powers, slopes, start, label: float = 1.0) -> Instance:
    """One neuron a layer, one sample."""
    network = dense((1, *[1] * len(powers), 1), powers, slopes)
    problem = Problem(network, np.ones((1, 1)), np.full((1, 1), label))
    return Instance(problem, unit(np.array(start)))


def otherwise(name: str) -> Iterator[tuple[str, dict]]:
    """Witnesses that break one hypothesis so that nothing else of their proofs does not hold."""
    match name:
        case "lipschitz":
            yield certified("control.doubled_start", narrow((1, 1), (0.5, 0.5), (1.0, 1.0, 1.0)))
        case "order_above_two":
            yield certified("control.no_blowup", narrow((1,), (1.0,), (1.0, -1.0)))
        case "positive":
            found = certified("control.no_blowup", narrow((2,), (0.5,), (2**0.5, -1.0)))
            yield found | {"claim": "control.doubled_start"}
        case "followed":
            within(60)
            flow = {"ncf": parted(BRANCHES, 2.6, 2.0)[0].plain()}
            yield proved("kinks.monotone", BRANCHES, flow)
        case "grows":
            yield proved("kinks.blowup_bracket", SHRINKS, exact.changed(SHRINKS).data)
        case "order_two":
            yield proved("two_homogeneous.norm_bracket", RISES, exact.changed(RISES).data)


# Of order 3: the norm halves, N < 0; and N rises from below 0 by so much that r < e^{2N(v)t}.
SHRINKS = network_of((1, 1, 1, 1), (0.2, 0.2), [[1.0]], [1.0], [1.0, 0.8, -0.9])
RISES = drawn((2, 1, 1, 1), (0.2, 0.2), 24, 3)


def proved(id: str, instance: Instance, data: dict) -> dict:
    """What says that the conclusion is proved on an instance."""
    return json.loads(json.dumps(document(registered()[id], instance, Certificate("flow", data))))


CHEAP = {"doubling", "fading", "lipschitz", "order_above_two", "positive", "ray", "unit_start"}
CHEAP |= {"followed", "grows", "off_kinks", "order_two", "two_solutions"}
NAMES = [
    name if name in CHEAP else pytest.param(name, marks=pytest.mark.long)
    for name in sorted(PROVING.keys() - GIVEN)
]


@pytest.mark.parametrize("name", NAMES)
def test_a_verifier_that_takes_a_hypothesis_for_granted_is_caught(name, monkeypatch):
    check = PROVING[name]
    broken = (
        found
        for id, table in CLAIMS.items()
        for hypothesis, each in table[id].keeps.items()
        if each is check
        for found in forged(id, hypothesis, FEW)
    )
    for found in chain(otherwise(name), broken):
        assert reason(found["claim"], found)
        with taken_for_granted(check, monkeypatch):
            if not reason(found["claim"], found):
                return
    raise AssertionError("no forged witness needs it")


def faint(id: str, delta: float) -> dict:
    """A loss flow that changes the gradient of small labels by a third."""
    claim, instance = small(id)
    faint = replace(instance, problem=replace(instance.problem, y=instance.problem.y / 64))
    found = document(claim, faint, claim.refute(faint))
    trained = relabelled(faint, 10 * faint.problem.y) if id == "control.wrong_norm" else faint
    time = sum(float.fromhex(e["duration"]) for e in found["certificate"]["data"]["loss"])
    found["certificate"]["data"] |= rung(delta, tube(trained, delta, time))
    return found


LARGE = [
    ("large_init", "large"),
    ("large_init_escape", "delta_changing"),
    ("large_init_tracking", "max"),
    ("large_init_collapse", "max"),
]


@pytest.mark.parametrize("control, choice", LARGE)
def test_a_large_delta_is_the_instances(control, choice, monkeypatch):
    """Not one so large that from any v_0 the data are fitted at once, nor one that is small."""
    claim, instance = small(f"control.{control}")
    right = getattr(exact_controls, choice, max)
    monkeypatch.setattr("ncfcheck.verifier.witnesses.SECONDS", 120)
    for factor, told in ((1.05, "larger"), (0.95, "smaller")):
        other = functools.partial(lambda by, *given: by * right(*given), factor)
        monkeypatch.setattr(exact_controls, choice, other, raising=False)
        found = document(claim, instance, claim.refute(instance))
        why = reason(claim.id, found)
        assert f"δ is {told} than the instance's" in why or "δR_ε ≥ 3" in why


def other_epsilon() -> dict:
    """A window of another ε than the instance's."""
    instance = small("control.positive_collapse")[1]
    shown = instance.fraction
    return certified("control.positive_collapse", replace(instance, fraction=0.3), fraction=shown)


def as_delta_falls() -> dict:
    """A flow at a small δ in place of the limit as δ → 0."""
    found = witness("control.wrong_norm")
    data = found["certificate"]["data"]
    data["vanishing"] = {name: data[name] for name in ("delta", "loss")}
    return found


WEAKER = [
    (
        "loss_flows:small",
        "need_little(case, delta, tube, Y)",
        "pass",
        lambda: faint("control.positive_collapse", 0.15),
    ),
    ("loss_flows:followed", "need_epsilon(case, window)", "pass", other_epsilon),
    (
        "kkt_points:told",
        "need(away < bound",
        "need(True",
        lambda: next(elsewhere("control.no_blowup")),
    ),
    ("loss_flows:vanishing", "need(delta == 0", "need(True", as_delta_falls),
]


@pytest.mark.parametrize(
    "of, fragment, replacement, make",
    WEAKER,
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_verifier_that_leaves_out_a_condition_is_caught(
    of, fragment, replacement, make, monkeypatch
):
    found = make()
    assert reason(found["claim"], found)
    with planted(in_verifier(of, fragment, replacement, "left out"), monkeypatch):
        assert not reason(found["claim"], found)
