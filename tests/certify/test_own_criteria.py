"""Claims of the user's own: what their criteria prove, and what they do not."""

from __future__ import annotations

import copy
import functools
import json
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from ncfcheck.certify import Certificate, Undecided, certify, document, own
from ncfcheck.certify.certificate import NotProved, within
from ncfcheck.core import claim_files, stated
from ncfcheck.core.claims import Outcome, Place, forget, registered
from ncfcheck.strategies.draw import draw
from ncfcheck.verdicts.judging import examine
from ncfcheck.verdicts.tallies import Tally
from ncfcheck.verifier import PROOFS, REFUTATIONS, Rejected, verify
from ncfcheck.verifier import own as verifiers_own
from ncfcheck.verifier.criteria import PLACES
from ncfcheck.verifier.exact import Exact, descending
from ncfcheck.verifier.exact import Undecided as Unknown
from ncfcheck.verifier.numbers import Ball
from ncfcheck.verifier.own import criteria
from tests.support import ROOT
from tests.support.certified import is_caught, is_rejected, resealed, started
from tests.support.planting import Mutant

FALSE = ROOT / "docs" / "examples" / "proved.py"
TRUE = ROOT / "tests" / "support" / "true_claims.py"
MOST = 40  # weights of instances that are looked at


def claims_of(path: Path):
    """The claims of a file, which others do not see: they are about all that are registered."""
    module = claim_files.load(str(path))
    found = {id: registered()[id] for id in claim_files.ids(str(path))} or module.kept
    module.kept = found
    forget(module.__name__)
    return found


@functools.cache
def sealed_text(id: str) -> str:
    claim = claims_of(FALSE)[id]
    for instance in draw(claim.strategy(), 500, 1, simplest=False):
        if instance.network.size < MOST and claim.judge(instance)[0] is Outcome.VIOLATES:
            found = certify(claim, instance)
            assert isinstance(found, Certificate), found
            return json.dumps(document(claim, instance, found))
    raise AssertionError(f"no violation of {id}")


def sealed(id: str) -> dict:
    """A witness of a false claim of the documents' own, with its certificate."""
    return json.loads(sealed_text(id))


def reason(found: dict, path: Path = FALSE) -> str:
    """Why the verifier rejects a witness."""
    with pytest.raises(Rejected) as reason:
        verify(found, criteria(path))
    return str(reason.value)


@pytest.mark.parametrize("id", ["own.two_neurons", "own.gap", "own.half"])
def test_false_claims_of_ones_own_are_refuted_by_their_criteria(id):
    words = verify(sealed(id), criteria(FALSE))
    assert words.startswith("By a criterion of proved.py. At a strict local maximum with N > 0")
    assert "Not proved: that the criterion says what the claim does" in words


def test_without_the_file_the_verifier_says_which_one_is_needed():
    with pytest.raises(Rejected, match=r"stated in a file proved\.py: name it, by --claims"):
        verify(sealed("own.gap"))


def refused(id: str, path: Path, count: int, most: int = MOST) -> int:
    """How many times the verifier was asked about instances of a true claim; it never agrees."""
    claim, asked = claims_of(path)[id], 0
    criterion = own.criterion_of(claim)
    for instance in draw(claim.strategy(), count, 3, simplest=False):
        if instance.network.size > most:
            continue
        within(10)
        try:
            for found in own.certificates(claim, criterion, instance):
                asked += 1
                with pytest.raises(Rejected):
                    verify(document(claim, instance, found), {id: criterion})
        except NotProved:
            continue
        finally:
            within(float("inf"))
    return asked


@pytest.mark.parametrize("id", ["true.layers", "true.bound", "true.gap", "true.two"])
def test_true_claims_of_ones_own_are_never_refuted(id):
    assert refused(id, TRUE, 20, most=12) >= 1


