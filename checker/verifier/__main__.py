"""`python -m ncfcheck.verifier FILE`, or this file run as it is: `python3 -I …/__main__.py FILE`.

It recomputes from the instance, in integer interval arithmetic and with zero tolerance, that every
hypothesis of the claim holds and that its conclusion fails. Exit code 0: accepted. 1: rejected. 2:
the file cannot be read.
"""

from __future__ import annotations

import os
import sys

if not __package__:  # run as a file: its folder is the package, which needs nothing installed
    folder = os.path.dirname(os.path.abspath(__file__))
    sys.path[:] = [each for each in sys.path if each != folder]  # its names hide no library's
    from importlib.util import module_from_spec, spec_from_file_location

    spec = spec_from_file_location(
        "verifier", os.path.join(folder, "__init__.py"), submodule_search_locations=[folder]
    )
    sys.modules["verifier"] = module_from_spec(spec)
    spec.loader.exec_module(sys.modules["verifier"])
    __package__ = "verifier"

from .numbers import Rejected
from .witnesses import load, verify

ACCEPTED, REJECTED, UNREADABLE = 0, 1, 2


def main(path) -> int:
    """Verify a file, say what was found on one line, and return the exit code."""
    try:
        document = load(path)
    except (OSError, RecursionError, ValueError) as error:
        print(f"cannot read {path}: {str(error)[:200]}", file=sys.stderr)
        return UNREADABLE
    try:
        proves = verify(document)
    except Rejected as reason:
        print(f"rejected: {reason}")
        return REJECTED
    print(f"accepted: {document['claim']} is refuted: {proves}")
    return ACCEPTED


if __name__ == "__main__":
    if len(sys.argv) != 2:
        print("usage: python -m ncfcheck.verifier FILE", file=sys.stderr)
        sys.exit(UNREADABLE)
    sys.exit(main(sys.argv[1]))
