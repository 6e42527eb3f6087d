"""What asks a run to end is never lost, whatever became of the exception that told so."""

import signal
import subprocess
import sys
import weakref

import pytest

from ncfcheck.app.boundary import guarded
from ncfcheck.core import interruptions
from ncfcheck.core.interruptions import Terminated, heed, heeded
from ncfcheck.run.crews import Here
from ncfcheck.run.workers import work_through

pytestmark = pytest.mark.usefixtures("ctrl_c")
ASKING = {signal.SIGINT: (KeyboardInterrupt, 130), signal.SIGTERM: (Terminated, 143)}


class Thing:
    """What may be forgotten."""


def ignored(number):
    """The signal comes in what is called when an object is forgotten."""
    thing = Thing()
    reference = weakref.ref(thing, lambda _: signal.raise_signal(number))
    del thing
    return reference


def swallowed(number):
    """Something catches everything."""
    try:
        signal.raise_signal(number)
    except BaseException:
        pass


def changed(number):
    """Something makes another exception of it."""
    try:
        signal.raise_signal(number)
    except BaseException as error:
        raise ImportError("half imported") from error


@pytest.mark.parametrize("number", ASKING)
@pytest.mark.parametrize("lose", [ignored, swallowed, changed])
def test_one_that_was_lost_is_raised_at_the_end(number, lose, capsys):
    with pytest.raises(ASKING[number][0]), heeded():
        lose(number)
    assert capsys.readouterr().err == ""
    heed()  # raised once


@pytest.mark.parametrize("number", ASKING)
@pytest.mark.parametrize("lose", [ignored, swallowed, changed])
def test_a_command_that_lost_one_is_interrupted(number, lose, capsys):
    assert guarded(lambda: lose(number) and 0) == ASKING[number][1]
    assert len(capsys.readouterr().err.splitlines()) == 1


@pytest.mark.parametrize("lose", [ignored, swallowed])
def test_work_goes_no_further_than_one_that_was_lost(lose):
    done = []
    with pytest.raises(KeyboardInterrupt), heeded():
        for unit, _ in work_through(Here(lambda: done.append, ()), iter("abc").__next__):
            if unit == "b":
                lose(signal.SIGINT)
    assert done == ["a", "b"]


def test_one_that_was_heard_of_is_not_raised_again():
    with heeded():
        try:
            signal.raise_signal(signal.SIGTERM)
        except KeyboardInterrupt as error:
            assert interruptions.heard(error) == "terminated"
        heed()


def test_other_exceptions_that_are_ignored_are_told(monkeypatch):
    told = []
    monkeypatch.setattr(sys, "unraisablehook", lambda found: told.append(found.exc_type))
    with heeded():
        thing = Thing()
        reference = weakref.ref(thing, lambda _: 1 / 0)
        del thing
    assert told == [ZeroDivisionError] and reference() is None


FORKS = """
import os, signal, sys, time
from ncfcheck.core import interruptions

def ended_by(number):
    child = os.fork()
    if not child:
        time.sleep(5)
        os._exit(0)
    os.kill(child, number)  # before it has come to anything
    return os.WTERMSIG(os.waitpid(child, 0)[1])

def all_end():
    numbers = [signal.SIGTERM, signal.SIGINT] * 20
    return [ended_by(number) for number in numbers] == numbers

"""
PLACES = {
    "a worker": "interruptions.leave_to_parent(); sys.exit(not all_end())",
    "a run": "with interruptions.heeded(): sys.exit(not all_end())",
}


@pytest.mark.skipif("not hasattr(__import__('os'), 'fork')", reason="this platform has no fork")
@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES)
def test_a_fork_that_is_asked_to_end_at_once_does(place):
    assert subprocess.run([sys.executable, "-c", FORKS + place], timeout=60).returncode == 0