@pytest.mark.long
@pytest.mark.parametrize("id", ["true.layers", "true.bound", "true.gap"])
def test_true_claims_are_never_refuted_on_a_thousand_instances(id):
    assert refused(id, TRUE, 1300) > 1000


def test_the_places_are_those_that_the_verifier_knows():
    assert [str(place) for place in Place] == list(PLACES) == list(own.CANDIDATES)


def test_a_criterion_that_says_something_else_than_the_claim_is_told(tmp_path):
    path = tmp_path / "mine.py"
    body = "\ndef f(m):\n    return [m.N]\n"
    path.write_text(HEAD + body + STATED.format(at="maximum", more=""), encoding="utf-8")
    claim = claims_of(path)["own.gap"]
    tally = Tally()
    for instance in draw(claim.strategy(), 30, 1, simplest=False):
        outcome, margin = examine(claim, instance, tally)
        if outcome is Outcome.ERROR:
            break
        tally = Tally()
    assert "its criterion `violated` is positive where the claim holds" in margin.note


# What is changed in a witness, its digest made to fit, is told from what was proved.

FORGED = {
    "another start": lambda found: started(
        found, *np.roll(np.array(list(map(float.fromhex, found["instance"]["start"]["array"]))), 1)
    ),
    "the start turned": lambda found: started(
        found, *(-float.fromhex(each) for each in found["instance"]["start"]["array"])
    ),
    "a larger reach": lambda found: _limit(found).update(reach=(0.9).hex()),
    "a smaller bound on curvature": lambda found: _limit(found)["curvature"].update(
        above=(float.fromhex(_limit(found)["curvature"]["above"]) - 0.1).hex()
    ),
    "a direction that is none": lambda found: _limit(found)["curvature"].update(along=[]),
    "the place of another criterion": lambda found: _criterion(found).update(at="start"),
    "another file's digest": lambda found: _criterion(found).update(sha256="0" * 64),
    "another claim of the file": lambda found: found.update(claim="own.half"),
    "a shipped claim": lambda found: found.update(claim="control.any_point"),
    "a label changed": lambda found: _flip(found["instance"]["problem"]["y"]["array"]),
    "no criterion": lambda found: found["certificate"]["data"].pop("criterion"),
}


def _limit(found):
    return found["certificate"]["data"]["limit"]


def _criterion(found):
    return found["certificate"]["data"]["criterion"]


def _flip(rows):
    rows[0] = [(-3 * float.fromhex(each)).hex() for each in rows[0]]


@pytest.mark.parametrize("what", FORGED)
def test_a_forged_witness_of_a_claim_of_ones_own_is_rejected(what):
    found = sealed("own.gap")
    FORGED[what](found)
    assert reason(resealed(found))


def test_a_witness_whose_digest_does_not_fit_is_rejected():
    found = sealed("own.gap")
    _criterion(found)["sha256"] = "0" * 64
    assert "not one of this claim and instance" in reason(found)


def test_the_curvature_lies_between_what_the_certificate_gives():
    given = sealed("own.gap")
    for name, change in (("above", 1.0), ("above", 0.01)):
        found = copy.deepcopy(given)
        number = float.fromhex(_limit(found)["curvature"][name]) + change
        _limit(found)["curvature"][name] = number.hex()
        assert verify(resealed(found), criteria(FALSE))  # a Rayleigh quotient proves the gap


HEAD = """\
import sys, math
import numpy as np
from fractions import Fraction
from ncfcheck import CONJECTURE, Margin, claim, instances, positive_limit

given = instances(outputs=1)
"""

STATED = """
@claim("own.gap", kind=CONJECTURE, reference="me", given=given, violated=f, at="{at}"{more})
def stated(instance):
    \"\"\"It holds.\"\"\"
    return Margin(1.0, 0.0)
"""


