"""A committed run as baseline: what is a regression and what is noise, and the options that compare
and update.
"""

import json
import math
import random

import msgspec
import pytest
from msgspec.structs import replace

from ncfcheck.core import claims
from ncfcheck.core.claims import Kind, Verdict
from ncfcheck.verdicts import baseline
from ncfcheck.verdicts.baseline import (
    BadBaseline,
    ClaimBaseline,
    ceiling,
    encode,
    quantiles,
    read,
    save,
    updated,
)
from ncfcheck.verdicts.regressions import NOISE, compare, moved
from tests.report.test_writers import GOOD, report


def result(id="area.good", **changes):
    margins = tuple(sorted((math.exp(random.Random(i).gauss(0, 1)), 1e-9) for i in range(200)))
    fields = {
        "coverage": {"D": {"3": 150, "15": 50}, "data": {"fan": 60, "sphere": 140}},
        "margins": margins,
    }
    return replace(GOOD, id=id, **(fields | changes))


def told(*results, examples=200, seed=3):
    return report(*results, examples=examples, seed=seed)


BEFORE = told(result())
OLD = updated(None, BEFORE)


def lines(*results, old=OLD, gone=(), **options):
    return [str(each) for each in compare(old, told(*results, **options), gone)]


def old_of(**changes):
    return updated(None, told(result(**changes)))


def test_nothing_changed_is_no_regression():
    assert lines(result()) == []


@pytest.mark.parametrize(
    "kind, old, new, what",
    [
        (Kind.THEOREM, Verdict.NOT_REFUTED, Verdict.POTENTIAL, "new refutation"),
        (Kind.THEOREM, Verdict.UNRESOLVED, Verdict.REFUTED, "new refutation"),
        (Kind.THEOREM, Verdict.NOT_REFUTED, Verdict.UNRESOLVED, "theorem became unresolved"),
        (Kind.CONTROL, Verdict.POTENTIAL, Verdict.NOT_REFUTED, "control no longer violated"),
        (Kind.CONTROL, Verdict.REFUTED, Verdict.POTENTIAL, "certificate lost"),
        (Kind.CONTROL, Verdict.POTENTIAL, Verdict.REFUTED, None),
        (
            Kind.CONJECTURE,
            Verdict.NOT_REFUTED,
            Verdict.POTENTIAL,
            "verdict of a conjecture changed",
        ),
        (
            Kind.CONJECTURE,
            Verdict.POTENTIAL,
            Verdict.NOT_REFUTED,
            "verdict of a conjecture changed",
        ),
        (Kind.THEOREM, Verdict.POTENTIAL, Verdict.NOT_REFUTED, None),
    ],
)
def test_changes_of_verdict(kind, old, new, what):
    found = lines(result(kind=kind, verdict=new), old=old_of(kind=kind, verdict=old))
    assert found == ([f"area.good: {what}: {old} → {new}"] if what else [])


def test_unresolved_instances_count_when_they_are_more_than_the_ceiling_and_chance_explain():
    assert OLD.claims["area.good"].ceiling == 0.06
    assert lines(result(unresolved=14)) == []
    assert lines(result(unresolved=30)) == [
        "area.good: unresolved share above its ceiling of 6%: 2 of 200 → 30 of 200"
    ]
    assert (
        lines(result(kind=Kind.CONJECTURE, unresolved=30), old=old_of(kind=Kind.CONJECTURE)) == []
    )


def test_ceilings_are_whole_per_cents_and_kept_when_set_by_hand():
    assert (ceiling(0, 200), ceiling(20, 200), ceiling(5, 5)) == (0.02, 0.19, 1.0)
    by_hand = msgspec.structs.replace(
        OLD, claims={"area.good": msgspec.structs.replace(OLD.claims["area.good"], ceiling=0.3)}
    )
    assert updated(by_hand, BEFORE).claims["area.good"].ceiling == 0.3
    assert updated(by_hand, told(result(unresolved=100))).claims["area.good"].ceiling == 0.62


