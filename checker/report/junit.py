"""The run as JUnit XML: one test case per claim, for continuous integration servers."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

from ncfcheck.core.claims import Verdict
from ncfcheck.core.files import write
from ncfcheck.report import words
from ncfcheck.verdicts.events import Event
from ncfcheck.verdicts.report import Report
from ncfcheck.verdicts.results import ClaimResult

ILLEGAL = re.compile(
    "[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]"
)  # what XML 1.0 cannot hold, even escaped


class JUnitFile:
    """Writes the test suite to `path` when the run is report."""

    def __init__(self, path, strict: bool = False):
        self.path, self.strict = path, strict

    def __call__(self, event: Event) -> None:
        if isinstance(event, Report):
            write(self.path, document(event, self.strict))


def document(report: Report, strict: bool = False) -> bytes:
    """The XML: a failure for an unexpected verdict and for a run that was stopped, skipped for an
    unresolved claim.

    It keeps to what the schemas of Jenkins (junit-10.xsd) and Surefire have in common: no
    properties in a test case.
    """
    cases = [_case(result, strict, report) for result in report.claims]
    if report.stopped:
        cases.append(_element("testcase", {"classname": "ncfcheck", "name": "run", "time": "0"}))
        cases[-1].append(_element("failure", {"message": report.stopped, "type": "stopped"}))
    cases += [_regressions(report)] if report.baseline else []
    failures = sum(case.find("failure") is not None for case in cases)
    skipped = sum(case.find("skipped") is not None for case in cases)
    counts = {
        "tests": len(cases),
        "failures": failures,
        "errors": 0,
        "time": _seconds(report.seconds),
    }
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
    case = _element("testcase", {"classname": area, "name": name, "time": _seconds(result.seconds)})
    if not result.as_expected(strict):
        first, *rest = words.unexpected(result, report.seed, report.examples)
        case.append(
            _element(
                "failure",
                {"message": first, "type": str(result.verdict)},
                "\n".join([first, *rest]),
            )
        )
    elif result.verdict is Verdict.UNRESOLVED:
        case.append(
            _element(
                "skipped", {"message": "; ".join([words.sentence(result), *words.reasons(result)])}
            )
        )
    case.append(
        _element(
            "system-out",
            {},
            "\n".join(f"{name}: {value}" for name, value in words.facts(result).items()),
        )
    )
    return case


def _regressions(report: Report) -> ET.Element:
    """Test case of the comparison with a baseline: one failure, a line for every regression."""
    case = _element("testcase", {"classname": "ncfcheck", "name": "baseline", "time": "0"})
    if report.regressions:
        told = f"{len(report.regressions)} regressions against {report.baseline}"
        case.append(
            _element(
                "failure", {"message": told, "type": "regression"}, "\n".join(report.regressions)
            )
        )
    return case


def _properties(values: dict[str, object]) -> ET.Element:
    properties = _element("properties", {})
    properties.extend(
        _element("property", {"name": name, "value": value}) for name, value in values.items()
    )
    return properties


def _element(tag: str, attributes: dict[str, object], text: str = "") -> ET.Element:
    element = ET.Element(
        tag, {key: ILLEGAL.sub("?", str(value)) for key, value in attributes.items()}
    )
    element.text = ILLEGAL.sub("?", text) or None
    return element


def _seconds(seconds: float) -> str:
    return f"{seconds:.3f}"
