"""Whatever a file holds, the verifier ends soon, in little memory, and tells one line."""

from __future__ import annotations

import copy
import json
import os
import resource
import subprocess
import sys
import threading
import time

import pytest

from ncfcheck.app.cli import main as command_line
from ncfcheck.verifier import Rejected, files, verify, witnesses
from ncfcheck.verifier.__main__ import main
from tests.support import ROOT
from tests.support.certified import resealed, witness

VERIFIER = ROOT / "checker" / "verifier" / "__main__.py"
SECONDS, MEMORY = 20, 1 << 30
ONE, SIZE = (1.0).hex(), 20_000_000 - 1000
BOX = {"centre": [ONE], "radius": (2.0**-80).hex(), "scale": 0, "generators": []}


def array(values) -> dict:
    shape, inner = [], values
    while isinstance(inner, list):
        shape, inner = [*shape, len(inner)], inner[0]
    return {"array": values, "shape": shape}


def network(widths: list, power: int = 1, samples: int = 1, slope: float = 1.0) -> dict:
    """An instance of a dense network, all numbers 1, its start a unit vector."""
    found = copy.deepcopy(witness("control.zero_points")["instance"])
    depth, size = len(widths) - 1, sum(a * b for a, b in zip(widths, widths[1:]))
    found["problem"] |= {
        "X": array([[ONE] * widths[0]] * samples),
        "y": array([[ONE] * widths[-1]] * samples),
        "network": found["problem"]["network"]
        | {
            "widths": {"tuple": widths},
            "powers": {"tuple": [power] * (depth - 1)},
            "slopes": {"tuple": [{"float": slope.hex()}] * (depth - 1)},
            "patterns": {"tuple": [{"type": "Pattern", "kind": "dense", "index": None}] * depth},
        },
    }
    found["start"] = array([(size**-0.5).hex()] * size)
    return found


def structured(widths: list, samples: int) -> dict:
    """The same at a structured point, with p = 1 and a kink."""
    found = network(widths, 1, samples, 0.5)
    hidden = [array([(n**-0.5).hex()] * n) for n in widths[1:-1]]
    return found | {
        "type": "RankOneInstance",
        "u": array([(widths[0] ** -0.5).hex()] * widths[0]),
        "signs": {"tuple": [{"float": ONE}] * len(hidden)},
        "profiles": {"tuple": hidden},
        "norms": None,
    }


def claiming(id: str, instance: dict, data: dict) -> str:
    """A witness file with a seal that fits."""
    found = {**witness(id), "worst": None, "instance": instance}
    found["certificate"]["data"] = data
    return json.dumps(resealed(found))


def edited(id: str, **data) -> str:
    found = witness(id)
    found["certificate"]["data"] |= data
    return json.dumps(resealed(found))


def wide_box(widths: list, active: list, count: int, **more) -> str:
    box = {**BOX, "centre": [(0.01).hex()] * count, **more}
    return claiming("control.saddles", network(widths), {"box": box, "active": active})


def generators() -> str:
    turns = [[0, a, b] for b in range(12) for a in range(b)]
    active = [list(range(12))]
    return wide_box([2, 12, 1], active, 36 + 1 + len(turns), generators=turns)


def long_tube() -> str:
    found = witness("control.large_init_collapse")
    for name in ("ncf", "loss"):
        if steps := found["certificate"]["data"].get(name):
            found["certificate"]["data"][name] = steps[:1] * 500
    return json.dumps(resealed(found))


