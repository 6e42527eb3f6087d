"""Early training and NCF flows on real tables: the theorems must not be refuted there, and must
have been tried.
"""

import json

import pytest

from ncfcheck.app import cli
from ncfcheck.core.claims import registered
from ncfcheck.core.loading import load_claims

datasets = pytest.importorskip("sklearn.datasets")
EXAMPLES = 6


# Of 64 columns flows take long.
@pytest.fixture(params=["iris", "diabetes", pytest.param("digits", marks=pytest.mark.long)])
def table(request, tmp_path, monkeypatch):
    """The data set as a CSV file in an empty current folder."""
    monkeypatch.chdir(tmp_path)
    frame = getattr(datasets, f"load_{request.param}")(as_frame=True).frame
    frame.to_csv(f"{request.param}.csv", index=False)
    return f"{request.param}.csv"


def test_no_theorem_on_flows_or_early_training_is_refuted_on_a_real_table(table):
    load_claims()
    claims = {id for id in registered() if id.startswith(("flow.", "early."))}
    arguments = (
        "check flow.* early.* --target target --workers 1 --quiet --json results.json".split()
    )
    code = cli.main([*arguments, "--data", table, "--examples", str(EXAMPLES)])
    with open("results.json") as file:
        results = {row["id"]: row for row in json.load(file)["claims"]}
    assert code == 0 and set(results) == claims
    for id, row in results.items():
        assert row["instances"] == EXAMPLES, id
        assert row["coverage"]["data"] == {table: EXAMPLES}, id
        assert row["violates"] == 0 and row["verdict"] in ("not refuted", "unresolved"), id
    # Most claims must come to a decision, or nothing was tested.
    assert sum(row["verdict"] == "not refuted" for row in results.values()) >= 0.8 * len(results)


def test_a_claim_that_is_false_is_refuted_on_a_real_table(table):
    arguments = (
        "check control.degree_two --target target --workers 1 --quiet --json results.json".split()
    )
    assert cli.main([*arguments, "--data", table, "--examples", "4"]) == 0
    with open("results.json") as file:
        (row,) = json.load(file)["claims"]
    assert row["violates"] > 0 and row["coverage"]["data"] == {table: row["instances"]}