def test_fewer_instances_are_named():
    assert lines(result(instances=150))[0] == "area.good: instances lost: 200 → 150"
    assert lines(result(instances=195)) == []
    assert lines(result(instances=100), examples=100) == ["run: instances per claim: 200 → 100"]


def test_missing_and_new_claims_are_named():
    assert lines(gone=("area.good",)) == [
        "area.good: claim missing, its entry is stale: theorem → no such claim"
    ]
    assert lines(result(), result("area.new")) == [
        "area.new: claim new: not in the baseline → theorem"
    ]
    assert lines(result(kind=Kind.CONJECTURE)) == ["area.good: kind: theorem → conjecture"]


def test_a_family_that_is_no_longer_drawn_is_named_once_for_the_run():
    lost = {"D": {"3": 150, "15": 50}, "data": {"sphere": 200}}
    old = updated(None, told(result(), result("area.other")))
    assert lines(result(coverage=lost), result("area.other", coverage=lost), old=old) == [
        "run: coverage lost, data fan: 120 of 400 → 0 of 400"
    ]
    few = {"D": {"3": 150, "15": 50}, "data": {"sphere": 150, "fan": 50}}
    assert lines(result(coverage=few), result("area.other"), old=old) == []


def test_coverage_lost_in_one_claim_of_many_is_named_there():
    ids = ["area.good", *(f"area.other{i}" for i in range(30))]
    old = updated(None, told(*(result(id) for id in ids)))
    lost = result(coverage={"D": {"3": 150, "15": 50}, "data": {"sphere": 200}})
    assert lines(lost, *(result(id) for id in ids[1:]), old=old) == [
        "area.good: coverage lost, data fan: 60 of 200 → 0 of 200"
    ]


def test_margins_and_error_bounds_that_moved_are_named_with_their_medians():
    values = [value for value, _ in result().margins]
    shifted = tuple((value / 50, 1e-9) for value in values)
    [line] = lines(result(margins=shifted))
    assert line.startswith("area.good: margins fell (two-sample test, p = ") and line.endswith(
        "; median: 1.03 → 0.0206"
    )
    [line] = lines(result(margins=tuple((value, 1e-5) for value in values)))
    assert line.startswith("area.good: error bounds rose") and line.endswith(
        "median: 1e-09 → 1e-05"
    )


def test_another_seed_moves_nothing():
    for seed in range(20):
        fresh = random.Random(seed)
        margins = tuple(
            sorted(
                (math.exp(fresh.gauss(0, 1)), 1e-9 * math.exp(fresh.gauss(0, 1)))
                for _ in range(200)
            )
        )
        spread = updated(None, told(result(margins=margins)))
        other = tuple(
            sorted(
                (math.exp(fresh.gauss(0, 1)), 1e-9 * math.exp(fresh.gauss(0, 1)))
                for _ in range(200)
            )
        )
        assert lines(result(margins=other), old=spread) == []


def test_rounding_in_margins_that_are_all_alike_moves_nothing():
    alike = tuple((1.0, 1e-9) for _ in range(200))
    rounded = tuple((1.0 - 1e-13, 1.001e-9) for _ in range(200))
    assert lines(result(margins=rounded), old=old_of(margins=alike)) == []
    assert (
        moved([1.0] * 30, [0.9] * 30, NOISE)[0] == "fell"
        and moved([-1.0] * 30, [-0.9] * 30, NOISE)[0] == "rose"
    )


def test_quantiles_are_few_and_keep_both_ends():
    assert quantiles([3.0, 1.0, 2.0]) == [1.0, 2.0, 3.0]
    many = quantiles([float(i) for i in range(1000)])
    assert (len(many), many[0], many[-1]) == (baseline.QUANTILES, 0.0, 999.0)
    assert quantiles([]) == [] and quantiles([0.123456]) == [0.123]


