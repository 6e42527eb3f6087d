"""Claims that meddle with what others need: with signals, forks, numpy's settings, messages."""

import json

import pytest

from tests.support.commands import claim_file, ncfcheck

MEDDLERS = '''
import multiprocessing
import os
import subprocess

from ncfcheck import CONTROL

DENSE = instances(only_dense=True)


def stated(name, kind=CONJECTURE):
    return claim("mine." + name, kind=kind, reference="-", given=DENSE)


@stated("ends_a_child")
def ends_a_child(instance):
    """A child process that is asked to end does."""
    child = subprocess.Popen(["sleep", "30"])
    child.terminate()
    return Margin(1.0 if child.wait(20) == -15 else -1.0, 0.0)


@stated("pool")
def pool(instance):
    """A pool of forks answers, and ends."""
    with multiprocessing.get_context("fork").Pool(2) as workers:
        return Margin(float(sum(workers.map(abs, [1, 2]))), 0.0)


@stated("forks")
def forks(instance):
    """True; but goes on twice."""
    os.fork()
    return Margin(1.0, 0.0)


class Odd(Exception):
    def __str__(self):
        raise ValueError("no words")


@stated("odd")
def odd(instance):
    """An error that cannot be told."""
    raise Odd


@stated("surrogate")
def surrogate(instance):
    """A note that no file takes."""
    return Margin(-1.0, 0.0, "\\ud800")


@stated("sets")
def sets(instance):
    """Settings of numpy are changed."""
    np.seterr(all="raise")
    return Margin(1.0, 0.0)


@stated("underflows")
def underflows(instance):
    """1e-300 squared is no error."""
    return Margin(1.0 + np.float64(1e-300) * np.float64(1e-300), 0.0)


@stated("false", CONTROL)
def false(instance):
    """False."""
    return Margin(-1.0, 0.0)
'''


@pytest.mark.skipif("not hasattr(__import__('os'), 'fork')", reason="this platform has no fork")
def test_claims_that_meddle(tmp_path):
    """claims that fork, end children, set numpy, raise what has no words → each its verdict"""
    path, how = claim_file(tmp_path, MEDDLERS), ("--examples", 6, "--instance-timeout", 15)
    found = ncfcheck(
        "check", "--claims", path, *how, "--json", "a.json", folder=tmp_path, timeout=200
    )
    assert found.returncode == 2 and "Traceback" not in found.stderr, found.stderr
    rows = json.loads((tmp_path / "a.json").read_text())["claims"]
    verdicts = {row["id"].removeprefix("mine."): row["verdict"] for row in rows}
    assert verdicts == {
        "ends_a_child": "not refuted",
        "pool": "not refuted",
        "forks": "not refuted",
        "odd": "unresolved",
        "surrogate": "potential",
        "sets": "not refuted",
        "underflows": "not refuted",
        "false": "potential",
    }
