"""No home, no cache, no room, other people's settings: the work is done all the same."""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import warnings

import pytest

from ncfcheck.app import cli
from ncfcheck.core import compiling
from tests.support import ROOT
from tests.support.machines import bounded, broken_package, small_disk

KERNEL = """
from ncfcheck.core.compiling import bare, compiled

@bare()
def inner(x):
    return 2.0 * x

@compiled()
def hot(x):
    return inner(x) + 1.0
"""


@pytest.fixture
def kernel(tmp_path, monkeypatch):
    """Load a module with compiled functions anew, and its cache files by their endings."""
    path = tmp_path / "kernel.py"
    path.write_text(KERNEL)
    monkeypatch.setattr(compiling, "_told", [])
    monkeypatch.setattr(compiling.config, "CACHE_DIR", "")
    for each in (compiling._try, compiling._is_writable):
        each.cache_clear()

    def load():
        spec = importlib.util.spec_from_file_location("kernel", path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    load.files = lambda kind: sorted(tmp_path.glob(f"**/*.{kind}"))
    return load


def hits(module) -> int:
    return sum(module.hot.stats.cache_hits.values())


def test_a_cache_in_order(kernel):
    """a cache of compiled functions in order → used"""
    assert kernel().hot(1.0) == 3.0 and len(kernel.files("nbi")) == 2
    again = kernel()
    assert again.hot(1.0) == 3.0 and hits(again) == 1


TORN = {
    "cut": lambda content: content[: len(content) // 2],
    "empty": lambda content: b"",
    "other content": lambda content: b"\x80\x05garbage" + bytes(range(256)),
    "of another numba": lambda content: (
        b"\x80\x04\x95\x08\x00\x00\x00\x00\x00\x00\x00\x8c\x040.1.\x94."
    ),
}


@pytest.mark.parametrize("damage", TORN)
@pytest.mark.parametrize("kind", ["nbi", "nbc"])
def test_a_damaged_cache(kind, damage, kernel):
    """files of the cache cut, empty, garbage, of another numba → compiled anew, mended"""
    assert kernel().hot(1.0) == 3.0
    for path in kernel.files(kind):
        path.write_bytes(TORN[damage](path.read_bytes()))
    assert kernel().hot(1.0) == 3.0
    mended = kernel()
    assert mended.hot(1.0) == 3.0 and hits(mended) == 1


def test_a_disk_that_fills_up(kernel, monkeypatch):
    """the disk fills up while compiled functions are written → computed; nothing stale is left"""
    from numba.core import caching

    def full(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as filled:
        filled.setattr(caching.IndexDataCacheFile, "_save_data", full)
        assert kernel().hot(1.0) == 3.0
    assert kernel.files("nbc") == []
    again = kernel()
    assert again.hot(1.0) == 3.0 and hits(again) == 0


def test_no_room_for_the_cache(kernel, tmp_path, monkeypatch):
    """NUMBA_CACHE_DIR on a full disk → computed, one warning"""
    with small_disk(tmp_path / "small", "64k") as folder:
        monkeypatch.setattr(compiling.config, "CACHE_DIR", str(folder))
        with pytest.warns(UserWarning, match="No space left on device") as told:
            assert kernel().hot(1.0) == 3.0
            assert kernel().hot(1.0) == 3.0
        assert len(told) == 1


def test_no_folder_for_the_cache(kernel, monkeypatch):
    """no folder that can be written, for whatever reason → computed, one warning"""
    monkeypatch.setattr(compiling._Forgiving, "__init__", _none)
    with pytest.warns(UserWarning, match="set NUMBA_CACHE_DIR") as told:
        assert kernel().hot(1.0) == 3.0
    assert len(told) == 1 and kernel.files("nb?") == []


def _none(*_):
    raise RuntimeError("no locator available")


def test_no_home(kernel, tmp_path, monkeypatch):
    """no HOME and no entry for the user, NUMBA_CACHE_DIR to be made → made and used, no folder ~"""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(compiling, "_is_home_known", lambda: False)
    monkeypatch.setattr(compiling.config, "CACHE_DIR", str(tmp_path / "to" / "make"))
    with warnings.catch_warnings(action="error"):
        assert kernel().hot(1.0) == 3.0
    assert len(list((tmp_path / "to" / "make").glob("**/*.nbc"))) == 2
    assert not (tmp_path / "~").exists()


def test_the_warning_is_for_the_process_that_users_see(kernel, monkeypatch):
    """no cache, and a worker process → the worker says nothing"""
    monkeypatch.setattr(compiling._Forgiving, "__init__", _none)
    monkeypatch.setattr(compiling.multiprocessing.current_process(), "_config", {})
    monkeypatch.setattr(compiling.multiprocessing.current_process(), "name", "SpawnProcess-1")
    with warnings.catch_warnings(action="error"):
        assert kernel().hot(1.0) == 3.0


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """The program in a folder that may only be read, without compiled functions; what PYTHONPATH
    makes of it, and of a user that the system does not know.
    """
    site = tmp_path_factory.mktemp("site")
    skip = shutil.ignore_patterns("*.nbi", "*.nbc", "*.tmp.*")
    shutil.copytree(ROOT / "checker", site / "ncfcheck", ignore=skip)
    shutil.copytree(ROOT / "properties", site / "ncfcheck" / "properties", ignore=skip)
    (site / "sitecustomize.py").write_text(NOBODY)
    folders = [site, *(path for path in site.rglob("*") if path.is_dir())]
    for folder in folders:
        folder.chmod(0o555)
    yield str(site)
    for folder in folders:
        folder.chmod(0o755)


NOBODY = """
import pwd

def _none(number):
    raise KeyError(number)

pwd.getpwuid = _none
"""
NOWHERE = {
    "HOME=/nonexistent": {"HOME": "/proc/nonexistent"},
    "HOME unset": {"HOME": None},
    "NUMBA_CACHE_DIR": {"HOME": "/proc/nonexistent", "NUMBA_CACHE_DIR": "/proc/nonexistent"},
    "XDG": {name: "/proc/none" for name in ("HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME")},
}
CHECK = ("check", "homogeneity.euler", "control.biases", "--examples", "2", "--quiet")


def homeless(installed, folder, *arguments, **settings):
    """A command of the program in a folder that may only be read, without a home; its output."""
    environment = {**os.environ, "PYTHONPATH": installed, **settings}
    return subprocess.run(
        bounded(sys.executable, "-m", "ncfcheck", *arguments),
        cwd=folder,
        env={name: value for name, value in environment.items() if value is not None},
        capture_output=True,
        text=True,
        timeout=600,
    )


@pytest.mark.long
@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("settings", NOWHERE)
def test_a_check_without_a_home(settings, workers, installed, tmp_path):
    """installed read-only, no home, an unknown user → checked, one warning, no folder ~"""
    done = homeless(
        installed,
        tmp_path,
        *CHECK,
        "--workers",
        str(workers),
        "--html",
        "a.html",
        **NOWHERE[settings],
    )
    assert done.returncode == 0, done.stderr
    [warning] = done.stderr.splitlines()
    assert warning.startswith("ncfcheck: warning: compiled functions cannot be kept")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.html", "reports"]


def test_claims_without_a_home(installed, tmp_path):
    """installed read-only, no home, an unknown user: list → listed, one warning"""
    done = homeless(installed, tmp_path, "list", "homogeneity.*", HOME=None)
    assert done.returncode == 0 and "homogeneity.euler" in done.stdout
    assert len(done.stderr.splitlines()) == 1 and list(tmp_path.iterdir()) == []


@pytest.mark.long
@pytest.mark.parametrize("damage", list(TORN)[:3])
def test_a_check_with_a_damaged_cache(damage, tmp_path):
    """every file of the whole cache damaged → every verdict as expected, mended, no word of it"""
    cache = tmp_path / "cache"
    run = [sys.executable, "-m", "ncfcheck", *CHECK, "--workers", "2"]
    settings = {"cwd": tmp_path, "env": os.environ | {"NUMBA_CACHE_DIR": str(cache)}}
    assert subprocess.run(run, **settings, capture_output=True).returncode == 0
    for path in cache.glob("**/*.nb?"):
        path.write_bytes(TORN[damage](path.read_bytes()))
    done = subprocess.run(run, **settings, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert re.search(r"2 claims, 3 instances, .*: every verdict as expected", done.stdout)


SETTINGS = {
    "text.usetex": {"matplotlibrc": "text.usetex: True\nfont.size: 40\n"},
    "broken matplotlibrc": {"matplotlibrc": "nonsense: 1\n::\nbackend: nonsense\n\xff"},
    "MPLBACKEND": {"MPLBACKEND": "nonsense"},
    "MPLCONFIGDIR": {"MPLCONFIGDIR": "/proc/nonexistent"},
    "MATPLOTLIBRC": {"MATPLOTLIBRC": "/nonexistent"},
}


@pytest.mark.long
@pytest.mark.parametrize("settings", SETTINGS)
def test_a_figure_under_other_peoples_settings(settings, tmp_path):
    """usetex, a broken matplotlibrc, MPLBACKEND=nonsense → the same figure, and nothing is said"""
    plot = [sys.executable, "-m", "ncfcheck", "plot", "flow.monotone@0/1", "-o"]
    plain = tmp_path / "plain.svg"
    subprocess.run([*plot, plain], cwd=ROOT, check=True)
    chosen = dict(SETTINGS[settings])
    if "matplotlibrc" in chosen:
        (tmp_path / "matplotlibrc").write_text(chosen.pop("matplotlibrc"), encoding="latin-1")
    done = subprocess.run(
        [*plot, "a.svg"], cwd=tmp_path, env=os.environ | chosen, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "a.svg").read_bytes() == plain.read_bytes()


def test_figures_from_python_under_other_peoples_settings():
    """text.usetex and a style of the user's own, from Python → the same figure; theirs is kept"""
    from matplotlib import rc_context, rcParams

    from ncfcheck.core.loading import load_claims
    from ncfcheck.report import plots
    from ncfcheck.report.examples import portrait_of

    load_claims()
    portrait = portrait_of("flow.monotone@0/1")
    plain = plots.save(plots.plot(portrait), "a.svg")
    with rc_context({"text.usetex": True, "font.size": 30, "figure.dpi": 20}):
        assert plots.save(plots.plot(portrait), "a.svg") == plain
        assert rcParams["text.usetex"] and rcParams["font.size"] == 30


def test_a_page_with_a_broken_matplotlib(tmp_path):
    """matplotlib cannot be imported → the page without figures, one warning, exit code 0"""
    broken = broken_package(tmp_path / "broken", "matplotlib", "OSError(30, 'Read-only')")
    run = [*CHECK[:2], *CHECK[3:], "--workers", "1", "--html", "a.html"]
    done = subprocess.run(
        [sys.executable, "-m", "ncfcheck", *run],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": broken},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0 and (tmp_path / "a.html").stat().st_size
    assert done.stderr.startswith("ncfcheck: warning: flows are not drawn: OSError")


def test_commands_without_a_folder_for_temporary_files(command, monkeypatch):
    """TMPDIR that cannot be written → commands work all the same"""
    import tempfile

    monkeypatch.setenv("TMPDIR", "/proc/nonexistent")
    monkeypatch.setattr(tempfile, "tempdir", None)
    assert command("check", "toy.true", "--workers", 1, "--html", "a.html")[0] == 0
    assert cli.main(["show", "toy.true"]) == 0
