"""Witness files: a claim, an instance that violates it in exact numbers, all needed to look again.

A file is JSON, `format` first. `instance` is encoded as in `ncfcheck.model.encoding`, `margin`
and `error` are hexadecimal floats, `rendering` is a list of lines for people. `worst` is null, or
the instance with the smallest margin before shrinking, with its margin and error. `claims` is the
user's file that states the claim, or null: it is named, never run, by reading a witness; `source`
is a digest of it (see `ncfcheck.verdicts.sources`), or null. `model` and `model_source` are the
same of the file that states the instance's model.
`certificate` is null until one is found.
"""

from __future__ import annotations

import hashlib
import math
import re
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from ncfcheck.core.claims import Claim, Kind, Margin, Outcome, registered
from ncfcheck.core.files import make_folder, write
from ncfcheck.core.versions import versions
from ncfcheck.model.encoding import BadWitness, NotStorable, decode, encode
from ncfcheck.model.instance import Instance
from ncfcheck.model.rendering import proved, render
from ncfcheck.model.sources import digest_of, source_of
from ncfcheck.verdicts.judging import decide
from ncfcheck.verdicts.sources import digest, home_of, stale
from ncfcheck.verifier import FORMAT
from ncfcheck.verifier.files import LARGEST, load

__all__ = [
    "FOLDER",
    "BadWitness",
    "NotStorable",
    "Replay",
    "Witness",
    "home_of",
    "instance_of",
    "read",
    "replay",
    "stale",
    "store",
    "witness_of",
]

FOLDER = Path("reports") / "counterexamples"
OF_MODELS = ("model", "model_source")  # fields that files about layered networks do without
WORDS = {
    Outcome.HOLDS: "holds",
    Outcome.UNRESOLVED: "cannot be decided",
    Outcome.INAPPLICABLE: "does not apply",
    Outcome.ERROR: "is at fault",
}


