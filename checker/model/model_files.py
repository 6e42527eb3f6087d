"""The user's own files of models: imported by path."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

from ncfcheck.core.claim_files import BESIDE, BrokenClaims, _name, _unfit, told
from ncfcheck.core.stated import short
from ncfcheck.model.families import Family


def load_models(path: str) -> list[Family]:
    """The families that a file states, in their order. Raises BrokenClaims."""
    found = [each for each in vars(_imported(path)).values() if isinstance(each, Family)]
    if not found:
        raise BrokenClaims(f"{short(path)} states no model")
    return found


def _imported(source: str) -> ModuleType:
    """Import the file, once, under the name that it has as a file of claims."""
    path = Path(source).resolve()
    name = _name(path)
    if name in sys.modules:
        return sys.modules[name]
    if why := _unfit(path):
        raise BrokenClaims(f"cannot read {short(source)}: {why.replace('of claims', 'of models')}")
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    BESIDE.add(path.parent)
    try:
        spec.loader.exec_module(module)
    except BaseException as error:
        del sys.modules[name]
        raise BrokenClaims(told(error, path)) from error
    return module
