"""The architecture is the file tree: each level imports from itself and from those above it, and
no module needs, at any depth, one that needs it.
"""

from __future__ import annotations

import ast
from functools import cache
from graphlib import TopologicalSorter

import pytest

from tests.support import ROOT

LEVELS = (
    "core",
    "model",
    "theory",
    "strategies",
    "verifier",
    "certify",
    "properties",
    "verdicts",
    "run",
    "report",
    "app",
)
FOLDERS = {"ncfcheck": ROOT / "checker", "ncfcheck.properties": ROOT / "properties"}
SOURCES = {
    ".".join((package, *path.relative_to(folder).with_suffix("").parts)).removesuffix(
        ".__init__"
    ): path.read_text(encoding="utf-8")
    for package, folder in FOLDERS.items()
    for path in folder.rglob("*.py")
}


def needed(name: str, sources: dict[str, str]) -> set[str]:
    """Modules that this one imports anywhere in it, inside functions too."""
    return {each for each in _imported(name, sources[name]) if each in sources and each != name}


@cache
def _imported(name: str, source: str) -> frozenset[str]:
    """All that import statements of a source may mean by their names."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {each.name for each in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {_absolute(name, node), *_members(name, node)}
    return frozenset(found)


def _absolute(name: str, node: ast.ImportFrom) -> str:
    """The module named in `from … import`, relative ones made absolute."""
    if not node.level:
        return node.module
    base = name.rsplit(".", node.level)[0]
    return f"{base}.{node.module}" if node.module else base


def _members(name: str, node: ast.ImportFrom) -> set[str]:
    return {f"{_absolute(name, node)}.{each.name}" for each in node.names}


def level(name: str) -> str | None:
    """The level of a module, None for the package itself and its `__main__`."""
    return next(iter(set(name.split(".")[1:2]) & set(LEVELS)), None)


def upward(sources: dict[str, str]) -> list[tuple[str, str]]:
    """Imports of a module from a level below its own, and of the verifier from any other."""
    return [
        (name, other)
        for name in sources
        for other in needed(name, sources)
        if level(name) and level(other) and not _allowed(level(name), level(other))
    ]


def _allowed(importer: str, imported: str) -> bool:
    if importer == "verifier":
        return imported == "verifier"
    return LEVELS.index(imported) <= LEVELS.index(importer)


def circle_free(sources: dict[str, str]) -> list[str]:
    """All modules in an order in which each comes after what it imports. Raises CycleError."""
    graph = {name: needed(name, sources) - _parents(name) for name in sources}
    return list(TopologicalSorter(graph).static_order())


def _parents(name: str) -> set[str]:
    parts = name.split(".")
    return {".".join(parts[:count]) for count in range(1, len(parts))}


def test_every_module_stands_on_a_level():
    apart = {name for name in SOURCES if level(name) is None}
    assert apart == {"ncfcheck", "ncfcheck.__main__"}


def test_imports_go_up_the_list_of_levels_only():
    assert upward(SOURCES) == []


def test_no_imports_go_round_in_a_circle():
    assert set(circle_free(SOURCES)) == set(SOURCES)


@pytest.mark.parametrize(
    "name, line",
    [
        ("ncfcheck.core.claims", "from ncfcheck.run import check"),
        ("ncfcheck.theory.flow.trajectories", "def f():\n    from ncfcheck.report import plots"),
        ("ncfcheck.verifier.numbers", "import ncfcheck.core.claims"),
        ("ncfcheck.model.ncf", "from ncfcheck.theory.kkt.points import polish"),
    ],
)
def test_an_import_downward_is_found_wherever_it_stands(name, line):
    assert upward({**SOURCES, name: f"{SOURCES[name]}\n{line}\n"})


def test_a_circle_inside_a_level_is_found():
    name, line = "ncfcheck.model.networks", "def f():\n    from ncfcheck.model import ncf"
    with pytest.raises(ValueError):
        circle_free({**SOURCES, name: f"{SOURCES[name]}\n{line}\n"})


def test_nothing_imports_the_properties_by_name():
    outside = [name for name in SOURCES if level(name) != "properties"]
    assert not [
        (name, other)
        for name in outside
        for other in needed(name, SOURCES)
        if level(other) == "properties"
    ]
