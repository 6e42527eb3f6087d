"""The user's own files, of claims and of models: imported by path, and their mistakes told by file
and line.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import os
import re
import sys
import traceback
from collections.abc import Callable
from importlib.machinery import PathFinder
from pathlib import Path
from types import ModuleType

from ncfcheck.core.claims import forget, registered
from ncfcheck.core.errors import CannotRun
from ncfcheck.core.interruptions import may_be_asked
from ncfcheck.core.stated import place, short
from ncfcheck.core.time_limit import Ended

SUFFIX = ".py"


class BrokenClaims(CannotRun):
    """A module of claims cannot be imported; the message says which, where and why."""


class _Beside:
    """Finds modules beside files of claims: after all others, whatever their names, an installation
    from a working tree among these, and so not by `sys.path`, which worker processes take over.
    """

    def __init__(self):
        self.folders: list[str] = []

    def add(self, folder: Path) -> None:
        if str(folder) not in self.folders:
            self.folders.append(str(folder))
        if self not in sys.meta_path:
            sys.meta_path.append(self)

    def find_spec(self, name, path=None, target=None):
        return PathFinder.find_spec(name, self.folders) if path is None else None


BESIDE = _Beside()


def is_file(source: str) -> bool:
    """Whether a source of claims is a file of the user's rather than the name of a module."""
    return source.endswith(SUFFIX) or os.sep in source


FORGETTING: list[Callable[[str], None]] = [forget]
"""What takes all that a module states out of a registry, by the module's name."""


def load(source: str) -> ModuleType:
    """Import the file, once; modules beside it can be imported from it. Raises BrokenClaims."""
    is_known = module_name(source) in sys.modules
    module = imported(source, "claims", BrokenClaims)
    if not is_known and not ids(source):
        unload(module)
        raise BrokenClaims(
            f"{short(source)} states no claim: decorate a function with @claim of ncfcheck"
        )
    return module


def imported(source: str, what: str, broken: type[CannotRun]) -> ModuleType:
    """The module of a file, imported once, of `what` it is a file. Raises `broken`."""
    path = Path(source).resolve()
    name = module_name(source)
    if name in sys.modules:
        return sys.modules[name]
    if why := _unfit(path, what):
        raise broken(f"cannot read {short(source)}: {why}")
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None  # as the name ends with SUFFIX
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    BESIDE.add(path.parent)
    try:
        # What it prints is no result: standard output may be read by a program.
        with contextlib.redirect_stdout(sys.stderr):
            spec.loader.exec_module(module)
    except BaseException as error:
        unload(module)
        is_asked = isinstance(error, KeyboardInterrupt) and may_be_asked()
        if is_asked or isinstance(error, broken):
            raise
        raise broken(told(error, path)) from error
    return module


def unload(module: ModuleType) -> None:
    """Forget the module of a file, and all that it states: it may be mended and loaded again."""
    del sys.modules[module.__name__]
    for each in FORGETTING:
        each(module.__name__)


def _unfit(path: Path, what: str) -> str:
    """Why there can be no claims, or models, at a path; empty where there can."""
    if path.is_dir():
        return f"it is a folder: name a file of {what} in it"
    if not path.exists():
        return "there is no such file"
    return "" if path.suffix == SUFFIX else f"a file of {what} ends in {SUFFIX}"


def ids(source: str) -> list[str]:
    """Ids of the claims that a loaded file states."""
    return [
        id for id, claim in registered().items() if claim.function.__module__ == module_name(source)
    ]


def module_name(source: str) -> str:
    """A name for the module of a file that no other has, the same in every process."""
    path = Path(source).resolve()
    digest = hashlib.sha256(str(path).encode("utf-8", "surrogateescape")).hexdigest()[:8]
    return f"claims_{re.sub(r'[^0-9a-zA-Z_]', '_', path.stem)}_{digest}"


def _said(error: BaseException) -> str:
    """The message of an error, whatever class of the user's that is."""
    try:
        hint = "; .copy() gives an array of your own" if _is_write(error) else ""
        return f"{error}{hint}"
    except Exception as another:
        return f"its message cannot be told ({type(another).__name__})"


def _is_write(error: BaseException) -> bool:
    """Whether it is numpy's for a write to an array that is read-only."""
    return isinstance(error, ValueError) and str(error).endswith("is read-only")


def told(error: BaseException, path: Path | None = None) -> str:
    """The error in one line, after the line of the file it comes from, if that is the user's.

    `path` is a file being loaded; without it, every file loaded is looked for.
    """
    if isinstance(error, Ended) and error.__cause__:
        error = error.__cause__
    said = _said(error)
    message = f"{type(error).__name__}: {said}" if said else type(error).__name__
    if path and isinstance(error, SystemExit):
        message = (
            f'it exits when it is loaded: put that under if __name__ == "__main__" ({message})'
        )
    files = {str(path)} if path else _loaded()
    if isinstance(error, SyntaxError) and error.filename in files:
        return f"{short(error.filename)}:{error.lineno or 1}: {type(error).__name__}: {error.msg}"
    frames = [
        frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename in files
    ]
    if frames:
        return f"{short(frames[-1].filename)}:{frames[-1].lineno}: {message}"
    return f"{short(str(path))}: {message}" if path else message


def told_of(error: BaseException, claim) -> str:
    """The error of a claim in one line; for a claim of the user's that is to blame by what it
    returns, where it is stated.
    """
    message = told(error)
    return message if is_placed(message) else where(claim) + message


def is_placed(message: str) -> bool:
    """Whether a message begins with a line of a file."""
    return re.match(r"[^:]+\.py:\d+: ", message) is not None


def where(claim) -> str:
    """ "file:line: " of the statement of a claim in a file of the user's; empty for any other."""
    return f"{place(claim.function)}: " if claim.function.__module__ in _modules() else ""


def _modules() -> list[str]:
    return [name for name in sys.modules if re.fullmatch(r"claims_\w+_[0-9a-f]{8}", name)]


def _loaded() -> set[str]:
    return {str(sys.modules[name].__file__) for name in _modules()}
