"""The workflow: every command in it exists with the options it is given, and every shard is checked
and merged.
"""

import re
import shlex

import pytest

from ncfcheck.app.cli import cli
from tests.support import ROOT

yaml = pytest.importorskip("yaml")
WORKFLOW = yaml.safe_load((ROOT / ".github" / "workflows" / "check.yml").read_text())


def commands():
    """Words of every line of the workflow that runs ncfcheck."""
    lines = [
        step["run"] for job in WORKFLOW["jobs"].values() for step in job["steps"] if "run" in step
    ]
    found = [
        line
        for text in lines
        for line in text.replace("\\\n", " ").splitlines()
        if line.strip().startswith("ncfcheck")
    ]
    return [shlex.split(re.sub(r"\$\{\{.*?\}\}", "1", line.split("||")[0])) for line in found]


def test_every_command_has_the_options_it_is_given():
    assert [words[1] for words in commands()] == ["check", "merge", "report"]
    for words in commands():
        options = {name for parameter in cli.commands[words[1]].params for name in parameter.opts}
        assert {word for word in words if word.startswith("-")} <= options, words


def test_all_shards_are_checked():
    shards = WORKFLOW["jobs"]["claims"]["strategy"]["matrix"]["shard"]
    assert shards == list(range(1, len(shards) + 1))
    assert f"1/{len(shards)}" in commands()[0]
