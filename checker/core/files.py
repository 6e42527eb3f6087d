"""Output files: checked before a long run, written whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path


class Unwritable(Exception):
    """A file cannot be written; the message names it and says why."""


def check_writable(path) -> None:
    """Raise Unwritable unless a file can be written at this path; leaves nothing behind."""
    path = Path(path)
    try:
        if path.is_dir():
            raise IsADirectoryError(0, "is a directory")
        if _special(path):
            path.open("ab").close()
        else:
            _temporary(path).open("xb").close()
            _temporary(path).unlink()
    except OSError as error:
        raise Unwritable(f"cannot write {path}: {error.strerror}") from error


def write(path, content: bytes) -> None:
    """Write the file: readers see the old content or the new, never a part. Raises Unwritable."""
    path = Path(path)
    try:
        if _special(path):
            path.write_bytes(content)
        else:
            _temporary(path).write_bytes(content)
            os.replace(_temporary(path), path)
    except OSError as error:
        raise Unwritable(f"cannot write {path}: {error.strerror}") from error


def _special(path: Path) -> bool:
    """A device, pipe or link: it must be written to, not replaced."""
    return path.is_symlink() or (path.exists() and not path.is_file())


def _temporary(path: Path) -> Path:
    return path.with_name(f".{path.name}.{os.getpid()}.tmp")