def asked(folder: Path, body: str, at: str = "maximum", more: str = "") -> str:
    """What the verifier says of the witness of own.gap by another criterion of that name."""
    path = folder / "mine.py"
    path.write_text(HEAD + body + STATED.format(at=at, more=more), encoding="utf-8")
    known = criteria(path)
    found = sealed("own.gap")
    _criterion(found).update(sha256=known["own.gap"].digest, at=at)
    return verify(resealed(found), known)


def test_a_criterion_is_asked_of_exact_numbers(tmp_path):
    body = """
def f(m):
    W = np.array(m.W[0], dtype=object)
    gram = W @ W.T
    values = [m.N, m.multiplier - m.N, 1.5 - sum(w * w for part in m.weights for w in part)]
    values += [1 - gram[0, 0], abs(m.N) + Fraction(1, 3), m.N ** 2 / 2, 1 / m.N, m.order * m.N]
    inner = sum(g * w for a, b in zip(m.gradient, m.weights) for g, w in zip(a, b))
    values += [inner - m.N, m.outputs[0][0] * 0 + 1, m.X[0][0] * 0 + 1, m.y[0][0] * 0 + 1]
    return values + [1e-9 - abs(inner - m.order * m.N), m.slopes[0] + 2, -m.curvature]
"""
    assert "all of f(…) is positive" in asked(tmp_path, body)


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("return []", "mine.py:8: it returns exact numbers, all positive where the claim fails"),
        ("return None", "not NoneType"),
        ("return True", "not bool"),
        ("return [1.0]", "not float, made of no point"),
        ("return [m.N, 1]", "not int, made of no point"),
        ("yield m.N", "not generator"),
        ("return [m.N - m.N]", "mine.py:8: quantity 0 is not proved to be positive"),
        ("return {'N is large': m.N * 0}", "“N is large” is not proved to be positive"),
        ("return [float(m.N)]", "mine.py:9: TypeError"),
        ("return [math.sqrt(m.N)]", "mine.py:9: TypeError"),
        ("return [m.N] if m.N == 0 else [m.N]", "not compared by == or !="),
        ("return [m.N] if m.N else []", "an exact number is no condition"),
        ("return [m.N] if m.N > m.N else [m.N]", "too near to each other"),
        ("return [m.N] if not (m.N > m.N) else []", "too near to each other"),
        ("return [m.N / (m.N - m.N)]", "mine.py:9: division by an interval that contains 0"),
        ("m.N = 1; return [m.N]", "a criterion changes nothing: not N"),
        ("m.N._within = 1; return [m.N]", "exact numbers do not change"),
        ("print('accepted'); return [m.N]", "it prints"),
        ("sys.exit(0)", "mine.py:9: SystemExit"),
        ("return [m.nothing]", "no attribute 'nothing'"),
        ("return {m.N: m.N}", "unhashable"),
        ("return [m.multiplier] * 2000", "not 2000 of them"),
    ],
)
def test_a_wrong_criterion_is_told_by_file_and_line(tmp_path, body, told):
    with pytest.raises(Rejected) as reason:
        asked(tmp_path, f"\ndef f(m):\n    {body}\n")
    assert told in str(reason.value)


def test_a_criterion_that_never_ends_is_out_of_time(tmp_path, monkeypatch):
    monkeypatch.setattr("ncfcheck.verifier.witnesses.SECONDS", 0.5)
    with pytest.raises(Rejected, match="time is up"):
        asked(tmp_path, "\ndef f(m):\n    while True:\n        pass\n")


def test_hypotheses_that_no_quantity_proves_are_told(tmp_path):
    more = ", hypotheses=('N > 0', 'v_0 is generic')"
    told = asked(tmp_path, "\ndef f(m):\n    return {'N > 0': m.N}\n", more=more)
    assert told.endswith("“v_0 is generic”.") and "Proved: “N > 0”." in told
    assert "“N > 0”" not in told.split("Not proved: ")[1]


