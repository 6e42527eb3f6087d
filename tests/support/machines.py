"""Machines that lack something: streams, permissions, room, packages; each skips where it cannot be
tried.
"""

import contextlib
import io
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ncfcheck.app import cli
from tests.support import ROOT

SPAWN = "import sys; from ncfcheck.__main__ import main; sys.exit(main())"


def with_stdout(encoding: str, *arguments) -> tuple[int, str, str]:
    """Exit code, output and errors of a command in this process, whose streams are so encoded."""
    found = []
    with contextlib.ExitStack() as stack:
        for redirect in (contextlib.redirect_stdout, contextlib.redirect_stderr):
            found.append(io.TextIOWrapper(io.BytesIO(), encoding=encoding, newline=""))
            stack.enter_context(redirect(found[-1]))
        code = cli.main([str(each) for each in arguments])
    for each in found:
        each.flush()
    out, err = (each.buffer.getvalue().decode(encoding) for each in found)
    return code, out, err


def shell(line: str, folder: Path, **settings) -> subprocess.CompletedProcess:
    """A line of bash in a folder, where $NCF is the command and $VERIFIER the verifier alone; its
    exit code is that of the first of a pipe that fails.
    """
    own = {
        "NCF": f"{sys.executable} -m ncfcheck",
        "VERIFIER": f"{sys.executable} {ROOT / 'checker' / 'verifier' / '__main__.py'}",
    }
    environment = {**os.environ, **own, **settings}
    return subprocess.run(
        ["bash", "-o", "pipefail", "-c", line],
        cwd=folder,
        env={name: value for name, value in environment.items() if value is not None},
        capture_output=True,
        text=True,
        errors="replace",
        timeout=300,
    )


def bounded(*command) -> list[str]:
    """The command as one that permissions of files bind, which they do not bind root."""
    if os.name != "posix" or not hasattr(os, "geteuid"):
        pytest.skip("permissions are not those of POSIX")
    if os.geteuid() != 0:
        return [str(each) for each in command]
    if not shutil.which("setpriv"):
        pytest.skip("root is not bound by permissions, and there is no setpriv")
    without = "--bounding-set=-dac_override,-dac_read_search"
    return ["setpriv", without, *(str(each) for each in command)]


@contextlib.contextmanager
def small_disk(folder: Path, size: str):
    """A file system of its own in a folder, of so many bytes."""
    folder.mkdir(exist_ok=True)
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)], capture_output=True
    )
    if mounted.returncode:
        pytest.skip("no file system can be mounted here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def broken_package(folder: Path, name: str, error: str = "ImportError('broken')") -> str:
    """A folder for PYTHONPATH in which a package of this name cannot be imported."""
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.py").write_text(f"raise {error}\n")
    return str(folder)


def told_once(err: str, start: str) -> bool:
    """Whether standard error is one line that begins so."""
    return err.startswith(f"ncfcheck: {start}") and len(err.splitlines()) == 1
