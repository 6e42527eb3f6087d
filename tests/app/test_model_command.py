"""`ncfcheck model`, on the examples of docs/own-network.md, as they are shown there."""

import re
import shutil
import time

import pytest

from ncfcheck.model.own import families
from tests.support import ROOT

EXAMPLES = {
    "linear_attention": ("jax", 3, ["Q", "K", "V"], [1, 1, 1], "a polynomial: smooth"),
    "squared_relu_convolution": (
        "torch",
        3,
        ["1.weight", "4.weight"],
        [2, 1],
        "locally Lipschitz, as far as sampling tells",
    ),
    "matrix_sensing": ("numpy", 2, ["U", "V"], [1, 1], "a polynomial: smooth"),
}
PAGE = (ROOT / "docs/own-network.md").read_text(encoding="utf-8")


def example(name: str) -> str:
    return (ROOT / f"docs/examples/{name}.py").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_page_shows_the_files_of_the_examples(name):
    [shown] = re.findall(rf"```python {name}\.py\n(.*?)```", PAGE, re.DOTALL)
    assert shown == example(name)


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_is_ten_lines_of_the_users_own(name):
    lines = [line for line in example(name).splitlines() if line.strip()]
    own = [line for line in lines if not line.startswith(("import ", "from "))]
    assert len(own) <= 10


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_command_shows_what_an_example_is(name, own_command):
    library, order, groups, orders, gradient = EXAMPLES[name]
    pytest.importorskip(library, reason=f"pip install 'ncfcheck[{library}]'")
    shutil.copy(ROOT / f"docs/examples/{name}.py", ".")
    code, out, err = own_command("model", f"{name}.py")
    assert (code, err) == (0, "")
    rows = dict(line.split(maxsplit=1) for line in out.splitlines())
    assert f"weights at most, in {library} at {name}.py:" in rows[f"{name}:"]
    assert rows["D"] == str(order) and rows["gradient"] == gradient
    for group, each in zip(groups, orders):
        assert rows[group].endswith(f", order {each}")
    assert list(rows)[1:] == ["sizes", "D", *groups, "gradient", "cost", "computed"]
    assert re.match(r"\d+ µs a gradient of 8 samples", rows["cost"])
    by_library = library == "numpy"
    assert rows["computed"].startswith(f"by {library}" if by_library else "by compiled kernels")


@pytest.mark.parametrize(
    ("name", "claim", "sizes"),
    [
        ("linear_attention", "own.larger_head", "tokens=1, dim=1, heads=2"),
        ("squared_relu_convolution", "own.best_of_two", "channels=1, side=3"),
        ("matrix_sensing", "own.isolated", "rows=1, columns=1, rank=2"),
    ],
)
@pytest.mark.long
def test_a_false_claim_about_an_example_is_found_in_its_smallest_sizes_and_replayed(
    name, claim, sizes, own_command
):
    pytest.importorskip(EXAMPLES[name][0], reason=f"pip install 'ncfcheck[{EXAMPLES[name][0]}]'")
    for file in (f"{name}.py", "about_networks.py"):
        shutil.copy(ROOT / f"docs/examples/{file}", ".")
    files = "--model", f"{name}.py", "--claims", "about_networks.py"
    code, out, _ = own_command("hunt", claim, *files, "--workers", "1")
    assert code == 0 and f"{name}({sizes})" in out
    code, out, _ = own_command("replay", f"reports/counterexamples/{claim}.json", *files)
    assert "still violates" in out and f"{name}({sizes})" in out


TWO = """
import numpy as np
from ncfcheck import OwnModel, own_model


@own_model(depth=(1, 3))
def deep_diagonal(depth):
    def outputs(X, w):
        return X @ np.prod(list(w.values()), axis=0)

    def pull_back(X, w, r):
        whole = r[:, 0] @ X
        others = {name: [w[each] for each in w if each != name] for name in w}
        return {name: whole * np.prod(each + [np.ones(2)], axis=0) for name, each in others.items()}

    return OwnModel.numpy(outputs, pull_back, {f"a{i}": 2 for i in range(depth)}, inputs=2)


@own_model
def absolute():
    def outputs(X, w):
        return np.abs(X @ w["W"].T) ** 1.5 @ w["V"] + 0 * w["unused"].sum()

    def pull_back(X, w, r):
        z = X @ w["W"].T
        return {
            "W": (1.5 * np.abs(z) ** 0.5 * np.sign(z) * (r * w["V"])).T @ X,
            "V": r[:, 0] @ np.abs(z) ** 1.5,
            "unused": 0 * w["unused"],
        }

    return OwnModel.numpy(outputs, pull_back, {"W": (3, 2), "V": 3, "unused": 1}, inputs=2)
"""


def test_a_file_may_state_several_whose_orders_differ_with_sizes_or_are_no_integers(own_command):
    with open("two.py", "w") as file:
        file.write(TWO)
    code, out, _ = own_command("model", "two.py")
    assert code == 0
    assert "\n  D         1, 2, 3\n" in out and "\n  a0        (2,), order 1\n" in out
    assert "\n  D         2.5 (no integer)\n" in out and "(3, 2), order 1.5 (no integer)\n" in out
    assert "\n  unused    (1,), of no order alone\n" in out
    assert out.count("gradient  ") == 2 and "gradient  jumps, or nearly" in out


def test_models_of_equal_sizes_are_one_and_are_drawn_in_their_ranges_only(own_command):
    with open("two.py", "w") as file:
        file.write(TWO)
    [family, _] = families.load("two.py")
    model = family.build(2, 1, {"depth": 2})
    assert model is family.build(2, 1, {"depth": 2}) and model.order == 2
    assert model.family is family and model.sizes == {"depth": 2}
    assert (family.inputs_of({"depth": 3}), family.width_of({"depth": 3})) == (2, 1)
    assert model.describe() == "deep_diagonal(depth=2) D=2"
    assert ("depth", "2") in model.strata and ("model", "deep_diagonal") in model.strata
    for sizes in ({"depth": 4}, {}, {"depth": 1, "width": 2}):
        with pytest.raises(ValueError, match="deep_diagonal"):
            family.build(2, 1, sizes)
    with pytest.raises(ValueError, match="has 2 inputs and 1 outputs, not 3 and 1"):
        family.build(3, 1, {"depth": 2})


def test_what_costs_more_than_a_second_is_not_timed_for_long(own_command):
    with open("two.py", "w") as file:
        file.write(TWO.replace("whole = r", "__import__('time').sleep(0.02)\n        whole = r"))
    start = time.perf_counter()
    assert own_command("model", "two.py")[0] == 0
    assert time.perf_counter() - start < 20