GUARDS = {
    "a helper of the program's": ("require(m.order > 9)", ""),
    "what a condition is of": ("if limit: pass", "limit = ncfcheck.limit"),
    "what is compared": ("if limit == 3: return []", "limit = ncfcheck.limit"),
    "a comparison": ("if m.order < limit: return []", "limit = ncfcheck.limit"),
    "what is found in it": ("if m.order in limit: return []", "limit = ncfcheck.limit"),
    "what is gone through": ("for each in limit: return []", "limit = ncfcheck.limit"),
    "an attribute": ("ncfcheck.limit", ""),
    "one that may be missing": ("if hasattr(require, '__wrapped__'): return []", ""),
    "what is imported there": ("from ncfcheck.core.errors import CannotRun", ""),
    "a kind": ("if isinstance(m, ncfcheck.core): return []", ""),
    "its words": ("if 'x' in str(limit): return []", "limit = ncfcheck.limit"),
    "what is reckoned with": ("m.N + limit", "limit = ncfcheck.limit"),
}


@pytest.mark.parametrize("caught", [False, True], ids=["", "caught"])
@pytest.mark.parametrize("what", GUARDS)
def test_nothing_of_the_program_guards_a_criterion(tmp_path, what, caught):
    guard, before = GUARDS[what]
    if caught:
        guard = f"try:\n        {guard}\n    except Exception:\n        pass"
    head = "import ncfcheck\nfrom ncfcheck.strategies.promises import require\n"
    with pytest.raises(Rejected, match=r"mine\.py:\d+: it uses something of ncfcheck") as reason:
        asked(tmp_path, f"{head}{before}\ndef f(m):\n    {guard}\n    return m.N\n")
    assert "mine.py:8:" not in str(reason.value)


def test_no_condition_of_a_file_is_on_what_stands_for_the_program(tmp_path):
    with pytest.raises(ImportError, match=r"mine\.py:7: a condition on something of ncfcheck"):
        asked(tmp_path, "if instances.strict:\n    pass\ndef f(m):\n    return m.N\n")


@pytest.mark.parametrize(
    ("question", "told"),
    [
        ("m.N > m.N", "too near to each other"),
        ("m.N / (m.N - m.N)", "division by an interval that contains 0"),
        ("m.N == 0", "not compared by == or !="),
        ("bool(m.N)", "an exact number is no condition"),
    ],
)
@pytest.mark.parametrize("caught", ["except Exception:", "except BaseException:", "finally:"])
def test_what_intervals_do_not_decide_is_not_undone_by_catching_it(
    tmp_path, question, told, caught
):
    body = f"\ndef f(m):\n    try:\n        {question}\n    {caught}\n        return [m.N]\n"
    with pytest.raises(Rejected, match=r"mine\.py:10: ") as reason:
        asked(tmp_path, body)
    assert told in str(reason.value)


def test_time_that_is_up_is_not_undone_by_catching_it(tmp_path, monkeypatch):
    monkeypatch.setattr("ncfcheck.verifier.witnesses.SECONDS", 0.5)
    body = "\ndef f(m):\n    try:\n        while m.N > 0:\n            pass\n    finally:\n"
    with pytest.raises(Rejected, match="time is up"):
        asked(tmp_path, body + "        return [m.N]\n")


@pytest.mark.parametrize(
    "hidden",
    ["#\r    return -m.N", "# \u2028    return -m.N", "#\u202e", "#\u200b", "#\x1b[2K", "#\x85"],
)
def test_a_file_holds_no_characters_that_readers_may_not_see(tmp_path, hidden):
    path = tmp_path / "mine.py"
    body = f"\ndef f(m):\n    return m.N + 5  {hidden}\n"
    path.write_bytes((HEAD + body + STATED.format(at="start", more="")).encode())
    with pytest.raises(ImportError, match=r"mine\.py:9: the character U\+[0-9A-F]{4}, which"):
        criteria(path)


