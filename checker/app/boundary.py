"""The one place where whatever went wrong becomes an exit code and one line on standard error.

What is imported here needs the standard library alone: a broken installation ends here, too.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable, Sequence

from ncfcheck.app import streams
from ncfcheck.core import interruptions
from ncfcheck.core.blame import blamed
from ncfcheck.core.errors import CannotRun

UNEXPECTED, FAILED, PIPE = 1, 2, 141  # as shells tell of SIGPIPE
OPTION, VARIABLE = "--traceback", "NCFCHECK_TRACEBACK"
HINT = f"{OPTION} shows all"


def guarded(command: Callable[[], int], arguments: Sequence[str] = ()) -> int:
    """The exit code of a command: its own, FAILED for whatever it raises, told in one line.

    Where `arguments` or the environment ask for it, the traceback comes before that line. A reader
    that went away, as `head` does, ends it silently, like a program that SIGPIPE ends.
    """
    streams.prepare()
    message, cause = "", None
    try:
        with interruptions.heeded():
            code = command()
    except KeyboardInterrupt as interruption:
        message = interruptions.heard(interruption)
        code = interruptions.exit_code(message)
    except BrokenPipeError:
        code = PIPE
    except (Exception, SystemExit) as error:
        code, message, cause = FAILED, _told(error), error
    unwritten = streams.flush(sys.stdout)
    if isinstance(unwritten, BrokenPipeError):
        code, message = PIPE, ""
    elif unwritten:
        code, message = FAILED, f"cannot write to standard output: {unwritten.strerror}"
    if cause and (OPTION in arguments or os.environ.get(VARIABLE)):
        streams.say_all(traceback.format_exception(cause))
    if message:
        streams.say(message)
    streams.flush(sys.stderr)
    return code


def _told(error: BaseException) -> str:
    """What went wrong, where in the program, and what to do about it."""
    if isinstance(error, CannotRun):
        return str(error)
    what = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    match error:
        case FileNotFoundError() if not _is_somewhere():
            return "the folder that this is run in is not there any more"
        case _ if found := blamed(error):
            advice = f"{found}; {HINT}"
        case OSError():
            advice = HINT
        case MemoryError():
            advice = f"there is not enough memory; {HINT}"
        case ImportError():
            advice = f"a package that ncfcheck needs is missing or broken; {HINT}"
        case _:
            advice = f"a fault of ncfcheck, please report it; {HINT}"
    return f"{what} ({_place(error)}): {advice}"


def _is_somewhere() -> bool:
    """Whether the working folder still exists."""
    try:
        os.getcwd()
    except OSError:
        return False
    return True


def _place(error: BaseException) -> str:
    """File and line of the innermost frame of the program's own, or else of all."""
    frames = list(traceback.walk_tb(error.__traceback__))
    own = [
        (frame, line)
        for frame, line in frames
        if str(frame.f_globals.get("__name__")).split(".")[0] == "ncfcheck"
    ]
    frame, line = (own or frames)[-1]
    return f"{frame.f_code.co_filename}:{line}"
