"""The run as JUnit XML: one test case per claim, for continuous integration servers."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterable

from ncfcheck.core.claims import Verdict
from ncfcheck.core.files import write
from ncfcheck.report import words
from ncfcheck.verdicts.events import Event
from ncfcheck.verdicts.report import Report
from ncfcheck.verdicts.results import ClaimResult

# What XML 1.0 cannot hold, even escaped.
ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class JUnitFile:
    """Writes the test suite to `path` when the run is finished."""

    def __init__(self, path, strict: bool = False):
        self.path, self.strict = path, strict

    def __call__(self, event: Event) -> None:
        if isinstance(event, Report):
            write(self.path, document(event, self.strict))


def document(report: Report, strict: bool = False) -> bytes:
    """The XML: a failure for an unexpected verdict, an error for a claim at fault or a stopped run,
    skipped for an unresolved verdict.

    It keeps to what the schemas of Jenkins (junit-10.xsd) and Surefire have in common: no
    properties in a test case.
    """
    cases = [_case(result, strict, report) for result in report.claims]
    if report.stopped:
        cases.append(_test("ncfcheck", "run"))
        cases[-1].append(_fault("error", "stopped", report.stopped))
    cases += [_regressions(report)] if report.baseline else []
    failures = sum(case.find("failure") is not None for case in cases)
    errors = sum(case.find("error") is not None for case in cases)
    skipped = sum(case.find("skipped") is not None for case in cases)
    time = _seconds(report.seconds)
    counts = {"tests": len(cases), "failures": failures, "errors": errors, "time": time}
    suite = _element("testsuite", {"name": "ncfcheck", **counts, "skipped": skipped})
    suite.append(_properties({"seed": report.seed, "examples": report.examples, **report.versions}))
    suite.extend(cases)
    suites = _element("testsuites", {"name": "ncfcheck", **counts})
    suites.append(suite)
    ET.indent(suites)
    return ET.tostring(suites, encoding="utf-8", xml_declaration=True) + b"\n"


def _case(result: ClaimResult, strict: bool, report: Report) -> ET.Element:
    """Test case of a claim; its class is the area, so that servers group the claims by it."""
    area, _, name = result.id.partition(".")
    case = _test(area, name, _seconds(result.seconds))
    if not result.as_expected(strict):
        lines = words.unexpected(result, report)
        fault = ("error", "error") if result.errors else ("failure", str(result.verdict))
        case.append(_fault(*fault, lines[0], lines))
    elif result.verdict is Verdict.UNRESOLVED:
        reasons = "; ".join([words.sentence(result), *words.reasons(result)])
        case.append(_element("skipped", {"message": reasons}))
    facts = [f"{name}: {value}" for name, value in words.facts(result).items()]
    case.append(_element("system-out", {}, "\n".join(facts)))
    return case


def _regressions(report: Report) -> ET.Element:
    """Test case of the comparison with a baseline: one failure, a line for every regression."""
    case = _test("ncfcheck", "baseline")
    if report.regressions:
        told = f"{len(report.regressions)} regressions against {report.baseline}"
        case.append(_fault("failure", "regression", told, report.regressions))
    return case


def _test(area: str, name: str, time: str = "0") -> ET.Element:
    return _element("testcase", {"classname": area, "name": name, "time": time})


def _fault(tag: str, kind: str, message: str, lines: Iterable[str] = ()) -> ET.Element:
    return _element(tag, {"message": message, "type": kind}, "\n".join(lines))


def _properties(values: dict[str, object]) -> ET.Element:
    properties = _element("properties", {})
    properties.extend(
        _element("property", {"name": name, "value": value}) for name, value in values.items()
    )
    return properties


def _element(tag: str, attributes: dict[str, object], text: str = "") -> ET.Element:
    legal = {key: ILLEGAL.sub("?", str(value)) for key, value in attributes.items()}
    element = ET.Element(tag, legal)
    element.text = ILLEGAL.sub("?", text) or None
    return element


def _seconds(seconds: float) -> str:
    return f"{seconds:.3f}"
