"""Shards of a run, and the one run that their results make."""

import json
import math
import shutil

import pytest
from msgspec import structs

from ncfcheck.app.reports import part_of
from ncfcheck.verdicts.report import NotMergeable, encode, merged, read

CLAIMS = (
    "toy.true",
    "toy.false",
    "toy.open",
    "toy.picky",
    "toy.seed",
    "--examples",
    "60",
    "--workers",
    "1",
)


def shards(command, count):
    # A counterexample stored by an earlier run would be replayed.
    shutil.rmtree("reports/counterexamples", ignore_errors=True)
    for i in range(1, count + 1):
        command("check", *CLAIMS, "--shard", f"{i}/{count}", "--json", f"{i}.json")
    return [f"{i}.json" for i in range(1, count + 1)]


def without_times(path):
    found = json.loads(path.read_text())
    for part_ in (found, *found["claims"]):
        part_["seconds"] = 0
    return found


@pytest.mark.parametrize("count", [1, 2, 3, 7])
def test_every_claim_is_in_just_one_shard(count):
    claims = tuple("abcdef")
    parts = [part_of(claims, f"{i}/{count}") for i in range(1, count + 1)]
    assert sorted(sum(parts, ())) == list(claims)
    assert max(map(len, parts)) - min(map(len, parts)) <= 1
    assert part_of(claims, "") == claims


@pytest.mark.parametrize("count", [1, 2, 6])
def test_merged_shards_are_the_undivided_run(command, tmp_path, count):
    assert command("check", *CLAIMS, "--json", "whole.json")[0] == 0
    files = shards(command, count)
    code, out, err = command(
        "merge", *reversed(files), "--json", "merged.json", "--junit", "merged.xml"
    )
    assert (code, err) == (0, "")
    assert "5 claims, 270 instances, seed 0" in out
    assert without_times(tmp_path / "merged.json") == without_times(tmp_path / "whole.json")
    assert (tmp_path / "merged.xml").exists()


def test_a_report_read_back_is_the_run(command, tmp_path):
    command("check", *CLAIMS, "--json", "o.json")
    assert encode(read(tmp_path / "o.json")) == (tmp_path / "o.json").read_bytes()


def test_an_unexpected_verdict_gives_exit_code_1(command):
    command("check", "toy.weak_control", "--json", "1.json")
    command("check", "toy.true", "--json", "2.json")
    assert command("merge", "1.json", "2.json")[0] == 1


def test_merged_results_are_compared_with_a_baseline(command):
    command("check", *CLAIMS, "--update-baseline")
    files = shards(command, 2)
    code, out, _ = command("merge", *files, "--baseline", "reports/baseline.json")
    assert code == 0 and "no regression" in out


def test_results_that_are_not_of_one_run_are_refused(command):
    one, two = shards(command, 2)
    command("check", *CLAIMS, "--seed", 1, "--json", "other.json")
    refused = "ncfcheck: cannot merge these results: "
    assert command("merge", one) == (2, "", f"{refused}shard 2/2 is missing\n")
    assert command("merge", one, one, two) == (
        2,
        "",
        f"{refused}claim toy.true is in more than one of them\n",
    )
    assert command("merge", one, "other.json") == (
        2,
        "",
        f"{refused}they are of different runs: seed 0 and 1\n",
    )


def test_files_that_hold_no_results_are_refused(command, tmp_path):
    (tmp_path / "bad.json").write_text("{")
    assert command("merge", "none.json") == (2, "", "ncfcheck: none.json is not there\n")
    code, out, err = command("merge", "bad.json")
    assert (code, out) == (2, "") and err.startswith("ncfcheck: bad.json is no file of results: ")
    assert command("merge")[0] == 2


@pytest.mark.parametrize("shard", ["0/2", "3/2", "1", "a/b", "1/0", "-1/2"])
def test_a_shard_that_is_none_is_refused(command, shard):
    code, out, err = command("check", *CLAIMS, f"--shard={shard}")
    assert (code, out) == (2, "") and "is not of the form i/k" in err


def test_numbers_that_were_null_are_read_as_not_a_number(command, tmp_path):
    command("check", "toy.never", "--json", "o.json")
    found = read(tmp_path / "o.json")
    assert found.claims[0].worst is None
    infinite = structs.replace(found.claims[0], worst_margin=math.inf, error=0.0, worst_instance="")
    (tmp_path / "o.json").write_bytes(encode(structs.replace(found, claims=(infinite,))))
    assert math.isnan(read(tmp_path / "o.json").claims[0].worst.value)


def test_parts_are_not_merged_with_whole_runs(command, tmp_path):
    command("check", "toy.never", "--json", "o.json")
    found = read(tmp_path / "o.json")
    with pytest.raises(NotMergeable, match="some are shards"):
        merged([found, structs.replace(found, part="1/2")])