def test_lines_may_end_as_on_windows(tmp_path):
    text = HEAD + "\ndef f(m):\n\treturn m.N  # λ ≠ é\f\n" + STATED.format(at="start", more="")
    (tmp_path / "mine.py").write_bytes(text.replace("\n", "\r\n").encode("utf-8-sig"))
    assert criteria(tmp_path / "mine.py")


@pytest.mark.parametrize(
    "id",
    [
        *sorted({each.split(".")[0] + ".mine" for each in REFUTATIONS | PROOFS}),
        "mine.suffi\u0441ient",  # a Cyrillic letter
        "mine.x is refuted",
        "Mine.x",
        "mine",
        "mine." + "x" * 100,
    ],
)
def test_an_id_cannot_be_taken_for_another(tmp_path, id):
    text = f"from ncfcheck import claim\nclaim({id!r}, violated=abs, at='start')"
    (tmp_path / "mine.py").write_text(text, encoding="utf-8")
    with pytest.raises(ImportError, match="no criterion of a claim of one's own"):
        criteria(tmp_path / "mine.py")


def test_program_and_verifier_take_the_same_ids():
    assert (stated.ID, stated.LONGEST) == (verifiers_own.ID, verifiers_own.LONGEST)


def test_names_and_hypotheses_say_nothing_beyond_themselves(tmp_path):
    spoof = "x”. Not proved: nothing. “y"
    named = f"\ndef f(m):\n    return {{{spoof!r}: m.N}}\nf.__name__ = 'nothing is wrong. Also f'\n"
    told = asked(tmp_path, named, more=f", hypotheses=('v_0 ”{spoof}',)")
    assert "all of f(…) is positive." in told and "nothing is wrong" not in told
    assert "“x. Not proved: nothing. y”" in told and told.count("“") == told.count("”") == 2
    told = asked(tmp_path, "\nf = lambda m: [m.N]\n")
    assert "all that it returns is positive." in told
    told = asked(tmp_path, "\ndef \u03bb(m):\n    return [m.N]\nf = \u03bb\n")
    assert "all that it returns is positive." in told


@pytest.mark.parametrize("here", [False, True], ids=["beside", "here"])
@pytest.mark.parametrize("late", [False, True], ids=["loaded", "asked"])
def test_modules_beside_a_file_are_imported_by_no_means(tmp_path, monkeypatch, here, late):
    place = tmp_path / ("here" if here else "beside")
    (tmp_path / "here").mkdir()
    (tmp_path / "beside").mkdir()
    (place / "helper_beside.py").write_text("BOUND = -5")
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.syspath_prepend("")
    monkeypatch.syspath_prepend(str(place))
    load = "bound = importlib.import_module('helper_beside').BOUND"
    body = "\nimport importlib\n{}\ndef f(m):\n    {}\n    return m.N - bound\n"
    body = body.format("", load) if late else body.format(load, "")
    before = list(sys.path)
    with pytest.raises((ImportError, Rejected), match="ModuleNotFoundError"):
        asked(tmp_path / "beside", body)
    assert sys.path == before


def test_two_maxima_are_two(tmp_path):
    found, known = sealed("own.half"), criteria(FALSE)
    other = found["certificate"]["data"]["other"]
    assert verify(found, known)
    found["certificate"]["data"]["other"] = copy.deepcopy(_limit(found))
    assert "both may be one maximum" in reason(resealed(found))
    assert other != _limit(found)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("1 / 0", "mine.py:1: ZeroDivisionError"),
        ("def", "mine.py:1: SyntaxError"),
        ("import beside", "mine.py:1: ImportError: a criterion stands in one file"),
        ("from beside import x", "it imports beside from beside it"),
        ("x = 1", "states no claim with a criterion"),
        ("raise SystemExit", "mine.py:1: SystemExit"),
        (
            "from ncfcheck import claim\nclaim('control.any_point', violated=abs, at='start')",
            "mine.py:2: ValueError: no criterion of a claim of one's own: control.any_point",
        ),
        ("from ncfcheck import claim\nclaim('own.x', violated=abs, at='there')", "own.x"),
    ],
)
def test_a_file_that_states_no_criterion_is_told(tmp_path, text, told):
    (tmp_path / "beside.py").write_text("x = 1")
    (tmp_path / "mine.py").write_text(text)
    with pytest.raises(ImportError) as reason:
        criteria(tmp_path / "mine.py")
    assert told in str(reason.value)


