"""The table of `make honest`: a row a claim, over all of its chunks."""

from collections import Counter, defaultdict

COLUMNS = ("instances", "resolved", "unresolved", "inapplicable", "parts", "truth not told")


def pytest_terminal_summary(terminalreporter):
    """Instances, what the claim said of them, single margins, and those outside their bars."""
    counts, outside = defaultdict(Counter), Counter()
    for group in terminalreporter.stats.values():
        for report in group:
            if getattr(report, "when", "") == "call":
                told = [said for name, said in report.user_properties if name == "honest"]
                for claim, found, lies in told:
                    counts[claim].update(found)
                    outside[claim] += len(lies)
    if not counts:
        return
    terminalreporter.section("error bars held against the truth")
    terminalreporter.write_line(" ".join(["claim".ljust(30), *COLUMNS, "outside"]))
    for claim, found in counts.items():
        cells = [str(found[name]).rjust(len(name)) for name in COLUMNS]
        row = [claim.ljust(30), *cells, str(outside[claim]).rjust(len("outside"))]
        terminalreporter.write_line(" ".join(row))
