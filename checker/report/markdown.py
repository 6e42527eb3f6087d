"""The run as Markdown, short enough for a comment on a pull request."""

from __future__ import annotations

import re

from ncfcheck.core.claims import Kind
from ncfcheck.core.describing import one_line
from ncfcheck.core.files import write
from ncfcheck.report import words
from ncfcheck.verdicts.events import Event
from ncfcheck.verdicts.report import Report
from ncfcheck.verdicts.results import ClaimResult

SPECIAL = re.compile(r"([\\`*_{}\[\]<>|#~!&@])")


class MarkdownFile:
    """Writes the summary of a run to `path` when it is finished."""

    def __init__(self, path, strict: bool = False):
        self.path, self.strict = path, strict

    def __call__(self, event: Event) -> None:
        if isinstance(event, Report):
            write(self.path, document(event, self.strict).encode("utf-8", "replace"))


def document(report: Report, strict: bool = False) -> str:
    """Conclusion, what is not as expected, regressions, counts by kind, all claims folded away."""
    bad = [result for result in report.claims if not result.as_expected(strict)]
    lines = [f"### ncfcheck: {_conclusion(report, bad)}", ""]
    lines += [f"- **{escape(first)}**" for first, *_ in map(words.unexpected, bad)]
    lines += [f"- **regression** {escape(line)}" for line in report.regressions]
    lines += [
        "",
        "| kind | claims | instances | unresolved | found violated |",
        "|---|--:|--:|--:|--:|",
    ]
    lines += [_kind(kind, [each for each in report.claims if each.kind is kind]) for kind in Kind]
    lines += ["", "<details><summary>All claims</summary>", ""]
    lines += [
        "| claim | kind | verdict | N | unresolved | worst margin | 95 % bound |",
        "|---|---|---|--:|--:|--:|--:|",
    ]
    lines += [_claim(result) for result in report.claims]
    lines += [_uncertified(result) for result in report.claims if result.why_uncertified]
    lines += [_proved(result) for result in report.claims if words.proved(result)]
    versions = ", ".join(f"{name} {version}" for name, version in report.versions.items())
    again = f"`ncfcheck check --examples {report.examples} --seed {report.seed}`"
    lines += ["", "</details>", ""]
    lines += [f"{again} in {report.seconds:.0f} s with {escape(versions)}", ""]
    return "\n".join(lines)


def escape(text) -> str:
    """The text on one line, with what Markdown or HTML would take for markup escaped."""
    return SPECIAL.sub(r"\\\1", one_line(text))


def _conclusion(report: Report, bad: list[ClaimResult]) -> str:
    told = words.conclusion(report, len(bad))
    return told + (f" ({escape(report.stopped)})" if report.stopped else "")


def _kind(kind: Kind, results: list[ClaimResult]) -> str:
    instances = sum(each.instances for each in results)
    unresolved = sum(each.unresolved for each in results)
    violated = sum(bool(each.confirmed) for each in results)
    return f"| {kind} | {len(results)} | {instances} | {unresolved} | {violated} |"


def _claim(result: ClaimResult) -> str:
    cells = [
        escape(result.id),
        words.kind_in_short(result),
        result.verdict,
        result.instances,
        result.unresolved,
        words.margin(result.worst),
        words.percent(result.bound95),
    ]
    return f"| {' | '.join(map(str, cells))} |"


def _proved(result: ClaimResult) -> str:
    why = escape("; ".join(words.unproved(result)))
    others = f"; on others not: {why}" if why else ""
    return f"\n{escape(result.id)} {words.proved(result)}{others}"


def _uncertified(result: ClaimResult) -> str:
    return f"\n{escape(result.id)} not certified: {escape('; '.join(words.uncertified(result)))}"
