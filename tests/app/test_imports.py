"""Imports point downward: no module needs, to be imported, one that needs it."""

from __future__ import annotations

import ast
from graphlib import TopologicalSorter

from tests.support import ROOT

FILES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for folder in ("checker", "properties")
    for path in (ROOT / folder).rglob("*.py")
}


def needed(name: str) -> set[str]:
    """Modules that importing this one imports by statements outside functions, packages included,
    its own apart.
    """
    found: set[str] = set()
    package = name if FILES[name].stem == "__init__" else name.rpartition(".")[0]
    for node in ast.parse(FILES[name].read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Import):
            found |= {each.name for each in node.names}
        elif isinstance(node, ast.ImportFrom):
            module = (
                node.module if not node.level else ".".join(filter(None, [package, node.module]))
            )
            found |= {module} | {f"{module}.{each.name}" for each in node.names}
    packages = {
        module.rsplit(".", level)[0]
        for module in found
        for level in (1, 2)
        if module.count(".") >= level
    }
    return {
        module
        for module in found | packages
        if module in FILES and not f"{name}.".startswith(f"{module}.")
    }


def test_no_imports_go_round_in_a_circle():
    order = list(TopologicalSorter({name: needed(name) for name in FILES}).static_order())
    assert set(order) == set(FILES)


def test_the_graph_of_imports_has_its_arrows():
    assert {"ncfcheck.model.ncf", "ncfcheck.model.networks", "ncfcheck.theory.starts"} <= needed(
        "ncfcheck.theory.rank_one.points"
    )
    assert "ncfcheck.strategies.instances" in needed("ncfcheck.run.hunting.tactics")
    assert "ncfcheck.verifier.numbers" in needed("ncfcheck.verifier.networks")