def test_files_that_use_all_of_the_program_are_read_without_it(tmp_path):
    (tmp_path / "mine.py").write_text(
        HEAD
        + """
import ncfcheck
import ncfcheck.core.claims as inner
from dataclasses import dataclass, replace
from ncfcheck import Instance, composite, unit

@dataclass(frozen=True)
class Mine(Instance):
    extra: float | None = None

@composite
def drawn(draw, data):
    return Mine(draw.integer(1, 2))

given = (instances(powers=(2,)) | ncfcheck.given(drawn)()).assuming(lambda x: x)
half = unit(given)[0] * 2 + 1

if __name__ == "__main__":
    raise SystemExit

def f(point):
    return [point.N]
"""
        + STATED.format(at="start", more="")
    )
    assert list(criteria(tmp_path / "mine.py")) == ["own.gap"]


def test_a_start_that_the_strategy_could_not_draw_is_no_instance_of_the_claim():
    claim = claims_of(FALSE)["own.gap"]
    strange = copy.copy(claim)
    object.__setattr__(strange, "given", claim.given.assuming(lambda each: len(each.seeds) > 99))
    instance = next(
        each
        for each in draw(claim.strategy(), 50, 1, simplest=False)
        if claim.judge(each)[0] is Outcome.VIOLATES
    )
    found = certify(strange, instance)
    assert isinstance(found, Undecided) and "not fulfilled" in found.reason


# Exact numbers.


def ball(low: float, high: float) -> Exact:
    return Exact(Ball(int(low * 8), int(high * 8), -3))


def test_comparisons_are_answered_where_intervals_prove_them():
    one, two, wide = ball(1, 1.5), ball(2, 3), ball(1.25, 2.5)
    assert two > one and one < two and one <= two and not one > two and not two <= one
    assert two > 1.75 and Fraction(7, 4) < two and not two < 1
    for compared in (lambda: one > wide, lambda: wide > one, lambda: one <= wide, lambda: one > 1):
        with pytest.raises(Unknown):
            compared()
    assert one >= 1


def test_the_largest_numbers_need_not_be_told_apart():
    first, second, third = descending([ball(1, 2), ball(4, 5), ball(1.5, 4.5)])
    assert repr(first) == "4.5 ± 5e-01" and repr(second) == "3 ± 2e+00"
    assert repr(third) == "1.5 ± 5e-01"
    with pytest.raises(TypeError):
        descending(["1"])


def test_powers_are_those_of_every_number_within():
    assert repr(ball(-1, 1) ** 2) == "0.5 ± 5e-01" and repr(ball(-1, 1) ** 3) == "0 ± 1e+00"
    assert ball(2, 2) ** 0 >= 1
    for exponent in (-1, 0.5, 10**6):
        with pytest.raises(TypeError):
            ball(1, 1) ** exponent


def test_shipped_refutations_are_no_claims_of_ones_own():
    assert not {"own.gap"} & REFUTATIONS.keys()


# Mistakes planted in what the verifier asks of criteria.


def refuses(folder: Path, body: str, changes: dict | None = None) -> bool:
    """Whether a criterion proves nothing at the maximum of own.gap, its curvature's bounds changed;
    it is rejected for what it says, not for its form.
    """
    path = folder / "mine.py"
    path.write_text(HEAD + body + STATED.format(at="maximum", more=""), encoding="utf-8")
    found, known = sealed("own.gap"), criteria(path)
    _criterion(found).update(sha256=known["own.gap"].digest)
    _limit(found)["curvature"].update(changes or {})
    return is_rejected(resealed(found), known, seal=False)


