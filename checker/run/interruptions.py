"""What ends a run from outside: Ctrl-C, and signals that ask a process to end.

They are one kind of exception, so that a run ends alike for all: with what was found.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Iterator

NAMES = {"SIGTERM": "terminated", "SIGHUP": "terminated: the terminal was closed"}


class Terminated(KeyboardInterrupt):
    """The process was asked to end, by the signal of this number."""


@contextlib.contextmanager
def heeded() -> Iterator[None]:
    """A context that signals which ask for an end leave by Terminated, like Ctrl-C by its parent.

    Those that whoever started the process has it ignore stay ignored.
    """
    before = {}
    if threading.current_thread() is threading.main_thread():
        for number in asking():
            if number != signal.SIGINT and signal.getsignal(number) is signal.SIG_DFL:
                before[number] = signal.signal(number, _terminate)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


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
        for number in caught[:1]:
            signal.raise_signal(number)


def told(interruption: BaseException) -> str:
    """Why a run ended by an interruption, in words."""
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
    for number in asking():
        signal.signal(number, _nothing)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, asking())
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=_as_usual)


def _nothing(*_) -> None:
    pass


def _as_usual() -> None:
    for number in asking():
        signal.signal(number, signal.SIG_DFL)


def _terminate(number: int, _) -> None:
    raise Terminated(number)
