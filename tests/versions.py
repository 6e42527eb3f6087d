"""The suite's core on other versions of what is needed: `make test-lowest`, `make test-versions`.

python -m tests.versions core                     the core, on the versions installed
python -m tests.versions hypothesis [RELEASE …]   releases of Hypothesis: both sides of what we
                                                have to do with it, and the same results
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.support import ROOT

# The lowest that pyproject.toml admits, some between, and the newest there is.
RELEASES = ("6.165.3", "6.166.0", "6.167.1", "6.168.5", "6.170.0", "6.170.11", "")
HYPOTHESIS = ("hypothesis", "choices")
CORE = (
    *HYPOTHESIS,
    *("generators", "datasets", "networks", "ncf", "kernels", "rounding", "table", "starts"),
    *("flow", "kkt", "rank_one", "early", "moves", "instances", "witness", "claims", "replay"),
    *("check", "cli", "own_claims", "search", "certify_limits", "exit_codes", "homes"),
)
CLAIMS = ("homogeneity.*", "kkt.*", "control.signless", "conjecture.rank_one_maxima")


def tested(names: tuple[str, ...], path: str = "") -> bool:
    """Whether the tests pass, with the packages in a folder before those installed."""
    files = [path for name in names for path in (ROOT / "tests").rglob(f"test_{name}.py")]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    # Not what needs scikit-learn, nor click's words for a wrong option.
    command += ["-k", "not real_tables and not frob"]
    return _run([*command, *map(str, files)], path) == 0


def results(path: str, folder: Path) -> str:
    """What a check of some claims tells as JSON, but for versions and times."""
    file = folder / "results.json"
    command = [sys.executable, "-m", "ncfcheck", "check", *CLAIMS, "--examples", "30"]
    _run([*command, "--workers", "1", "--quiet", "--json", str(file)], path)
    return json.dumps(_without(json.loads(file.read_text())), indent=1)


def _without(found):
    """Without the entries whose values differ from run to run."""
    if isinstance(found, dict):
        return {
            key: _without(value)
            for key, value in found.items()
            if key not in ("versions", "seconds")
        }
    return [_without(each) for each in found] if isinstance(found, list) else found


def _run(command: list[str], path: str) -> int:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, [path, str(ROOT)]))}
    return subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode


def _installed(release: str, folder: Path) -> str:
    """A folder with a release of Hypothesis, the newest where none is named."""
    wanted = f"hypothesis=={release}" if release else "hypothesis"
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--target", str(folder), wanted]
    subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
    return str(folder)


def main(what: str, *releases: str) -> int:
    """The exit code: 0 where all is well."""
    if what == "core":
        return 0 if tested(CORE) else 1
    failed, told = [], set()
    for release in releases or RELEASES:
        with tempfile.TemporaryDirectory() as folder:
            print(f"Hypothesis {release or '(newest)'}", flush=True)
            path = _installed(release, Path(folder) / "packages")
            told.add(results(path, Path(folder)))
            if not tested(HYPOTHESIS, path) or len(told) > 1:
                failed.append(release or "the newest")
    print(f"failed: {', '.join(failed)}" if failed else "all the same, byte for byte")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
