"""What runs in a process of a crew, and tells its parent where it is."""

from __future__ import annotations

import contextlib
import ctypes
import multiprocessing
import os
import pickle
import sys
import threading
import traceback
import types
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing import connection

from ncfcheck.core import interruptions, time_limit
from ncfcheck.core.errors import tolerate_warnings


class Trace(ctypes.Structure):
    """Where a process is (`time_limit.leave_trace`), in memory that its parent sees too."""

    _fields_ = (
        ("step", ctypes.c_int64),
        ("since", ctypes.c_double),
        ("claim", ctypes.c_char * time_limit.LONGEST),
        ("count", ctypes.c_int64),
        ("kept", ctypes.c_int64 * 64),
    )

    def late(self, step: int) -> None:
        """Keep the number of a step that was out of time, as long as there is room."""
        if self.count < len(self.kept):
            self.kept[self.count] = step
            self.count += 1


@dataclass(frozen=True)
class Raised:
    """What a unit ended with instead of a result."""

    error: Exception


def serve(
    pipe: connection.Connection, trace: Trace, seconds: float, make: Callable, arguments: tuple
) -> None:
    """In a process of a crew: do what comes through the pipe."""
    threading.Thread(target=_follow, daemon=True).start()
    interruptions.leave_to_parent()
    tolerate_warnings()
    work, process = None, os.getpid()
    while True:
        try:
            unit, *known = pipe.recv()
        except (EOFError, OSError):  # nobody is there any more
            return
        try:
            work = work or make(*arguments)
            time_limit.leave_trace(trace, *known)
            result = work(unit)
        except Exception as error:
            error.add_note(traceback.format_exc())
            result = Raised(error)
        if os.getpid() != process:  # a copy that a claim forked
            os._exit(1)
        trace.since = 0.0
        try:
            pipe.send(result)
        except (pickle.PicklingError, TypeError, AttributeError) as error:
            pipe.send(Raised(RuntimeError(f"{unit.claim}: cannot be sent: {error}")))
        except OSError:
            return


def _follow() -> None:
    """End with the parent, even one that was killed."""
    multiprocessing.parent_process().join()
    os._exit(1)


@contextlib.contextmanager
def without_main():
    """Processes started in here do not run the user's script: they need nothing of it, and it may
    start processes as it runs.
    """
    main = sys.modules["__main__"]
    sys.modules["__main__"] = types.ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main