def test_the_file_is_sorted_diff_friendly_and_read_back(tmp_path):
    found = updated(updated(None, told(result("area.z"))), told(result("area.a")))
    save(tmp_path / "baseline.json", found)
    text = (tmp_path / "baseline.json").read_text()
    assert list(json.loads(text)["claims"]) == ["area.a", "area.z"]
    assert '\n    "data": {"fan": 60, "sphere": 140}' in text
    assert max(len(line) for line in text.splitlines()) < 400
    assert read(tmp_path / "baseline.json") == msgspec.structs.replace(
        found, claims=dict(sorted(found.claims.items()))
    )
    assert encode(read(tmp_path / "baseline.json")).decode() == text


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"schema": 1}', b"\xff"])
def test_a_file_that_is_no_baseline_is_refused(tmp_path, content):
    (tmp_path / "b.json").write_bytes(content)
    with pytest.raises(BadBaseline, match="is not a baseline"):
        read(tmp_path / "b.json")


def test_a_baseline_of_another_schema_or_none_is_refused(tmp_path):
    save(tmp_path / "b.json", msgspec.structs.replace(OLD, schema=9))
    with pytest.raises(BadBaseline, match="schema 9, expected 1: write it anew"):
        read(tmp_path / "b.json")
    with pytest.raises(BadBaseline, match=r"cannot read the baseline .*: No such file"):
        read(tmp_path / "none.json")


RUN = ("check", "toy.true", "toy.false", "toy.open", "--examples", 60)


def test_a_run_like_its_baseline_gives_exit_code_0(command, tmp_path):
    code, _, err = command(*RUN, "--update-baseline")
    assert (code, err) == (0, "ncfcheck: reports/baseline.json: 3 claims written\n")
    code, out, err = command(*RUN, "--baseline", "reports/baseline.json", "--seed", 1)
    assert (code, err) == (0, "")
    assert out.splitlines()[-1].endswith(
        ": every verdict as expected, no regression against reports/baseline.json"
    )


def test_regressions_give_exit_code_1_and_a_line_each_in_every_output(
    command, tmp_path, monkeypatch
):
    command(*RUN, "--update-baseline")
    monkeypatch.delitem(claims._registry, "toy.open")
    options = ("--baseline", "reports/baseline.json", "--json", "o.json", "--junit", "o.xml")
    code, out, _ = command("check", "toy.[fot]*", "--examples", 60, *options)
    stale = "toy.open: claim missing, its entry is stale: conjecture → no such claim"
    assert code == 1 and f"REGRESSION  {stale}" in out
    assert stale in json.loads((tmp_path / "o.json").read_text())["regressions"]
    assert stale in (tmp_path / "o.xml").read_text()


def test_an_update_drops_stale_entries_keeps_claims_not_asked_for_and_tells_what_changed(
    command, tmp_path, monkeypatch
):
    command(*RUN, "--update-baseline")
    monkeypatch.delitem(claims._registry, "toy.open")
    _, _, err = command("check", "toy.[to]*", "--examples", 60, "--update-baseline")
    assert "toy.open: claim missing" in err
    assert list(read(tmp_path / "reports" / "baseline.json").claims) == ["toy.false", "toy.true"]


def test_a_baseline_that_cannot_be_read_gives_exit_code_2_before_the_run(command, tmp_path):
    code, out, err = command(*RUN, "--baseline", "none.json")
    assert (code, out, err) == (
        2,
        "",
        "ncfcheck: cannot read the baseline none.json: No such file or directory\n",
    )


def test_the_entry_of_a_claim_holds_decided_margins_only():
    row = told(result(margins=((0.1, 0.5), (1.0, 0.5)))).claims[0]
    found = baseline.entry(row)
    assert isinstance(found, ClaimBaseline) and (found.margins, found.errors) == ([1.0], [0.5])
