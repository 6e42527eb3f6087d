"""`ncfcheck replay`, and what `check` does with stored witnesses and what it finds."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ncfcheck import certify as certifying
from ncfcheck.core import loading
from ncfcheck.core.claims import Margin, Outcome, registered
from ncfcheck.run.batches import Batch, check_batch, with_witnesses
from ncfcheck.run.counterexamples import is_worth_keeping, replay_stored
from ncfcheck.run.counterexamples import stored as stored_witnesses
from ncfcheck.verdicts import witness
from ncfcheck.verdicts.judging import examine
from ncfcheck.verdicts.tallies import Tally
from tests.support import ROOT

COMMITTED = ROOT / "reports" / "counterexamples"


def stored(id: str, instance, folder=witness.FOLDER) -> str:
    claim = registered()[id]
    return str(witness.store(witness.witness_of(claim, instance, Margin(-1.0, 0.5)), folder))


def test_a_witness_that_still_violates_gives_exit_code_1(command):
    path = stored("toy.refutable", 950_000)
    code, out, err = command("replay", path)
    assert (code, err) == (1, "")
    assert out.splitlines()[0] == "toy.refutable (theorem): [red]A number[/red] is below 900000."
    assert "  instance = 950000" in out
    assert out.splitlines()[-1] == f"{path}: still violates toy.refutable: margin -5e+04 ± 0.5"


@pytest.mark.parametrize(
    ("id", "instance", "words"),
    [
        ("toy.refutable", 3, "it holds (margin +9e+05 ± 0.5)"),
        ("toy.picky", 3, "it does not apply (not a multiple of 4)"),
        ("toy.picky", 32, "it cannot be decided (a multiple of 32)"),
    ],
)
def test_one_that_no_longer_does_gives_exit_code_0(command, id, instance, words):
    path = stored(id, instance)
    assert command("replay", "--quiet", path) == (
        0,
        f"{path}: no longer violates {id}: {words}\n",
        "",
    )


def test_one_that_cannot_be_run_gives_exit_code_2_and_one_line(command):
    path = stored("toy.buggy", 3)
    code, out, err = command("replay", path)
    assert (code, out) == (2, "")
    assert err == f"ncfcheck: {path}: cannot run: ZeroDivisionError: division by zero\n"
    Path("broken.json").write_text("{")
    code, out, err = command("replay", "broken.json")
    assert (code, out, len(err.splitlines())) == (2, "", 1)
    assert "broken.json is not a witness" in err and "Traceback" not in err
    assert command("replay", "none.json")[0] == command("replay")[0] == 2


def test_the_gravest_of_several_witnesses_decides(command):
    bad, good = stored("toy.refutable", 950_000), stored("toy.picky", 3)
    assert command("replay", good, good)[0] == 0
    code, out, _ = command("replay", "--quiet", good, bad)
    assert code == 1 and len(out.splitlines()) == 2
    assert command("replay", good, "none.json", bad)[0] == 2


def test_check_shrinks_and_stores_what_refutes_a_theorem_but_not_a_control(command):
    code, out, _ = command("check", "toy.refutable", "toy.false", "--examples", 100)
    assert code == 1
    assert [path.name for path in Path("reports/counterexamples").iterdir()] == [
        "toy.refutable.json"
    ]
    found = witness.read("reports/counterexamples/toy.refutable.json")
    assert found.instance == 900_001 and found.worst.instance > 900_001 and found.seed == 0
    assert (
        "smallest counterexample: ncfcheck replay reports/counterexamples/toy.refutable.json" in out
    )


def test_the_same_run_stores_the_same_witness_whatever_the_workers(command):
    command("check", "toy.refutable", "--examples", 120)
    first = Path("reports/counterexamples/toy.refutable.json").read_bytes()
    Path("reports/counterexamples/toy.refutable.json").unlink()
    command("check", "toy.refutable", "--examples", 120, "--workers", 2)
    assert Path("reports/counterexamples/toy.refutable.json").read_bytes() == first


def test_a_stored_witness_decides_the_verdict_and_is_not_among_the_instances(command):
    stored("toy.refutable", 999_999)
    code, _, _ = command(
        *("check", "toy.refutable", "--examples", 5, "--seed", 1),
        *("--json", "a.json"),
    )
    row = json.loads(Path("a.json").read_text())["claims"][0]
    assert code == 1 and (row["instances"], row["violates"], row["confirmed"]) == (5, 0, 1)
    assert (row["replayed"], row["worst_margin"]) == (1, -99_999.0)
    # What was drawn says nothing about how often: 0 of 5.
    assert row["bound95"] == pytest.approx(1 - 0.05 ** (1 / 5))
    assert len(list(Path("reports/counterexamples").iterdir())) == 1


def test_draws_do_not_depend_on_stored_witnesses(command):
    def worst():
        command("check", "toy.seed", "--examples", 30, "--json", "a.json")
        return json.loads(Path("a.json").read_text())["claims"][0]["worst_margin"]

    before = worst()
    stored("toy.seed", (10**6, 0.5, []))
    assert worst() == before


def test_a_broken_witness_in_the_folder_is_told_and_not_counted(command):
    path = Path(stored("toy.true", 5))
    path.write_text("{}")
    code, out, _ = command("check", "toy.true", "--examples", 5)
    assert code == 0 and f"    not replayed: {path} is not a witness: " in out
    assert "1 claim, 5 instances" in out


def test_a_folder_that_cannot_be_written_costs_no_result(command):
    Path("reports").mkdir()
    Path("reports/counterexamples").write_text("a file")
    code, out, _ = command("check", "toy.refutable", "--examples", 100)
    assert code == 1 and "potential" in out and "smallest counterexample" not in out


def test_controls_and_claims_with_a_witness_are_not_stored_again(toys):
    from tests.support import toy_claims

    for id, worth in [("toy.refutable", True), ("toy.false", False)]:
        claim, tally = registered()[id], Tally()
        instance = 999_999 if worth else toy_claims.Toy(999_999)
        examine(claim, instance, tally)
        assert tally.confirmed == 1 and is_worth_keeping(claim, tally) is worth
        tally.replayed[Outcome.VIOLATES] += 1
        assert not is_worth_keeping(claim, tally)


def test_replays_of_a_claim_leave_witnesses_of_others_alone(toys, tmp_path):
    stored("toy.refutable", 999_999, tmp_path)
    tally = Tally()
    replay_stored(registered()["toy.true"], tally, stored_witnesses("toy.true", tmp_path))
    assert tally == Tally()


@pytest.mark.parametrize(
    ("index", "folder", "tried"),
    [(0, COMMITTED, True), (1, COMMITTED, False), (1, Path("empty"), True)],
)
def test_a_proof_is_looked_for_only_where_no_stored_witness_has_one(
    index, folder, tried, monkeypatch
):
    """By the batch that replays it all the same: its proof must still be found."""
    loading.load_claims()
    seen, certify = [], certifying.certify
    monkeypatch.setattr(
        certifying, "certify", lambda *arguments: seen.append(arguments) or certify(*arguments)
    )
    [batch] = with_witnesses([Batch(("control.negative_factor",), index, 5)], folder)
    tally = check_batch(batch, seed=0).tallies["control.negative_factor"]
    assert tally.confirmed and bool(seen) is tried is bool(tally.certified)
