"""How far a run is, on standard error."""

from __future__ import annotations

import time

from rich.console import Console

from ncfcheck.verdicts.events import ClaimFinished, Event, Progress, RunStarted
from ncfcheck.verdicts.report import Report

EVERY = 10.0  # seconds between lines where there is no terminal to draw a bar on


class ProgressWriter:
    """A bar on a terminal; elsewhere a plain line now and then. `close` clears the bar."""

    def __init__(self, console: Console):
        self.console, self.bar = console, None
        self.claims, self.finished, self.started = 0, 0, time.monotonic()
        self.told = self.started

    def __call__(self, event: Event) -> None:
        if isinstance(event, RunStarted):
            self.claims = len(event.claims)
            if self.console.is_interactive:
                self._draw()
        elif isinstance(event, ClaimFinished):
            self.finished += 1
        elif isinstance(event, Progress):
            self._move(event)
        elif isinstance(event, Report):
            self.close()

    def close(self) -> None:
        """Remove the bar, so that what follows starts on a clean line."""
        if self.bar:
            self.bar.stop()
            self.bar = None

    def _draw(self) -> None:
        from rich import progress

        columns = (
            progress.BarColumn(),
            progress.TaskProgressColumn(),
            progress.TimeRemainingColumn(compact=True),
            progress.TextColumn("left"),
            progress.TextColumn("{task.description}", markup=False),
        )
        self.bar = progress.Progress(*columns, console=self.console, transient=True)
        self.task = self.bar.add_task("starting", total=None)
        self.bar.start()

    def _move(self, event: Progress) -> None:
        if self.bar:
            self.bar.update(
                self.task, completed=event.done, total=event.total, description=event.claim
            )
        elif time.monotonic() - self.told >= EVERY:
            self.told = time.monotonic()
            done = f"{event.done} of {event.total} instances"
            claims = f"{self.finished} of {self.claims} claims done"
            line = f"ncfcheck: {done}, {claims}{self._left(event)}"
            self.console.print(line, markup=False, highlight=False, soft_wrap=True)

    def _left(self, event: Progress) -> str:
        """The time that the rest takes if it takes as long an instance as what is done."""
        if not 0 < event.done < event.total:
            return ""
        seconds = (time.monotonic() - self.started) * (event.total - event.done) / event.done
        told = f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"
        return f", about {told} left"
