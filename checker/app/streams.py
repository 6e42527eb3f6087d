"""Standard streams of any encoding, closed, full or gone: what cannot be written costs no run."""

from __future__ import annotations

import codecs
import contextlib
import os
import sys
import unicodedata
from collections.abc import Iterable

ERRORS = "ncfcheck.plain"  # how characters that an encoding lacks are written
SPELLED = {
    "§": "sec. ",
    "≤": "<=",
    "≥": ">=",
    "≠": "!=",
    "≈": "~",
    "±": "+-",
    "∓": "-+",
    "×": "x",
    "⊗": "(x)",
    "·": "*",
    "∘": "o",
    "−": "-",
    "–": "-",
    "—": "-",
    "→": "->",
    "…": "...",
    "‖": "|",
    "∥": "|",
    "⟨": "<",
    "⟩": ">",
    "∇": "grad ",
    "∠": "angle ",
    "∂": "d",
    "∫": "int ",
    "√": "sqrt ",
    "∞": "inf",
    "∈": "in",
    "∝": "~",
    "⁄": "/",
    "’": "'",
}


def plain(error: UnicodeError) -> tuple[str, int]:
    """A handler of encoding errors: what cannot be written in ASCII, ? for what has no spelling."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(map(_spelled, error.object[error.start : error.end])), error.end


def _spelled(character: str) -> str:
    name = unicodedata.name(character, "")
    if character not in SPELLED and name.startswith("GREEK"):
        return name.split()[-1].lower()
    parts = unicodedata.normalize("NFKD", character)
    found = "".join(SPELLED.get(each, each) for each in parts)
    return found.encode("ascii", "ignore").decode() or "?"


codecs.register_error(ERRORS, plain)


def prepare() -> None:
    """Have both output streams lose characters rather than fail, and no file opened in the place of
    a closed one.
    """
    with contextlib.suppress(OSError):
        while (opened := os.open(os.devnull, os.O_RDWR)) <= 2:
            pass
        os.close(opened)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors=ERRORS)


def say(message: str) -> None:
    """One line on standard error, if it takes one."""
    from ncfcheck.core.describing import one_line

    with contextlib.suppress(OSError):
        print(f"ncfcheck: {one_line(message)}", file=sys.stderr, flush=True)


def say_all(lines: Iterable[str]) -> None:
    """Lines as they are on standard error, if it takes them."""
    with contextlib.suppress(OSError):
        print("".join(lines), file=sys.stderr, end="")


def warn(message: str) -> None:
    """One line on standard error about something that does not stop the command."""
    say(f"warning: {message}")


def flush(stream) -> OSError | None:
    """Write what is still to be written; what prevented it, the rest then being dropped."""
    try:
        if stream is not None:
            stream.flush()
    except OSError as error:
        with contextlib.suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
        return error
    return None