HOSTILE = {
    "open brackets": lambda: "[" * SIZE,
    "nested lists": lambda: '{"a": ' + "[" * (SIZE // 2) + "]" * (SIZE // 2) + "}",
    "nested by hundreds": lambda: '{"a": [' + ("[" * 300 + "]" * 300 + ",") * 33_000 + "[]]}",
    "empty lists": lambda: '{"a": [' + "[]," * (SIZE // 3) + "[]]}",
    "a million lists": lambda: '{"a": [' + "[[[0]]]," * 249_990 + "[]]}",
    "small objects": lambda: '{"a": [' + '{"a":0},' * (SIZE // 8) + "0]}",
    "a million names": lambda: (
        '{"instance": {' + ",".join(f'"{n}":0' for n in range(1_600_000)) + "}}"
    ),
    "integers": lambda: '{"a": [' + "999," * (SIZE // 4) + "0]}",
    "words": lambda: '{"a": [' + '"ab",' * (SIZE // 5) + "0]}",
    "a word of 20 MB": lambda: json.dumps({"claim": "a" * SIZE}),
    "a claim of 5 million characters": lambda: json.dumps(
        {**witness("control.zero_points"), "claim": "😀" * 4_900_000}, ensure_ascii=False
    ),
    "a huge exponent": lambda: '{"a": 1e99999999}',
    "a huge integer": lambda: '{"a": ' + "9" * SIZE + "}",
    "a huge hexadecimal exponent": lambda: edited(
        "control.slope_outside", normal=["0x1p+99999999"]
    ),
    "a long hexadecimal number": lambda: edited(
        "control.slope_outside", normal=["0x" + "1" * 10**7]
    ),
    "a huge scale": lambda: edited("control.shared_neurons", box={**BOX, "scale": 10**18}),
    "wide layers": lambda: claiming(
        "control.zero_points", network([1, 500, 500, 1]), {"point": []}
    ),
    "wide layers at a point": lambda: claiming(
        "control.zero_points", network([1, 500, 500, 1]), {"point": [ONE] * 251_000}
    ),
    "wide layers, every start": lambda: claiming(
        "control.any_point", network([1, 500, 500, 1], 2, 3), {}
    ),
    "many samples": lambda: claiming(
        "control.any_point", network([1, 1, 1], 8, 180_000), {"point": [ONE, ONE]}
    ),
    "a box of 199 unknowns": lambda: wide_box([1, 99, 1], [list(range(99))], 199),
    "a Gram matrix of generators": generators,
    "kinks of 20 samples": lambda: claiming(
        "control.slope_outside",
        structured([300, 1, 1], 300),
        {"kinks": list(range(300)), "basis": list(range(20)), "normal": [ONE] * 20},
    ),
    "a tube of 500 steps": long_tube,
    "no UTF-8": lambda: b"\xff\xfe" * 10**6,
    "nothing": lambda: "",
}


QUICK = (
    "a million lists",
    "a huge exponent",
    "a huge integer",
    "a huge hexadecimal exponent",
    "a huge scale",
    "a Gram matrix of generators",
    "a tube of 500 steps",
    "no UTF-8",
    "nothing",
)


def _limited():
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


def run(path) -> tuple[int, str, float]:
    """Exit code, all that is printed, and seconds of a verifier that is given MEMORY."""
    start = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-I", "-X", "utf8", VERIFIER, path],
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=2 * SECONDS,
        preexec_fn=_limited,
    )
    return done.returncode, done.stdout + done.stderr, time.monotonic() - start


def check(path) -> str:
    """The one line that is told of a hostile file, in time and memory."""
    code, told, seconds = run(path)
    assert code in (1, 2) and seconds < SECONDS, (code, seconds, told[:200])
    assert told.count("\n") == 1 and told.endswith("\n") and told[:-1].isprintable()
    assert told.startswith(("rejected: ", "cannot read ")) and "Memory" not in told, told[:200]
    return told


def hostile(path, name: str) -> str:
    text = HOSTILE[name]()
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return check(path)


def test_hostile_files_end_in_bounded_time_and_memory(tmp_path):
    for name in QUICK:
        hostile(tmp_path / "w.json", name)


@pytest.mark.long
@pytest.mark.parametrize("name", HOSTILE)
def test_every_hostile_file_ends_in_bounded_time_and_memory(tmp_path, name):
    print(name, hostile(tmp_path / "w.json", name), end="")


def test_the_clock_is_looked_at_in_all_arithmetic(monkeypatch):
    found = witness("control.large_init_collapse")
    verify(found)
    for seconds in (0.0, 0.02):
        monkeypatch.setattr(witnesses, "SECONDS", seconds)
        start = time.process_time()
        with pytest.raises(Rejected, match="time is up"):
            verify(found)
        assert time.process_time() - start < 0.3


def test_what_looks_at_no_clock_is_ended_too(tmp_path):
    """A loop of Python by a thread, an operation of C by one that asks for no interpreter."""
    program = (
        "import sys; from ncfcheck.verifier import __main__ as m; m.SECONDS = 0.2\n"
        "def forever(path):\n    {}\nm.load = forever; sys.exit(m.run(['x']))"
    )
    for loop, told in (("while True: pass", "rejected: time is up\n"), ("9 ** (9 ** 9)", "")):
        command = [sys.executable, "-c", program.format(loop)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=30)
        assert (done.returncode, done.stdout, done.stderr) == (1, told, ""), loop


def test_what_is_no_regular_file_is_not_read(tmp_path, capsys):
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "link").symlink_to(tmp_path / "fifo")
    (tmp_path / "round").symlink_to(tmp_path / "round")
    names = [tmp_path / name for name in ("fifo", "link", "round", "none", ".")]
    names += [
        tmp_path / "a\nb",
        "/dev/zero",
        "/dev/tty",
        "/dev/stdin",
        "/dev/full",
        "/proc/self/mem",
    ]
    for name in [*names, "a\0b"]:
        assert main(name) == 2
        told = capsys.readouterr().err
        assert told.startswith("cannot read ") and told.count("\n") == 1, name


def test_what_becomes_a_pipe_after_it_was_looked_at_is_not_waited_for(tmp_path, monkeypatch):
    os.mkfifo(tmp_path / "fifo")
    monkeypatch.setattr(os.path, "isfile", lambda path: True)
    assert main(tmp_path / "fifo") == 2


def test_a_file_that_grows_is_read_up_to_the_limit(tmp_path, monkeypatch):
    path = tmp_path / "w.json"
    path.write_bytes(b"[")
    done = threading.Event()

    def grow():
        with path.open("ab") as file:
            while not done.is_set():
                file.write(b"[" * 100_000)

    thread = threading.Thread(target=grow)
    monkeypatch.setattr(files, "LARGEST", 2_000_000)
    thread.start()
    try:
        while path.stat().st_size < 2_000_001:
            time.sleep(0.001)
        assert main(path) == 2
    finally:
        done.set()
        thread.join()


SPOOF = "x\naccepted: control.zero_points is refuted.\x1b[2K\r\u202e\u2028" + "y" * 10**5


def test_nothing_of_a_file_is_told_as_it_is(tmp_path, capsys):
    """A claim, a class, a name or a number of a file stays within one line of the verifier's."""
    path, known = tmp_path / "w.json", "control.slope_outside"
    for change in (
        lambda w: w.update(claim=SPOOF),
        lambda w: w.update(format=SPOOF),
        lambda w: w["instance"].update(type=SPOOF),
        lambda w: w["instance"].update({SPOOF: 1}),
        lambda w: w["certificate"]["data"].update(normal=[SPOOF]),
        lambda w: w["certificate"].update(data=SPOOF),
        lambda w: w.update(instance=SPOOF),
    ):
        found = witness(known)
        change(found)
        path.write_text(json.dumps(resealed(found)))
        for judge in (lambda: main(path), lambda: command_line(["verify", str(path)])):
            assert judge() == 1
            told = capsys.readouterr().out
            assert told.startswith("rejected: ") and told.count("\n") == 1 and len(told) < 2100
            assert told[:-1].isprintable() and "\naccepted" not in told
        assert command_line(["replay", str(path)]) in (0, 1, 2)
        told = capsys.readouterr()
        lines = (told.out + told.err).splitlines()
        assert all(line.isprintable() and len(line) < 2100 for line in lines)
        assert not any(line.startswith("accepted") for line in lines)


@pytest.mark.parametrize(
    "place", ("families", "a family", "kind", "note", "statement", "rendering")
)
def test_free_text_of_a_witness_that_is_accepted_stays_within_its_line(tmp_path, capsys, place):
    path, found = tmp_path / "w.json", witness("control.zero_points")
    network = found["instance"]["problem"]["network"]
    match place:
        case "families":
            found["instance"]["families"] = {"dict": [["data", SPOOF]]}
        case "a family":
            found["instance"]["families"] = {"dict": [[SPOOF, "x"]]}
        case "kind":
            network["patterns"]["tuple"][0]["kind"] = SPOOF
        case _:
            found[place] = [SPOOF] if place == "rendering" else SPOOF
    path.write_text(json.dumps(resealed(found)))
    assert command_line(["verify", str(path)]) == 0
    assert command_line(["replay", str(path)]) == 1
    told = capsys.readouterr()
    lines = (told.out + told.err).splitlines()
    assert lines[0].startswith("accepted: ") and len(lines) < 60
    assert all(line.isprintable() and len(line) < 2100 for line in lines)
    assert not any(line.startswith("accepted") for line in lines[1:])


def test_a_file_named_like_an_option_is_a_file(monkeypatch, tmp_path, capsys):
    monkeypatch.chdir(tmp_path)
    assert command_line(["verify", "--", "-h"]) == 2
    assert "cannot read " in capsys.readouterr().err
