"""JUnit files keep to what CI systems read: the elements and attributes that Jenkins, GitLab and
Surefire have in common.
"""

import pytest

from ncfcheck.report.junit import document
from tests.report.test_writers import GOOD, REFUTED, UNDECIDED
from tests.support.pages import many, nasty, run

etree = pytest.importorskip("lxml.etree")

COUNT = '<attribute name="{}"><data type="nonNegativeInteger"/></attribute>'
COUNTS = "".join(map(COUNT.format, ("tests", "failures", "errors")))
TIME = (
    '<attribute name="time"><data type="decimal"><param '
    'name="minInclusive">0</param></data></attribute>'
)
TOLD = '<attribute name="message"/><optional><attribute name="type"/></optional><text/>'
GRAMMAR = f"""
<grammar xmlns="http://relaxng.org/ns/structure/1.0" datatypeLibrary="http://www.w3.org/2001/XMLSchema-datatypes">
<start><element name="testsuites"><attribute name="name"/>{COUNTS}{TIME}
  <zeroOrMore><ref name="suite"/></zeroOrMore></element></start>
<define name="suite"><element name="testsuite"><attribute name="name"/>{COUNTS}{TIME}
  {COUNT.format("skipped")}
  <optional><element name="properties"><zeroOrMore>
    <element name="property"><attribute name="name"/><attribute name="value"/></element>
    </zeroOrMore></element></optional>
  <zeroOrMore><ref name="case"/></zeroOrMore></element></define>
<define name="case"><element name="testcase"><attribute name="name"/>
  <attribute name="classname"/>{TIME}
  <optional><choice><element name="skipped">{TOLD}</element><element name="failure">{TOLD}</element>
  <element name="error">{TOLD}</element></choice></optional>
  <optional><element name="system-out"><text/></element></optional></element></define>
</grammar>"""


@pytest.fixture(scope="module")
def schema():
    return etree.RelaxNG(etree.fromstring(GRAMMAR))


RUNS = {
    "ordinary": run(GOOD, REFUTED, UNDECIDED),
    "large": run(*many(5, 10)),
    "hostile texts": run(nasty()[0], regressions=("<a> & 'b'",), baseline='"x"'),
    "stopped": run(GOOD, stopped="a worker died & <gone>\x00"),
    "nothing": run(),
    "no regression": run(GOOD, baseline="reports/baseline.json"),
}


@pytest.mark.parametrize("name", RUNS)
def test_the_file_is_what_ci_systems_read(schema, name):
    found = etree.fromstring(document(RUNS[name]))
    schema.assertValid(found)
    [suite] = found
    assert int(suite.get("tests")) == len(suite.findall("testcase"))
    assert int(suite.get("failures")) == len(suite.findall("testcase/failure"))
    assert int(suite.get("skipped")) == len(suite.findall("testcase/skipped"))


def test_a_file_of_another_shape_is_not(schema):
    found = etree.fromstring(document(RUNS["ordinary"]))
    found[0].append(etree.Element("verdict"))
    assert not schema.validate(found)


def test_a_failure_tells_how_to_see_it_again():
    text = document(run(REFUTED)).decode()
    assert (
        "again: ncfcheck check area.bad --seed 3 --examples 2000" in text
        and "certificate: none: no proof was tried" in text
    )
