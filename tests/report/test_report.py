"""The HTML page and the Markdown summary: complete, self-contained, small, and proof against texts
that try to break out.
"""

import re
import sqlite3
import time
from html.parser import HTMLParser

import pytest
from msgspec.structs import replace

from ncfcheck.app import cli
from ncfcheck.core.claims import Margin
from ncfcheck.report import charts, findings, markdown, page
from ncfcheck.report.page import Extras, heat_maps, render, slug, strata
from ncfcheck.verdicts import witness
from tests.report.test_writers import GOOD, REFUTED, UNDECIDED
from tests.support.pages import NASTY, many, nasty, run

VOID = {"meta", "link", "img", "input", "br", "hr"}


class Page(HTMLParser):
    """Elements of a page: tags that are open and never closed, ids, links, and tags by name."""

    def __init__(self, text):
        super().__init__()
        self.open, self.ids, self.links, self.tags, self.handlers = [], [], [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        if tag not in VOID:
            self.open.append(tag)
        attributes = dict(attributes)
        self.ids += [attributes["id"]] if "id" in attributes else []
        self.links += [attributes[name] for name in ("href", "src") if name in attributes]
        self.handlers += [name for name in attributes if name.startswith("on")]

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        assert self.open and self.open.pop() == tag, tag


@pytest.fixture(scope="module")
def large():
    """The page of 40 claims with 2,000 instances each, and the seconds it took."""
    start = time.process_time()
    text = render(run(*many()), Extras())
    return text, time.process_time() - start


def test_a_page_of_40_claims_is_small_and_made_quickly(large):
    text, seconds = large
    assert len(text.encode()) < 1.5e6  # the figures of a real run come on top
    assert seconds < 5


def test_a_page_is_well_formed_and_needs_no_network(large):
    found = Page(large[0])
    assert found.open == []
    assert len(found.ids) == len(set(found.ids))
    assert all(link.startswith(("#", "data:")) for link in found.links)
    assert "http" not in re.sub(r"http://www.w3.org\S+", "", large[0])


def test_every_link_has_its_target(large):
    found = Page(large[0])
    assert {link[1:] for link in found.links if link.startswith("#")} <= set(found.ids)


def test_texts_of_users_are_escaped_everywhere():
    result, extras = nasty()
    found = Page(
        text := render(run(result, regressions=(NASTY,), stopped=NASTY, baseline=NASTY), extras)
    )
    assert found.open == [] and found.handlers == []
    assert (found.tags.count("script"), found.tags.count("style"), found.tags.count("img")) == (
        1,
        1,
        0,
    )
    assert "{{ 7 * 7 }}" in text and "🦆" in text
    assert "&lt;script&gt;alert(" in text


def test_markdown_escapes_what_would_be_markup():
    result, _ = nasty()
    text = markdown.document(run(result, regressions=(NASTY,)))
    assert not re.search(r"(?<!\\)(<script|\| pipe|`tick)", text) and r"\| pipe" in text
    rows = [line for line in text.splitlines() if line.startswith("| area")]
    assert len(rows) == 1 and len(re.findall(r"(?<!\\)\|", rows[0])) == 8


def test_markdown_and_page_tell_why_violations_are_not_certified():
    some = replace(REFUTED, why_uncertified={"a <continuum>": 2, "time is up": 1})
    assert "\narea.bad not certified: 2 × a \\<continuum\\>; 1 × time is up\n" in markdown.document(
        run(GOOD, some)
    )
    assert "not certified" not in markdown.document(run(GOOD, REFUTED))
    text = render(run(some), Extras())
    assert "<dt>not certified</dt><dd>2 × a &lt;continuum&gt;; 1 × time is up</dd>" in text
    assert "<dt>not certified</dt>" not in render(run(REFUTED), Extras())


def test_markdown_tells_the_conclusion_what_is_unexpected_and_all_claims():
    text = markdown.document(
        run(GOOD, REFUTED, UNDECIDED, regressions=("a: b: 1 → 2",), baseline="x")
    )
    assert text.startswith("### ncfcheck: 1 of 3 not as expected, 1 regression\n")
    assert "- **area.bad is a theorem" in text and "- **regression** a: b: 1 → 2" in text
    assert text.count("\n| area.") == 3 and "| theorem | 3 | 600 | 6 | 0 |" in text


def test_the_page_tells_what_is_unexpected_first_and_opens_it():
    text = render(run(GOOD, REFUTED), Extras())
    assert "1 of 2 not as expected" in text
    assert (
        'id="claim-area.bad" data-words="area.bad theorem potential "' in text and "open>" in text
    )
    assert "Every verdict as expected" in render(run(GOOD), Extras())


def test_no_verdict_is_told_as_proved_or_true():
    text = render(run(GOOD, UNDECIDED), Extras())
    assert not re.search(r"proved|proven|verified|is true", text)


@pytest.mark.parametrize("results", [(), (UNDECIDED,)])
def test_a_run_without_margins_or_claims_makes_a_page(results):
    assert "ncfcheck report" in render(run(*results), Extras())


def test_slugs_differ_and_are_plain():
    texts = ["a.b", "a_b", "a:b", "a b", "a/b", "ä", NASTY]
    slugs = [slug(text) for text in texts]
    assert len(set(slugs)) == len(texts) and all(
        re.fullmatch(r"[\w.:-]+", each, re.A) for each in slugs
    )


def test_heat_maps_count_pairs_and_what_is_not_covered():
    [result] = many(1)
    [first, *_] = heat_maps([result, result])
    assert (first["across"], first["down"], first["columns"]) == (
        "D",
        "p",
        [str(d) for d in range(3, 17)],
    )
    counts = [count for _, cells in first["rows"] for count, _ in cells]
    assert sum(counts) == 600 and counts.count(0) == first["empty"]


def test_strata_are_coarse_and_counted():
    found = {key: (values, more) for key, values, more in strata(many(3))}
    assert sum(count for _, count in found["α"][0]) == 900 and len(found["α"][0]) <= 4
    assert [value for value, _ in found["D"][0]] == [str(d) for d in range(3, 17)]


def test_a_chart_tells_what_holds_from_what_violates_and_what_is_within_its_error():
    chart = charts.margins(
        [(1.0, 0.1), (-1.0, 0.1), (0.5, 2.0), (0.0, 0.0), (float("nan"), 1.0)], 'a "label"'
    )
    assert all(f'class="mark {kind}"' in chart for kind in ("holds", "violates", "undecided"))
    assert "a &#34;label&#34;" in chart and "nan" not in chart
    assert "no margin" in charts.margins([], "")


@pytest.fixture
def folder(toys, tmp_path, monkeypatch):
    """A folder with a counterexample that is stored, one that is broken, and a ledger."""
    monkeypatch.chdir(tmp_path)
    claim = toys["toy.refutable"]
    certificate = {
        "method": "exact",
        "proves": "all of it",
        "data": dict.fromkeys(map(str, range(99)), "long"),
        "sha256": "0" * 64,
    }
    witness.store(
        witness.witness_of(claim, 999_999, Margin(-99_999.0, 0.5), certificate=certificate)
    )
    (tmp_path / "reports" / "counterexamples" / "broken.json").write_text("{")
    database = sqlite3.connect(tmp_path / "reports" / "ledger.sqlite")
    from ncfcheck.verdicts.ledger import SCHEMA
    from ncfcheck.verdicts.ledger_file import VERSION

    database.executescript(f"{SCHEMA} PRAGMA user_version = {VERSION};")
    database.execute("INSERT INTO hunts VALUES (1, 'toy.open', 3, '{}', '{}', '2030-01-01')")
    rows = [(i, 0.5 - i, ("holds", "violates", "unresolved")[i % 3]) for i in range(6)]
    for number, margin, outcome in rows:
        values = (1, 0, 0, number, "random", "", "{}", margin, 0.1, outcome, "", 1.0, None)
        database.execute(f"INSERT INTO instances VALUES ({','.join('?' * 13)})", values)
    database.commit()
    database.close()
    return tmp_path


def test_counterexamples_come_with_their_commands_and_certificates(folder):
    complaints = []
    [found] = findings.counterexamples(warn=complaints.append)
    assert found["replay"] == "ncfcheck replay reports/counterexamples/toy.refutable.json"
    assert found["verify"] == "ncfcheck verify reports/counterexamples/toy.refutable.json"
    told = dict(found["certificate"])
    assert (told["method"], told["proves"], told["data"]) == (
        "exact",
        "all of it",
        "99 entries, in the file",
    )
    assert (
        "999999" in found["rendering"] and len(complaints) == 1 and "broken.json" in complaints[0]
    )


def test_hunts_are_read_from_the_ledger(folder):
    [found] = findings.hunts()
    assert (found["claim"], found["instances"], found["violates"], found["worst"]) == (
        "toy.open",
        6,
        2,
        "-3.5",
    )
    assert findings.hunts(folder / "none.sqlite") == []
    complaints = []
    assert (
        findings.hunts(folder / "reports" / "counterexamples" / "broken.json", complaints.append)
        == []
        and complaints
    )


def test_the_report_command_writes_both_files(folder, capsys):
    assert cli.main(["check", "toy.true", "toy.open"]) == 0
    capsys.readouterr()
    assert cli.main(["report", "-o", "out"]) == 0
    out, err = capsys.readouterr()
    assert out == "out/report.html\nout/report.md\n" and "broken.json" in err
    text = (folder / "out" / "report.html").read_text()
    assert (
        'id="counterexamples"' in text
        and 'id="hunts"' in text
        and "A number is at least zero." in text
    )
    assert Page(text).open == []


def test_check_writes_a_page_and_a_summary(folder):
    assert (
        cli.main(
            [
                "check",
                "toy.true",
                "--workers",
                "1",
                "--html",
                "o.html",
                "--markdown",
                "o.md",
                "--quiet",
            ]
        )
        == 0
    )
    assert (
        "toy.true" in (folder / "o.html").read_text()
        and "toy.true" in (folder / "o.md").read_text()
    )


def test_a_report_without_results_is_told(toys, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["report"]) == 2
    assert capsys.readouterr().err == "ncfcheck: reports/latest.json is not there\n"


def test_the_map_of_hypotheses_is_on_the_page(toys):
    blocks = page._map(toys, many(1))
    assert [block["theorem"] for block in blocks if block["hypotheses"]] == ["toy.true"]


def test_exponents_are_raised_and_everything_else_is_escaped():
    assert (
        page.mathematics("r^{D−2} <b> δ^D, x^2")
        == "r<sup>D−2</sup> &lt;b&gt; δ<sup>D</sup>, x<sup>2</sup>"
    )
    assert page.mathematics("x^{<b>}") == "x^{&lt;b&gt;}"
