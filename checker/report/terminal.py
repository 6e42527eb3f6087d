"""The run as text: a table of the claims, what was covered, and what is not as expected."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable

from rich.console import Console
from rich.text import Text

from ncfcheck.core.claims import Outcome, Verdict
from ncfcheck.report import words
from ncfcheck.verdicts.events import Event, Examined, RunStarted
from ncfcheck.verdicts.report import Report
from ncfcheck.verdicts.results import ClaimResult

HEADER = f"{'claim':30} {'kind':10} {'N':>5} {'unres':>5} {'inapp':>5} {'95 %':>6}  verdict"
STYLES = {
    Verdict.REFUTED: "bold",
    Verdict.POTENTIAL: "bold",
    Verdict.UNRESOLVED: "yellow",
    Verdict.NOT_REFUTED: "",
}
VALUES = 12  # of one coverage key shown, at most


class Terminal:
    """Prints the results of a finished run; `quiet` leaves what is unexpected, and the last line.

    With `verbose` also why violations were not proved.
    """

    def __init__(
        self, console: Console, *, strict: bool = False, quiet: bool = False, verbose: bool = False
    ):
        self.console, self.strict, self.quiet, self.verbose = console, strict, quiet, verbose
        self.wanted = 0  # claims

    def __call__(self, event: Event) -> None:
        if isinstance(event, RunStarted):
            self.wanted = len(event.claims)
        elif isinstance(event, Examined):
            style = "dim" if event.outcome == Outcome.INAPPLICABLE else ""
            self._print(self._cut(words.examined(event)), style)
        elif isinstance(event, Report):
            if event.unsuited and not self.quiet:
                self._wrapped("not about this model:", [*event.unsuited])
                self._print("")
            if event.claims and not self.quiet:
                self._table(event.claims)
                self._coverage(event.claims)
                self._reasons("unresolved", event.claims, words.reasons)
                self._reasons("mostly inapplicable", event.claims, words.inapplicable)
                if self.verbose:
                    self._reasons("not certified", event.claims, words.uncertified)
                self._reasons("conclusion not certified", event.claims, words.unproved)
            self._conclusion(event)

    def _table(self, results: Iterable[ClaimResult]) -> None:
        """Two lines per claim: the numbers, and the worst margin with its instance."""
        self._print(HEADER, "dim")
        for result in results:
            counts = (
                f"{result.instances:>5} {result.unresolved:>5} {result.inapplicable:>5} "
                f"{words.percent(result.bound95):>6}"
            )
            line = Text(f"{result.id:30} {result.kind:10} {counts}  ")
            expected = result.as_expected(self.strict)
            line.append(str(result.verdict), STYLES[result.verdict] if expected else "bold red")
            line.append(f", {words.errors(result.errors)}" if result.errors else "", "bold red")
            line.append(f", {words.proved(result)}" if words.proved(result) else "")
            self._print(line)
            self._print(self._cut(f"    {words.worst(result)}"), "dim")
            if result.kept:
                self._print(self._cut(f"    {words.kept(result)}"), "dim")
            for line in result.witnesses:
                self._print(f"    {line}")

    def _coverage(self, results: Iterable[ClaimResult]) -> None:
        total: dict[str, Counter[str]] = {}
        for result in results:
            for key, counts in result.coverage.items():
                total.setdefault(key, Counter()).update(counts)
        if total:
            self._print("\ncovered (value × instances)", "dim")
        for key, counts in total.items():
            shown = sorted(counts.most_common(VALUES), key=lambda item: words.natural(item[0]))
            values = [f"{value}×{count}" for value, count in shown]
            more = [f"and {len(counts) - VALUES} more"] if len(counts) > VALUES else []
            self._wrapped(f"  {key:8}", values + more)

    def _reasons(
        self, title: str, results: Iterable[ClaimResult], reasons: Callable[..., list[str]]
    ) -> None:
        """A line for each of a claim's reasons, under a title if there are any."""
        lines = [f"  {result.id}  {line}" for result in results for line in reasons(result)]
        if lines:
            self._print(f"\n{title}", "dim")
        for line in lines:
            self._print(self._cut(line))

    def _conclusion(self, report: Report) -> None:
        bad = [result for result in report.claims if not result.as_expected(self.strict)]
        for result in bad:
            first, *rest = words.unexpected(result, report)
            self._print(Text("\nUNEXPECTED  ", "bold red").append(first, "none"))
            for line in rest:
                self._print(f"    {line}")
        for line in report.regressions:
            self._print(Text("\nREGRESSION  ", "bold red").append(line, "none"))
        claims = _count(len(report.claims), "claim")
        instances = _count(sum(result.instances for result in report.claims), "instance")
        told = words.conclusion(report, len(bad))
        if report.baseline:
            told += f" against {report.baseline}"
        if report.stopped:
            told += " so far; the run is incomplete"
            missing = self.wanted - len(report.claims)
            told += f", {_count(missing, 'claim')} not begun" if missing > 0 else ""
        bad = bad or report.regressions
        gap = "" if self.quiet and not bad else "\n"
        line = f"{gap}{claims}, {instances}, seed {report.seed}, {report.seconds:.1f} s: {told}"
        self._print(line, "bold red" if bad else "bold")

    def _wrapped(self, label: str, values: list[str]) -> None:
        """Values behind a label, continued below where the line is full."""
        width, line = self._width(80), label
        for value in values:
            if len(line) + 2 + len(value) > width:
                self._print(line)
                line = " " * len(label)
            line += f"  {value}"
        self._print(line)

    def _width(self, otherwise: int) -> int:
        return self.console.width if self.console.is_terminal else otherwise

    def _cut(self, line: str) -> str:
        """The line, cut to the width of a terminal; whole where there is none."""
        width = self._width(len(line))
        return line if len(line) <= width else line[: width - 1] + "…"

    def _print(self, line: str | Text, style: str = "") -> None:
        text = line if isinstance(line, Text) else Text(line, style)
        self.console.print(text, soft_wrap=True)


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}" + "s" * (number != 1)