class Worst(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The instance with the smallest margin met, as found."""

    instance: Any
    margin: str
    error: str

    @property
    def judged(self) -> Margin:
        """The margin as it was."""
        return Margin(float.fromhex(self.margin), float.fromhex(self.error))


class _Certificate(msgspec.Struct, forbid_unknown_fields=True):
    """The form of a certificate, whose `data` the verifier reads."""

    method: str
    proves: str
    data: dict[str, Any]
    sha256: str


class Witness(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The contents of a file; see the module."""

    format: str
    claim: str
    kind: Kind
    statement: str
    claims: str | None
    instance: Any
    worst: Worst | None
    margin: str
    error: str
    note: str
    seed: int | None
    versions: dict[str, str]
    replay: str
    rendering: list[str]
    certificate: dict[str, Any] | None = None
    source: str | None = None
    model: str | None = None
    model_source: str | None = None

    @property
    def judged(self) -> Margin:
        """The margin as it was when the witness was stored."""
        return Margin(float.fromhex(self.margin), float.fromhex(self.error), self.note)


@dataclass(frozen=True, repr=False)
class Replay:
    """What became of a witness: outcome and margin now; `claim` None where it could not be run.

    `since` tells how the claim is not the one that the witness was stored for, empty if it is.
    `instance` is the one judged.
    """

    outcome: Outcome
    margin: Margin
    claim: Claim | None
    since: str = ""
    instance: Any = None

    def __repr__(self) -> str:
        return f"<Replay: {self.words}>"

    @property
    def still_violates(self) -> bool:
        """Whether the instance violates the claim as it did."""
        return self.outcome is Outcome.VIOLATES

    @property
    def words(self) -> str:
        """What became of it in one line."""
        value, error = self.margin.value, self.margin.error
        told = "" if math.isnan(value) else f"margin {value:+.4g} ± {error:.1g}"
        about = "; ".join(filter(None, (told, self.margin.note)))
        since = f"; {self.since}" if self.since else ""
        if self.still_violates:
            return f"still violates {self.claim.id}: {about}{since}"
        reason = f" ({about})" if about else ""
        return f"no longer violates {self.claim.id}: it {WORDS[self.outcome]}{reason}{since}"


def witness_of(
    claim: Claim,
    instance,
    margin: Margin,
    *,
    seed: int | None = None,
    source: str | None = None,
    worst: tuple[Any, Margin] | None = None,
    certificate: dict[str, Any] | None = None,
) -> Witness:
    """The witness of an instance that violates the claim; `source` is the user's file, if any.

    Where both do not fit in a file, `worst` is left out. Raises NotStorable where the instance has
    no encoding, or none that is read again.
    """
    model = source_of(instance.network) if isinstance(instance, Instance) else None
    first = None if worst is None else Worst(_readable(claim, worst[0]), *_hex(worst[1]))
    found = Witness(
        FORMAT,
        claim.id,
        claim.kind,
        claim.statement,
        source and _characters(source),
        _readable(claim, instance),
        first,
        *_hex(margin),
        margin.note,
        seed,
        versions(),
        replay_command(FOLDER / f"{claim.id}.json", source, model and model.path),
        render(claim, instance, margin) + ([] if certificate is None else proved(certificate)),
        certificate,
        digest(claim),
        model and _characters(model.path),
        model and model.digest,
    )
    fits = first is None or len(dumps(found)) < LARGEST
    return found if fits else msgspec.structs.replace(found, worst=None)


def _readable(claim: Claim, instance):
    """The encoded instance, if it can be decoded again and fits in a file; else NotStorable."""
    home = claim.function.__module__
    content = encode(instance, home)
    try:
        decode(content, home)
        size = len(msgspec.json.encode(content))
    except ValueError as reason:
        raise NotStorable(f"cannot be read again: {reason}") from reason
    if size > LARGEST // 2:
        most = LARGEST // 2 // 10**6
        raise NotStorable(f"takes {size / 1e6:.0f} MB, more than the {most} of a witness file")
    return content


def _hex(margin: Margin) -> tuple[str, str]:
    return float(margin.value).hex(), float(margin.error).hex()


def replay_command(path: Path, source: str | None, model: str | None = None) -> str:
    """The command that replays the witness file at this path."""
    claims = f" --claims {shlex.quote(source)}" if source else ""
    model = f" --model {shlex.quote(model)}" if model else ""
    return _characters(f"ncfcheck replay {shlex.quote(str(path))}{claims}{model}")


def _characters(text: str) -> str:
    """The text, ? for bytes of file names that are no characters: JSON has none of them."""
    return text.encode("utf-8", "replace").decode()


def store(witness: Witness, folder: Path = FOLDER) -> Path:
    """Write the witness as CLAIM.json, or CLAIM-DIGEST.json if another has that name; the path.

    The folder is made if need be. Raises Unwritable.
    """
    name = hashlib.sha256(msgspec.json.encode(witness.instance)).hexdigest()[:8]
    path = Path(folder) / f"{witness.claim}.json"
    if path.exists() and not _holds(path, witness):
        path = path.with_name(f"{witness.claim}-{name}.json")
    save(path, witness)
    return path


def save(path: Path, witness: Witness) -> None:
    """Write the file, whole or not at all, its path in its replay command. Raises Unwritable."""
    path = Path(path)
    make_folder(path.parent)
    command = replay_command(path, witness.claims, witness.model)
    write(path, dumps(msgspec.structs.replace(witness, replay=command)))


def dumps(witness: Witness) -> bytes:
    """The file's bytes: one line per entry, so that a witness can be read and compared."""
    lines = [
        f"  {msgspec.json.encode(name).decode()}: {_pretty(getattr(witness, name))}"
        for name in witness.__struct_fields__
        if not (name in OF_MODELS and getattr(witness, name) is None)
    ]
    return ("{\n" + ",\n".join(lines) + "\n}\n").encode()


def _pretty(value) -> str:
    if isinstance(value, list) and value:
        lines = ",\n".join(f"    {msgspec.json.encode(each).decode()}" for each in value)
        return f"[\n{lines}\n  ]"
    return msgspec.json.encode(value).decode()


def _holds(path: Path, witness: Witness) -> bool:
    """Whether the file holds the same instance; one that cannot be read does not."""
    try:
        return read(path).instance == witness.instance
    except BadWitness:
        return False


def read(path) -> Witness:
    """The witness in a file, its instance not decoded yet. Raises BadWitness for any other file."""
    path = Path(path)
    try:
        found = msgspec.convert(load(path), Witness)
        msgspec.convert(found.certificate, _Certificate | None)
        numbers = [found.margin, found.error]
        numbers += [found.worst.margin, found.worst.error] if found.worst else []
        if not all(map(_is_number, numbers)):
            raise ValueError("margin and error are numbers in hexadecimal, as '-0x1.8p+0' is")
    except OSError as error:
        raise BadWitness(f"cannot read {path}: {error.strerror}") from error
    except (ValueError, ArithmeticError, RecursionError) as error:
        raise BadWitness(f"{path} is not a witness: {error}") from error
    if found.format != FORMAT:
        raise BadWitness(
            f"{path} is not a witness: format {found.format[:40]!r}, expected {FORMAT!r}"
        )
    return found


def _is_number(text: str) -> bool:
    return len(text) <= 40 and float.fromhex(text).hex() == text != "nan"


def instance_of(witness: Witness):
    """The instance of a witness whose claim is registered. Raises BadWitness."""
    home = claim_of(witness).function.__module__
    try:
        return decode(witness.instance, home)
    except BadWitness as reason:
        raise BadWitness(f"in its instance: {reason}") from reason


def claim_of(witness: Witness) -> Claim:
    """The registered claim of a witness. Raises BadWitness."""
    found = registered().get(witness.claim)
    if found is None:
        hint = f"; it is stated in {witness.claims}: add --claims FILE.py" if witness.claims else ""
        raise BadWitness(f"no claim {witness.claim[:80]!r} is known{hint}")
    return found


def replay(witness: Witness) -> Replay:
    """Judge a witness again; one undecided by now does not violate. Raises BadWitness."""
    claim, instance = claim_of(witness), instance_of(witness)
    outcome, margin, _ = decide(claim, instance)
    return Replay(outcome, margin, claim, since(witness, claim), instance)


def since(witness: Witness, claim: Claim) -> str:
    """How the claim, or the file of the instance's model, is not what it was when the witness was
    stored; empty where they are.
    """
    told = [stale(witness.claims, witness.source, claim)]
    now = digest_of(Path(witness.model or "").name)
    if witness.model and now not in (None, witness.model_source):
        told.append(f"{Path(witness.model).name} has changed since it was stored")
    return "; ".join(filter(None, told))


def stored(claim: str, folder: Path = FOLDER) -> list[Path]:
    """The witness files of a claim in a folder, in order of their names."""
    name = re.compile(re.escape(claim) + "(-[0-9a-f]{8})?")
    return sorted(path for path in Path(folder).glob("*.json") if name.fullmatch(path.stem))
