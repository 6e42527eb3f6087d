"""The wheel where users are: beside the package index's `properties`, and in a project with a
`checker.py` and a folder `properties` of its own: `make test-wheel`.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

PROJECT = {
    "checker.py": "ANSWER = 42\n",
    "properties/__init__.py": "",
    "properties/mine.py": "ANSWER = 43\n",
    "test_own.py": "import checker\nfrom properties import mine\n\n\n"
    "def test_own():\n    assert (checker.ANSWER, mine.ANSWER) == (42, 43)\n",
    "claims.py": '''from ncfcheck import CONJECTURE, Margin, claim, instances


@claim("mine.positive", kind=CONJECTURE, reference="notes", given=instances(only_dense=True))
def positive(instance):
    """The NCF is positive at every start."""
    return Margin(instance.ncf.value(instance.start), 1e-9)
''',
}
COMMANDS = (
    ("ncfcheck --version", 0),
    ("ncfcheck list", 0),
    ("ncfcheck show flow.monotone", 0),
    ("ncfcheck check homogeneity.euler control.biases --examples 10 --html page.html", 0),
    ("ncfcheck check --claims claims.py --examples 10 --certify", 0),
    ("ncfcheck hunt mine.positive --claims claims.py --budget 60 --workers 1", 0),
    ("ncfcheck replay reports/counterexamples/mine.positive.json --claims claims.py", 1),
    ("ncfcheck plot flow.monotone -o flow.svg", 0),
    ("ncfcheck verify reports/counterexamples/mine.positive.json", 1),
    ("ncfcheck report", 0),
    ("python -m ncfcheck list kkt.*", 0),
    ("python -m ncfcheck.verifier", 2),
    ("python -m pytest -q", 0),
    ("python -m pytest -q --pyargs ncfcheck.properties -k euler --ncf-examples 5", 0),
)


def main() -> int:
    """The exit code: 0 where every command ends as it should."""
    failed = []
    beside = Path(sys.executable).parent
    environment = os.environ | {"PATH": f"{beside}{os.pathsep}{os.environ['PATH']}"}
    with tempfile.TemporaryDirectory() as folder:
        for name, content in PROJECT.items():
            path = Path(folder) / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(content)
        for command, expected in COMMANDS:
            found = subprocess.run(
                command.split(), cwd=folder, env=environment, capture_output=True, text=True
            )
            print(f"{found.returncode}  {command}", flush=True)
            if found.returncode != expected or "Traceback" in found.stderr:
                failed.append(command)
                print(found.stdout[-2000:], found.stderr[-2000:])
    print(f"failed: {', '.join(failed)}" if failed else "all as they should")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
