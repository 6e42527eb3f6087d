"""The source that states a claim of the user's, and whether a witness was stored under another."""

from __future__ import annotations

import ast
import hashlib
import inspect
import sys
from pathlib import Path

from ncfcheck.core.claims import Claim


def home_of(claim: Claim) -> str | None:
    """The file that states a claim of the user's own; None for one that comes with the program."""
    module = claim.function.__module__
    if module.split(".")[0] == "ncfcheck":
        return None
    return getattr(sys.modules.get(module), "__file__", None)


def digest(claim: Claim) -> str | None:
    """SHA-256 of what the claim's file says, the other claims in it and what stands between its
    definitions aside; None for a claim that comes with the program, and where there is no source.
    """
    module = claim.function.__module__
    if module.split(".")[0] == "ncfcheck":
        return None
    try:
        home = sys.modules[module]
        source = inspect.getsource(home if home_of(claim) else inspect.unwrap(claim.function))
        lines, parts = source.splitlines(), ast.parse(source).body
    except (OSError, TypeError, KeyError, SyntaxError):
        return None
    kept = (part for part in parts if not _is_another(part, claim.function.__name__))
    text = "\n".join("\n".join(lines[_first(part) - 1 : part.end_lineno]) for part in kept)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _first(part: ast.stmt) -> int:
    """The line that a statement begins at, decorators included."""
    return min([part.lineno, *(each.lineno for each in getattr(part, "decorator_list", []))])


def _is_another(part: ast.stmt, name: str) -> bool:
    """Whether a statement is the function of a claim that is not the one of this name."""
    if not isinstance(part, ast.FunctionDef) or part.name == name:
        return False
    calls = [each.func for each in part.decorator_list if isinstance(each, ast.Call)]
    return any("claim" in (getattr(f, "id", ""), getattr(f, "attr", "")) for f in calls)


def stale(claims: str | None, source: str | None, claim: Claim) -> str:
    """How a witness stored under the file `claims`, of digest `source`, is not one of the claim as
    it is stated now; empty if it is.

    Without a digest, as older versions stored them, files of the same name are taken for the same.
    """
    home, now = home_of(claim), digest(claim)
    if source is not None and source == now:
        return ""
    if Path(claims or "").name != Path(home or "").name or (source and now and claims != home):
        return f"it is of another file's claim of this name ({claims or 'of ncfcheck itself'})"
    return "the claim has changed since it was stored" if source and now else ""
