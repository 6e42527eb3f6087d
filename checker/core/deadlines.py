"""Ending Python code at a moment: a thread looks at the clock, and has an exception raised in the
thread that is late.

That ends what is Python, and in the main thread what waits or sleeps; code of another language that
keeps its thread busy ends with its process only.
"""

from __future__ import annotations

import ctypes
import math
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator

LOOK = 0.1  # seconds between looks at the clock
AGAIN = 0.5  # seconds until what went on in spite of an exception gets another
# Nobody else's: ignored by default, and Go ends its routines by the same.
SIGNAL = getattr(signal, "SIGURG", 0)


class _Limit:
    """When a thread is interrupted, and by what; `outer` is the limit around this one."""

    __slots__ = ("error", "is_held", "is_past", "moment", "outer")

    def __init__(self, error: BaseException, moment: float, outer: _Limit | None):
        self.error, self.moment, self.outer = error, moment, outer
        self.is_past, self.is_held = False, False


_limits: dict[int, _Limit | None] = {}  # by thread, the innermost
_lock = threading.Lock()  # between the watch and threads other than the main one
_watch: threading.Thread | None = None
_listening: int | None = None  # the main thread, once it gets signals


def ended(error: BaseException, seconds: float, work: Callable, *arguments):
    """`work(*arguments)`; whatever it is at after so many seconds, and makes of its end, what comes
    of it is `error`.

    Where a call around this one ends earlier, the error of that is raised.
    """
    thread, moment = threading.get_ident(), time.monotonic() + seconds
    outer = _limits.get(thread)
    if moment >= (math.inf if outer is None else outer.moment):
        return work(*arguments)
    if _watch is None or _listening is None:
        _look_out(thread)
    limit = _Limit(error, moment, outer)
    try:
        return _attempt(limit, thread, work, *arguments)
    except type(error):  # maybe at the very end of the attempt
        _restore(limit, thread)
        raise error from None


def _attempt(limit: _Limit, thread: int, work: Callable, *arguments):
    """What the work returns or raises; where it was late, that it was instead."""
    _limits[thread] = limit
    try:
        answer = work(*arguments)
    except KeyboardInterrupt:
        _restore(limit, thread)
        raise
    except BaseException:
        _restore(limit, thread)
        if limit.is_past:
            raise limit.error from None
        raise
    _restore(limit, thread)
    if limit.is_past:
        raise limit.error
    return answer


def _restore(limit: _Limit, thread: int) -> None:
    """The outer limit holds again, and no exception of the inner one comes any more."""
    if thread == _listening:  # it handles signals itself, and looks up what holds
        _limits[thread] = limit.outer
        return
    with _lock:
        _limits[thread] = limit.outer
    if limit.is_past:
        _absorb(thread)


def _absorb(thread: int) -> None:
    """Let what may still be to come to this thread come here.

    Were it only taken back, CPython 3.11 would go on looking for it at every step, and never get
    further under a tracer.
    """
    try:
        _raise_in(thread, _Absorbed)
        while True:
            pass
    except _Absorbed:
        pass


class _Absorbed(BaseException):
    """In place of an exception that comes too late."""


def _look_out(thread: int) -> None:
    """Have somebody look at the clock, and the main thread listen."""
    global _watch, _listening
    if _listening is None and SIGNAL and thread == threading.main_thread().ident:
        if signal.getsignal(SIGNAL) is signal.SIG_DFL:
            signal.signal(SIGNAL, _on_signal)
            _listening = thread
    if _watch is None:
        _watch = threading.Thread(target=_look_at_the_clock, daemon=True, name="time limits")
        _watch.start()


def _forget() -> None:
    """In a fork, which has the thread that called for it only."""
    global _watch
    _watch = None


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)


def _look_at_the_clock() -> None:
    while True:
        time.sleep(LOOK)
        now = time.monotonic()
        for thread, limit in list(_limits.items()):
            if limit is not None and now >= limit.moment and not limit.is_held:
                limit.moment = now + AGAIN
                _interrupt(thread, limit)


def _interrupt(thread: int, limit: _Limit) -> None:
    """Raise the error in the thread, if the limit still holds there."""
    if thread == _listening:
        limit.is_past = True
        signal.pthread_kill(thread, SIGNAL)
        return
    with _lock:
        if _limits.get(thread) is limit:
            limit.is_past = True
            _raise_in(thread, type(limit.error))


def _on_signal(*_) -> None:
    limit = _limits.get(threading.get_ident())
    if limit is not None and limit.is_past:
        raise type(limit.error)


def _raise_in(thread: int, error: type[BaseException]) -> None:
    """Have an exception raised in a thread once that is at Python code, in place of another."""
    content = ctypes.py_object(error)
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), content)


def limits() -> Iterator[_Limit]:
    """The limits of this thread, inner ones first."""
    limit = _limits.get(threading.get_ident())
    while limit is not None:
        yield limit
        limit = limit.outer
