"""Output files: checked before a long run, written whole or not at all."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from ncfcheck.core.errors import CannotRun

STDOUT = Path("-")  # where a command takes a file to write


class Unwritable(CannotRun):
    """A file cannot be written; the message names it and says why."""


def check_writable(path) -> None:
    """Raise Unwritable unless a file can be written at this path; leaves nothing behind."""
    path = Path(path)
    if path == STDOUT:
        return
    try:
        if path.is_dir():
            raise IsADirectoryError(0, "is a directory")
        if _special(path):
            path.open("ab").close()
        else:
            _temporary(path).open("wb").close()
            _temporary(path).unlink()
    except OSError as error:
        raise _unwritable(path, error) from error


def write(path, content: bytes) -> None:
    """Write the file: readers see the old content or the new, never a part. Raises Unwritable."""
    path = Path(path)
    try:
        if path == STDOUT:
            _print(content)
        elif _special(path):
            path.write_bytes(content)
        else:
            _replace(path, content)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise _unwritable(path, error) from error


def make_folder(path) -> None:
    """Have a folder at this path, and those above it. Raises Unwritable."""
    try:
        Path(path).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unwritable(path, error) from error


def _unwritable(path, error: OSError) -> Unwritable:
    name = "standard output" if path == STDOUT else path
    return Unwritable(f"cannot write {name}: {error.strerror}")


def _print(content: bytes) -> None:
    sys.stdout.flush()
    sys.stdout.buffer.write(content)
    sys.stdout.buffer.flush()


def _replace(path: Path, content: bytes) -> None:
    try:
        _temporary(path).write_bytes(content)
        os.replace(_temporary(path), path)
    except OSError:
        _temporary(path).unlink(missing_ok=True)
        raise


def _special(path: Path) -> bool:
    """A device, pipe or link: it must be written to, not replaced."""
    return path.is_symlink() or (path.exists() and not path.is_file())


def _temporary(path: Path) -> Path:
    """Beside the file, with a name that is not too long wherever the file's is not."""
    return path.with_name(f".ncfcheck.{os.getpid()}.tmp")
