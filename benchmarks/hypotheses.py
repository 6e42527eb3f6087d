"""Which function of the verifier proves which hypothesis: `python -m benchmarks.hypotheses` prints
docs/hypotheses.md.
"""

from __future__ import annotations

from ncfcheck.core.docstrings import docstring
from ncfcheck.verifier import PROOFS, REFUTATIONS
from ncfcheck.verifier.registry import FACTS

PAGE = """# Which function proves which hypothesis

A certificate is accepted only if every hypothesis that its claim keeps was proved on the case: the
verifier records which of these functions returned ([certificates](certificates.md)). Hypotheses of
controls are those of the theorems they are about but the one that they drop;
`tests/verifier/test_hypotheses.py` holds the table against both. Functions marked * need nothing
but the instance, and are asked before all else. Made by `python -m benchmarks.hypotheses`.
"""


def page() -> str:
    """The page: tables of claims, and what each function proves."""
    tables = [("Refuted", REFUTATIONS), ("Conclusions proved", PROOFS)]
    sections = [_table(title, known) for title, known in tables]
    return "\n\n".join([PAGE.strip(), *sections, _functions()]) + "\n"


def _table(title: str, known) -> str:
    rows = [
        f"| `{id}` | {name} | {_name(check)} |"
        for id, claim in sorted(known.items())
        for name, check in claim.keeps.items()
    ]
    return "\n".join(
        [f"## {title}", "", "| claim | hypothesis | proved by |", "|---|---|---|", *rows]
    )


def _name(check) -> str:
    module = check.__module__.rsplit(".", 1)[-1]
    return f"`{check.__name__}` in {module}{'*' * (check in FACTS)}"


def _functions() -> str:
    """What the functions say that say more than their names."""
    claims = [*REFUTATIONS.values(), *PROOFS.values()]
    checks = {_name(each): each for claim in claims for each in claim.keeps.values()}
    told = [f"| {name} | {_told(each)} |" for name, each in sorted(checks.items()) if _told(each)]
    return "\n".join(["## The functions", "", "| function | what it says |", "|---|---|", *told])


def _told(check) -> str:
    return " ".join(docstring(check).split("\n\n")[0].split()).replace("|", "\\|")


if __name__ == "__main__":
    print(page(), end="")
