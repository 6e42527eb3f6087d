"""A hunt as text: a line of progress on standard error, and what it found on standard output."""

from __future__ import annotations

import time

from rich.console import Console
from rich.text import Text

from ncfcheck.core.claims import Verdict
from ncfcheck.report import words
from ncfcheck.run.hunting.events import (
    Counterexample,
    HuntFinished,
    HuntProgress,
    HuntResult,
    HuntStarted,
    Shrinking,
)
from ncfcheck.run.hunting.shards import Point

EVERY = 10.0  # seconds between lines where there is no terminal to rewrite one on
REASONS = 3  # why instances were unresolved, at most


class HuntProgressWriter:
    """A line that is rewritten on a terminal; elsewhere one now and then. `close` clears it."""

    def __init__(self, console: Console):
        self.console, self.status, self.told = console, None, time.monotonic()

    def __call__(self, event) -> None:
        if isinstance(event, HuntStarted):
            self._started(event)
        elif isinstance(event, HuntProgress):
            self._move(progress(event))
        elif isinstance(event, Counterexample):
            place = f": {event.path}" if event.path else ", which no witness file can hold"
            self._say(f"counterexample, margin {margin(event.point)}{place}")
        elif isinstance(event, Shrinking):
            self._say("making the counterexample smaller …")
        elif isinstance(event, HuntFinished):
            self.close()

    def close(self) -> None:
        """Remove the line, so that what follows starts on a clean one."""
        if self.status:
            self.status.stop()
            self.status = None

    def _started(self, event: HuntStarted) -> None:
        if event.resumed:
            self._say(f"continuing after {event.resumed} instances")
        if self.console.is_interactive:
            self.status = self.console.status(f"hunting {event.claim}")
            self.status.start()

    def _move(self, line: str) -> None:
        if self.status:
            self.status.update(Text(line))
        elif time.monotonic() - self.told >= EVERY:
            self.told = time.monotonic()
            self._say(line)

    def _say(self, line: str) -> None:
        self.console.print(f"ncfcheck: {line}", markup=False, highlight=False, soft_wrap=True)


class HuntTerminal:
    """Prints the result of a hunt; `quiet` leaves the verdict only."""

    def __init__(self, console: Console, *, strict: bool = False, quiet: bool = False):
        self.console, self.strict, self.quiet = console, strict, quiet

    def __call__(self, event) -> None:
        if isinstance(event, HuntStarted):
            self.started = event
        elif isinstance(event, HuntFinished):
            result = event.result
            expected = result.as_expected(self.strict)
            self._print(verdict(result), "bold" if expected else "bold red")
            for line in () if self.quiet else details(result):
                self._print(line)
            if not expected:
                kind = f"{result.id} is a {words.kind(result.kind, result.expect)}"
                told = kind if result.expect else f"nothing can be said of {result.id}"
                self._print(f"UNEXPECTED: {told}", "bold red")
            if not self.quiet:
                stopped = f", {event.stopped}" if event.stopped else ""
                run = f"seed {self.started.seed}, {result.generations} generations"
                self._print(f"{run}, {event.seconds:.1f} s{stopped}", "dim")

    def _print(self, line: str, style: str = "") -> None:
        self.console.print(Text(line, style), soft_wrap=True)


def progress(event: HuntProgress) -> str:
    """How far a hunt is, in one line."""
    return (
        f"{event.tested} instances, {event.rate:.0f}/s, worst margin {margin(event.worst)}, "
        f"{event.strata} strata covered, {event.found} found"
    )


def margin(point: Point | None) -> str:
    """The margin of an instance with its error bound."""
    return "none decided" if point is None else f"{point.margin:+.2g} ± {point.error:.1g}"


def verdict(result: HuntResult) -> str:
    """The verdict with what it is never told without: N, undecided ones, confirmed violations."""
    undecided = f", {result.unresolved} unresolved" if result.unresolved else ""
    inapplicable = f", {result.inapplicable} inapplicable" if result.inapplicable else ""
    told = f"{result.id}: {result.verdict} on {result.tested} instances{undecided}{inapplicable}"
    told += f", {words.errors(result.errors)}" if result.errors else ""
    return told + (f", {result.found} confirmed violations" if result.found else "")


def details(result: HuntResult) -> list[str]:
    """Worst margin, what was covered, why instances were unresolved, smallest counterexample."""
    worst = f"  {result.worst.spec}" if result.worst else ""
    lines = [f"worst margin {margin(result.worst)}{worst}", f"{result.strata} strata covered"]
    lines += [
        f"  {key}: {', '.join(sorted(counts))}"
        for key, counts in result.coverage.items()
        if len(counts) <= 16
    ]
    errors = list(result.why_errors.items())[:REASONS]
    lines += [f"error: {count} × {reason}" for reason, count in errors]
    if result.verdict is Verdict.UNRESOLVED or result.unresolved:
        reasons = list(result.why_unresolved.items())[:REASONS]
        lines += [f"unresolved: {count} × {reason}" for reason, count in reasons]
    if 2 * result.inapplicable > result.tested:
        reasons = list(result.why_inapplicable.items())[:1]
        lines += [f"inapplicable: {count} × {reason}" for reason, count in reasons]
    if result.evidence.says_nothing:
        refused = list(result.why_refused.items())[:REASONS]
        lines += [f"turned down: {count} × {reason}" for reason, count in refused]
    lines += ["", *result.minimal] if result.minimal else []
    return lines + ([f"witness: {result.path}"] if result.path else [])
