"""Docstrings, under `python -OO` too, which leaves them out of what it compiles."""

from __future__ import annotations

import ast
import inspect
import sys
import textwrap
from collections.abc import Callable


def docstring(function: Callable) -> str:
    """The function's docstring without its indentation; empty if it has none."""
    found = inspect.getdoc(function)
    if found or sys.flags.optimize < 2:
        return found or ""
    try:
        parsed = ast.parse(textwrap.dedent(inspect.getsource(function))).body[0]
    except (OSError, TypeError, SyntaxError):
        return ""
    return (ast.get_docstring(parsed) or "") if isinstance(parsed, ast.FunctionDef) else ""
