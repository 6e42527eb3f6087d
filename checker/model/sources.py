"""Where families of models come from: the program, or a file of the user's, which is told by its
name and a digest.

An instance is stored with the name of its model's family and the name of that file; what is stored
is read again where the file has been loaded.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from ncfcheck.model.architectures import BUILT_IN
from ncfcheck.model.families import Family
from ncfcheck.model.models import Model
from ncfcheck.model.own import families as own_families


@dataclass(frozen=True)
class Source:
    """A file of the user's that states families: its path, and a digest of what it says."""

    path: str
    digest: str

    @property
    def name(self) -> str:
        """The name of the file."""
        return Path(self.path).name


_own: list[tuple[Family, Source | None]] = []  # the user's, the latest first


Models = str | tuple[Family, ...] | None
"""What a run is about: the path of a file of models, families, or None for what claims draw."""


def load(models: Models) -> tuple[Family, ...] | None:
    """The families that a run is about, known from now on; None for what claims draw. Raises
    BrokenModel for a file that cannot be loaded, ValueError for a name that is built in.
    """
    if models is None:
        return None
    source = None
    if isinstance(models, str):
        path = Path(models).resolve()
        models = own_families.load(str(path))
        source = Source(str(path), hashlib.sha256(path.read_bytes()).hexdigest()[:16])
    models = tuple(map(own_families.family_of, models))
    for each in models:
        own_families.require_free(each)
    # A file is imported once: what it said then is what its families are.
    known = [next((old for old in _own if old[0] is each), (each, source)) for each in models]
    _own[:] = [*known, *(old for old in _own if old not in known)]
    return models


def source_of(model: Model) -> Source | None:
    """The file of the user's that states the model's family; None where there is none."""
    return next((source for own, source in _own if own is model.family), None)


def family_of(name: str, file: str | None) -> Family | None:
    """The family of this name that comes with the program, or that a file of this name states; None
    where there is none, or the file has not been loaded.
    """
    own = [each for each, source in _own if each.name == name and _name(source) == file]
    return own[0] if own else BUILT_IN.get(name) if file is None else None


def told(models: Models) -> dict[str, str]:
    """What tells a run about these models from others; nothing for what claims draw."""
    found = load(models) or ()
    digests = [source.digest for own, source in _own[: len(found)] if source]
    return dict(zip((each.name for each in found), digests or [""] * len(found)))


def digest_of(file: str) -> str | None:
    """The digest of the file of this name, None where it has not been loaded."""
    return next((source.digest for _, source in _own if source and source.name == file), None)


def _name(source: Source | None) -> str | None:
    return source and source.name
