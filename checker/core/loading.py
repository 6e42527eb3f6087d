"""Claims registered by importing the modules that state them: the program's own and the user's."""

from __future__ import annotations

import gc
import importlib
import pkgutil
from collections.abc import Iterable
from difflib import get_close_matches
from functools import cache

from ncfcheck.core import claim_files
from ncfcheck.core.blame import blamed
from ncfcheck.core.claim_files import BrokenClaims, told
from ncfcheck.core.claims import Claim, registered, select
from ncfcheck.core.errors import CannotRun
from ncfcheck.core.stated import place

SOURCES = ("ncfcheck.properties",)  # packages and modules whose import registers claims


def load_claims(sources: tuple[str, ...] = SOURCES) -> None:
    """Import every module of the packages, sub-packages too, and the user's files: claims register.

    Raises BrokenClaims naming the module that cannot be imported, or a control of no claim.
    """
    for source in sources:
        if claim_files.is_file(source):
            claim_files.load(source)
            continue
        _import_all(source)
    _check_names()
    _set_apart()


def _import_all(name: str) -> None:
    """Import a module and, of a package, all within it, in the order of their names."""
    module = _import(name)
    for each in pkgutil.iter_modules(getattr(module, "__path__", ()), f"{name}."):
        _import_all(each.name)


def _import(name: str):
    try:
        return importlib.import_module(name)
    except CannotRun:
        raise
    except Exception as error:
        advice = f": {found}" if (found := blamed(error)) else ""
        raise BrokenClaims(f"cannot load the claims of {name}: {told(error)}{advice}") from error


def _check_names() -> None:
    """Raise BrokenClaims for a control of a claim that there is not, once all are registered."""
    known = registered()
    for claim in known.values():
        for id in claim.of:
            if id not in known:
                near = get_close_matches(id, known, 1)
                hint = f"; did you mean {near[0]!r}?" if near else ""
                raise BrokenClaims(
                    f"{place(claim.function)}: {claim.id} is a control of {id!r}, "
                    f"which no claim has as its id{hint}"
                )


def chosen(patterns: Iterable[str], files: Iterable[str]) -> list[Claim]:
    """The claims of the patterns; without patterns those of the user's files, or else all.

    Raises LookupError naming a pattern that matches nothing.
    """
    own = [id for file in files for id in claim_files.ids(file)]
    return select(list(patterns) or own)


@cache
def _set_apart() -> None:
    """Keep the garbage collector off what is loaded: one look at it takes as long as 100 draws."""
    gc.freeze()
