"""What a witness file tells besides what its certificate proves, held against what is so now."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

from ncfcheck.core.claims import Claim, Margin
from ncfcheck.core.time_limit import SECONDS, each_step
from ncfcheck.model.encoding import decode
from ncfcheck.model.rendering import proved, render
from ncfcheck.verdicts import witness
from ncfcheck.verdicts.judging import decide
from ncfcheck.verdicts.sources import stale
from ncfcheck.verifier import REFUTATIONS
from ncfcheck.verifier.witnesses import statement

SAME = 1e-3  # of the larger of two margins, besides both errors: what other libraries' flows differ
CONTEXT = 10  # letters shown before a difference
LONGEST = 10_000  # characters of a command that is read
METHODS = ("point", "flow", "structured", "box", "criterion")
NUMBERS = re.compile(r"[-+]?[\d.]+(?:e[-+]?\d+)?")  # of a note; those of its margin are compared


def differences(found: witness.Witness, path: Path, proof: str | None = None) -> Iterator[str]:
    """One line for every entry of a witness file, `found` at `path`, that says something else than
    what is computed of its instance now: kind, statement, margin and error, note, rendering,
    `worst`, the replay command, which claim it is of, and what its certificate is said to prove;
    `proof` is what the verifier says, by default of a shipped claim. `seed` and `versions` can be
    anything. What takes longest comes last.

    Margins are the same if their outcomes are, and they differ by both errors and SAME of the
    larger at most. Raises BadWitness for a claim that is not known.
    """
    claim, instance = witness.claim_of(found), witness.instance_of(found)
    rendering = render(claim, instance, found.judged)
    more = proved(found.certificate) if found.certificate else []
    pairs = {
        "kind": (found.kind, claim.kind),
        "statement": (found.statement, claim.statement),
        "rendering": (
            found.rendering,
            rendering + more[: max(len(found.rendering) - len(rendering), 0)],
        ),
        "replay": (found.replay, _command(found, path)),
    }
    texts = {name: (_text(said), _text(now)) for name, (said, now) in pairs.items()}
    yield from (_line(name, said, now) for name, (said, now) in texts.items() if said != now)
    yield from _sealed(found, proof)
    if since := stale(found.claims, found.source, claim):
        yield f"`claims` or `source`: {since}"
    if found.model or found.model_source:
        yield "`model` or `model_source`: certificates are about layered networks, of no file"
    yield from _judged("margin", claim, instance, found.judged)
    if found.worst is not None:
        first = decode(found.worst.instance, claim.function.__module__)
        yield from _judged("worst", claim, first, found.worst.judged)


def _sealed(found: witness.Witness, proof: str | None) -> Iterator[str]:
    """Lines for what is sealed with a certificate, but read by no proof."""
    if not found.certificate:
        return
    if proof is None:
        proof = statement(REFUTATIONS.get(found.claim))
    said, method = found.certificate["proves"], found.certificate["method"]
    if not proof.startswith(said):
        yield _line("proves", said, proof)
    if method not in METHODS:
        yield _line("method", method, f"one of {', '.join(METHODS)}")


def _command(found: witness.Witness, path: Path) -> str:
    """The replay command of a file of this name, in the folder that the file tells."""
    try:
        words = shlex.split(found.replay) if len(found.replay) <= LONGEST else []
    except ValueError:  # a quotation without an end
        words = []
    folder = next((Path(each).parent for each in words if Path(each).name == path.name), None)
    return witness.replay_command((folder or path.parent) / path.name, found.claims)


def _judged(name: str, claim: Claim, instance, said: Margin) -> list[str]:
    """A line, if the margin of an instance is not what is said of it; and one for the note."""
    with each_step(SECONDS):
        _, now, _ = decide(claim, instance)
    allowed = said.error + now.error + SAME * max(abs(said.value), abs(now.value))
    same = said.outcome is now.outcome and abs(said.value - now.value) <= allowed
    told = [] if same else [_line(name, _shown(said), _shown(now))]
    if name == "margin" and NUMBERS.sub("#", said.note) != NUMBERS.sub("#", now.note):
        told.append(_line("note", said.note, now.note))
    return told


def _shown(margin: Margin) -> str:
    return f"{margin.value:+.4g} ± {margin.error:.1g}"


def _text(value) -> str:
    """Text, or lines of it, however it is broken into lines."""
    return " ".join(" ".join(value if isinstance(value, list) else [value]).split())


def _line(name: str, said: str, now: str) -> str:
    """What an entry says and what is so now, from a little before they begin to differ."""
    pairs = enumerate(zip(said, now))
    first = next((i for i, (a, b) in pairs if a != b), min(len(said), len(now)))
    shown = slice(max(first - CONTEXT, 0), first + 5 * CONTEXT)
    said, now = said[shown], now[shown]
    return f"`{name}`, which no proof covers, says {said!r}; now it is {now!r}"
