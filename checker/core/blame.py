"""Who is to blame for what could not be imported: a setting, a file that stands in a module's way.

What is imported here is loaded before any of the user's files can be: so that this works whatever
they broke.
"""

from __future__ import annotations

import os
import sys

OWN = ("ncfcheck", "__main__")
PACKAGES = ("site-packages", "dist-packages")


def blamed(error: BaseException) -> str:
    """What outside of the program made an import fail, and what to do about it; empty where the
    error is of another kind.
    """
    importing = _importing(error)
    for name, file in (*_named(error), *importing, *(_shadows() if importing else ())):
        if _is_stray(name, file):
            module = name or os.path.splitext(os.path.basename(file))[0]
            return (
                f"{file} is imported for the module {module}: rename it, or keep it off PYTHONPATH"
            )
    package = importing[0][0].partition(".")[0] if importing else ""
    if not package or package in OWN or package in sys.stdlib_module_names:
        return ""
    settings = [f"{name}={os.environ[name]}" for name in os.environ if _is_about(name, package)]
    if settings:
        return (
            f"{package} cannot be imported with {', '.join(settings)} in the environment: unset it"
        )
    return f"the package {package} cannot be imported: install it anew"


def _importing(error: BaseException) -> list[tuple[str, str]]:
    """Names and files of the modules that were being imported, the innermost first."""
    found: list[tuple[str, str]] = []
    trace = error.__traceback__
    while trace:
        code, names = trace.tb_frame.f_code, trace.tb_frame.f_globals
        if code.co_name == "<module>":
            found.insert(0, (str(names.get("__name__")), code.co_filename))
        trace = trace.tb_next
    return found


def _named(error: BaseException) -> list[tuple[str, str]]:
    """The module that the error names, if any: one that lacks a name or cannot be parsed."""
    if isinstance(error, SyntaxError):
        return [("", error.filename or "")]
    if isinstance(error, ImportError):
        return [(error.name or "", error.path or "")]
    module = getattr(error, "obj", None) if isinstance(error, AttributeError) else None
    if isinstance(module, type(sys)):
        return [(module.__name__, getattr(module, "__file__", None) or "")]
    return []


def _shadows() -> list[tuple[str, str]]:
    """The modules by the names of Python's own."""
    own = [(name, sys.modules.get(name)) for name in sys.stdlib_module_names]
    return [(name, getattr(module, "__file__", None) or "") for name, module in own]


def _is_stray(name: str, file: str) -> bool:
    """Whether a file belongs neither to the program, nor to Python, nor to an installed package."""
    file = os.path.realpath(file) if os.path.exists(file) else ""
    library = os.path.realpath(os.path.dirname(os.__file__)) + os.sep
    parts = file.split(os.sep)
    is_installed = file.startswith(library) or any(each in parts for each in PACKAGES)
    return bool(file) and name.partition(".")[0] not in OWN and not is_installed


def _is_about(setting: str, package: str) -> bool:
    return setting.startswith(f"{package.upper()}_")
