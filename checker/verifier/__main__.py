"""`python -m ncfcheck.verifier FILE`, or this file run as it is: `python3 -I …/__main__.py FILE`.

It recomputes from the instance, in integer interval arithmetic and with zero tolerance, that every
hypothesis of the claim holds and that its conclusion fails. Exit code 0: accepted. 1: rejected. 2:
the file cannot be read.
"""

from __future__ import annotations

import contextlib
import faulthandler
import os
import sys
import threading

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

from .files import load
from .numbers import Rejected
from .own import criteria
from .registry import REFUTATIONS
from .witnesses import SECONDS, verify

ACCEPTED, REJECTED, UNREADABLE = 0, 1, 2
LINE = 2000  # characters
answering = threading.Lock()
INTERRUPTED, PIPE = 130, 141  # as shells tell of SIGINT and SIGPIPE
USAGE = "usage: python -m ncfcheck.verifier FILE [--claims CLAIMS.py]"
HELP = f"""{USAGE}

Check the certificate of a witness file in exact arithmetic. Exit code 0: accepted. 1: rejected,
with the reason. 2: the file cannot be read.

--claims names the file that states a claim of one's own with its criterion. It is run, with all
rights that you have: read it first."""


def main(path, claims=None) -> int:
    """Verify a file, by a criterion of another one where it is given; say what was found on one
    line, and return the exit code.
    """
    with _limited():
        code, told = _found(path, claims)
    with answering:
        _print(told, sys.stderr if code == UNREADABLE else sys.stdout)
    return code


def _found(path, claims) -> tuple[int, str]:
    try:
        document = load(path)
    except (OSError, RecursionError, ValueError) as error:
        return _unreadable(path, error)
    try:
        known = REFUTATIONS if claims is None else REFUTATIONS | criteria(claims)
    except (ImportError, OSError, ValueError) as error:
        return _unreadable(claims, error)
    try:
        proves = verify(document, known)
    except Rejected as reason:
        return REJECTED, f"rejected: {reason}"
    return ACCEPTED, f"accepted: {document['claim']} is refuted: {proves}"


def _print(told: str, stream) -> None:
    """One line of up to LINE characters, whatever text of a file is in it."""
    told = told[:LINE]
    print("".join(c if c.isprintable() else ascii(c)[1:-1] for c in told), file=stream)


@contextlib.contextmanager
def _limited():
    """Reject when the time is up, wherever the verifier is: by a thread; and, where an operation of
    C keeps all threads from running, without a word.
    """
    timer = threading.Timer(SECONDS + 1, _end)
    timer.daemon = True
    with open(os.devnull, "w") as nowhere:
        faulthandler.dump_traceback_later(SECONDS + 3, exit=True, file=nowhere)
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
            faulthandler.cancel_dump_traceback_later()


def _end() -> None:
    answering.acquire()  # for good: nothing else is told
    with contextlib.suppress(OSError):
        _print("rejected: time is up", sys.__stdout__)  # a criterion's output goes elsewhere
        sys.__stdout__.flush()
    os._exit(REJECTED)


def _unreadable(path, error) -> tuple[int, str]:
    return UNREADABLE, f"cannot read {path}: {getattr(error, 'strerror', None) or error}"


def run(arguments) -> int:
    """The exit code of the command line; whatever goes wrong, no verdict is told."""
    try:
        return _run(arguments)
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        return PIPE
    except Exception as error:
        with contextlib.suppress(OSError):
            _print(f"cannot go on: {type(error).__name__}: {error}", sys.stderr)
        return UNREADABLE


def _run(arguments) -> int:
    for stream in filter(None, (sys.stdout, sys.stderr)):
        stream.reconfigure(errors="replace")
    if arguments in (["-h"], ["--help"]):
        print(HELP)
        code = 0
    elif len(arguments) == 1:
        code = main(*arguments)
    elif len(arguments) == 3 and arguments[1] == "--claims":
        code = main(arguments[0], arguments[2])
    else:
        print(f"{USAGE}: one file at a time, not {len(arguments)}", file=sys.stderr)
        code = UNREADABLE
    if sys.stdout:
        sys.stdout.flush()
    return code


if __name__ == "__main__":
    os._exit(run(sys.argv[1:]))  # at once: what a stream did not take is not tried again