def returning(words: str) -> str:
    return f"\ndef f(m):\n    return {words}\n"


def steeper(folder: Path) -> bool:
    """Whether a bound below the curvature is no proof, whatever direction comes with it."""
    given = _limit(sealed("own.gap"))["curvature"]
    below, directions = float.fromhex(given["above"]) - 0.02, np.eye(len(given["along"]))
    body = returning(f"[{below + 0.01} - m.curvature]")
    forged = [
        {"above": below.hex(), "along": [each.hex() for each in direction]}
        for direction in directions
    ]
    return all(refuses(folder, body, each) for each in forged)


def flatter(folder: Path) -> bool:
    """Whether a loose bound, and the point itself for a direction, do not prove flatness."""
    loose = {"above": (10.0).hex()}
    radial = _limit(sealed("own.gap"))["box"]["centre"]
    radial = radial[: len(_limit(sealed("own.gap"))["curvature"]["along"])]
    body = returning("[m.curvature + 0.25]")
    return refuses(folder, body, loose) and refuses(folder, body, loose | {"along": radial})


def forged(what: str) -> bool:
    FORGED[what](found := sealed("own.gap"))
    return is_rejected(found, criteria(FALSE))


CHECKS = (
    lambda folder: test_the_largest_numbers_need_not_be_told_apart(),
    lambda folder: test_comparisons_are_answered_where_intervals_prove_them(),
    lambda folder: test_powers_are_those_of_every_number_within(),
    *(
        lambda folder, words=words: refuses(folder, returning(words))
        for words in ("[]", "[m.N - m.N]", "[m.N] if m.N >= m.N else [m.N]", "{'x': m.N * 0}")
    ),
    flatter,
    steeper,
    *(lambda folder, what=what: forged(what) for what in FORGED),
)
OWN, EXACT, PLACE, POINT = (
    f"ncfcheck.verifier.{name}" for name in ("own:Own", "exact", "criteria", "kkt_points")
)
MISTAKES = (
    (f"{OWN}.__call__", 'given["sha256"] == self.digest', "True", "any version of the file"),
    (f"{OWN}.__call__", 'given["at"] == self.at', "True", "any place"),
    (f"{OWN}._proved", "0 < len(found)", "0 <= len(found)", "no quantity"),
    (f"{OWN}._proved", "is_positive(each)", "True", "quantities that are not looked at"),
    (f"{EXACT}:is_positive", "within.lo > 0", "within.hi >= 0", "what may be positive"),
    (f"{EXACT}:_decided", "difference.lo > 0", "difference.hi > 0", "what may be larger"),
    (f"{EXACT}:descending", "Ball(each.lo, None", "Ball(each.hi, None", "upper ends only"),
    (f"{EXACT}:Exact.__pow__", "max(square.lo, 0)", "max(square.hi, 0)", "the largest square"),
    (
        f"{PLACE}:KktPlace.curvature",
        "is_below(hessian(), bound, theta, 4 * small.order * size + abs(bound))",
        "True",
        "an upper bound that is not checked",
    ),
    (f"{POINT}:rayleigh", "/ dot(v, v) - multiplier)", "/ dot(v, v))", "λ left out"),
    (f"{POINT}:rayleigh", "a - share * t", "a", "a direction that is not tangential"),
)


def test_checks_of_the_verifier_pass_without_a_mistake(tmp_path):
    assert [k for k, check in enumerate(CHECKS) if check(tmp_path) is False] == []


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda each: f"{each[0]}: {each[-1]}")
def test_a_mistake_planted_in_what_is_asked_of_criteria_is_caught(mistake, tmp_path, monkeypatch):
    checks = [functools.partial(check, tmp_path) for check in CHECKS]
    sealed("own.gap")
    assert is_caught(Mutant(*mistake, ()), checks, monkeypatch)
