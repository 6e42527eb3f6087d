"""What ends a run from outside: Ctrl-C, and signals that ask a process to end.

They are one kind of exception, so that a run ends alike for all: with what was found.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from functools import cache

NAMES = {"SIGTERM": "terminated", "SIGHUP": "terminated: the terminal was closed"}
_asked: list[int] = []  # signals that asked for an end which has not been heard of yet


class Terminated(KeyboardInterrupt):
    """The process was asked to end, by the signal of this number."""


@contextlib.contextmanager
def heeded(*numbers: signal.Signals) -> Iterator[None]:
    """A context that signals which ask for an end, all or these, leave by Terminated, Ctrl-C by its
    parent.

    Where such an exception is ignored, as in what the interpreter calls when it forgets an object,
    or made another one of, `heed` raises it again, and so does the end of the context. Signals that
    whoever started the process has it ignore, or handles, stay with them.
    """
    before, hook = {}, sys.unraisablehook
    if threading.current_thread() is threading.main_thread():
        for number in numbers or asking():
            usual = signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL
            if signal.getsignal(number) is usual:
                before[number] = signal.signal(number, _end)
    if before:
        _let_forks_end()
        sys.unraisablehook = _silent(hook)
    try:
        yield
        heed()
    except Exception:
        heed()
        raise
    finally:
        if before:
            sys.unraisablehook = hook
            _asked.clear()
        for number, handler in before.items():
            signal.signal(number, handler)


def _end(number: int, _) -> None:
    _asked.append(number)
    raise _interruption(number)


def _interruption(number: int) -> KeyboardInterrupt:
    return KeyboardInterrupt() if number == signal.SIGINT else Terminated(number)


def _silent(hook: Callable) -> Callable:
    """The hook for exceptions that are ignored, but for what is raised again."""

    def call(ignored) -> None:
        if not (_asked and isinstance(ignored.exc_value, KeyboardInterrupt)):
            hook(ignored)

    return call


def heed() -> None:
    """Raise what asked for an end, where that was not heard of."""
    if _asked:
        raise _interruption(_asked[0])


def may_be_asked() -> bool:
    """Whether a KeyboardInterrupt in this thread may be more than what its code raised itself."""
    if threading.current_thread() is not threading.main_thread():
        return False
    silent = (signal.SIG_IGN, signal.SIG_DFL, _nothing, _end)
    return bool(_asked) or signal.getsignal(signal.SIGINT) not in silent


def asking() -> list[signal.Signals]:
    """The signals of this platform that ask a process to end."""
    return [getattr(signal, name) for name in ("SIGINT", *NAMES) if hasattr(signal, name)]


@contextlib.contextmanager
def postponed() -> Iterator[None]:
    """A context in which processes are started that do not get what asks for an end: the parent
    ends them, while Ctrl-C goes to every process of a terminal.

    The parent itself gets one that comes meanwhile at the end.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    caught: list[int] = []
    masks = hasattr(signal, "pthread_sigmask")  # not on Windows
    # The block is what processes inherit; handlers are for signals that another thread takes.
    handlers = {
        number: signal.signal(number, lambda number, _: caught.append(number))
        for number in asking()
    }
    if masks:
        from multiprocessing import resource_tracker

        # Started by the first process otherwise, and lifts the block for those after it.
        resource_tracker.ensure_running()
        before = signal.pthread_sigmask(signal.SIG_BLOCK, asking())
    try:
        yield
    finally:
        if masks:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        for number, handler in handlers.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
        for each in caught[:1]:
            signal.raise_signal(each)


def heard(interruption: BaseException) -> str:
    """Why a run ended by an interruption, in words; it is not raised again."""
    _asked.clear()
    if isinstance(interruption, Terminated):
        return NAMES[signal.Signals(interruption.args[0]).name]
    return "interrupted"


def exit_code(why: str) -> int | None:
    """The code by which shells know the signal: 128 and its number; None for another reason."""
    for name, words in {"SIGINT": "interrupted", **NAMES}.items():
        if why == words:
            return 128 + getattr(signal, name)
    return None


def leave_to_parent() -> None:
    """In a process started while they are `postponed`: take them, and do nothing.

    Processes that claims start do not inherit that, as they would a block.
    """
    _let_forks_end()
    for number in asking():
        signal.signal(number, _nothing)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, asking())


@cache
def _let_forks_end() -> None:
    """From now on what asks a fork to end does so, and from its first moment.

    It waits until the fork has the usual handlers: one that came before them would be lost, and
    whoever sent it, as a pool that ends its processes, would wait for ever.
    """
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(before=_wait, after_in_parent=_go_on, after_in_child=_as_usual)


_masks = threading.local()  # of threads that are about to fork: what they block else


def _wait() -> None:
    _masks.before = signal.pthread_sigmask(signal.SIG_BLOCK, asking())


def _go_on() -> None:
    signal.pthread_sigmask(signal.SIG_SETMASK, _masks.before)


def _nothing(*_) -> None:
    pass


def _as_usual() -> None:
    for number in asking():
        if signal.getsignal(number) in (_nothing, _end):
            signal.signal(number, signal.SIG_DFL)
    _go_on()
