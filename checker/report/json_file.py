"""The run as JSON: a file of its own, and the latest result of every claim."""

from __future__ import annotations

from pathlib import Path

from ncfcheck.core.files import make_folder, write
from ncfcheck.verdicts.events import Event
from ncfcheck.verdicts.report import Report, encode, read, updated


class JsonFile:
    """Writes the report of a run to `path` when it is finished."""

    def __init__(self, path):
        self.path = path

    def __call__(self, event: Event) -> None:
        if isinstance(event, Report):
            write(self.path, encode(event))


class Latest:
    """Keeps the latest result of every claim ever checked in one file, but not of runs stopped.

    `corrupt` is told, once, of a file there that is not such a report; it is replaced.
    """

    def __init__(self, path: Path, corrupt=lambda message: None):
        self.path, self.corrupt = Path(path), corrupt

    def __call__(self, event: Event) -> None:
        if isinstance(event, Report) and not event.stopped:
            make_folder(self.path.parent)
            write(self.path, encode(updated(self._old(), event)))

    def _old(self) -> Report | None:
        try:
            return read(self.path)
        except ValueError:
            self.corrupt(f"{self.path} is not a report and is replaced")
            return None
