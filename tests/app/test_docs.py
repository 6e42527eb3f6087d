"""The documents name what there is: claims, files and options."""

import re

import pytest
from click.testing import CliRunner

from ncfcheck.app.cli import cli
from ncfcheck.core.claims import CONJECTURE, CONTROL, THEOREM, registered
from ncfcheck.core.loading import load_claims
from tests.support import ROOT

load_claims()
DOCUMENTS = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md")])
TEXTS = {path.name: path.read_text(encoding="utf-8") for path in DOCUMENTS}
AREAS = {id.split(".")[0] for id in registered()}


def named(text: str) -> set[str]:
    """Claim ids, or patterns, in backquotes."""
    return {
        found
        for found in re.findall(r"`([a-z_]+\.[a-z_*]+)`", text)
        if found.split(".")[0] in AREAS
    }


@pytest.mark.parametrize("name", TEXTS)
def test_every_claim_that_a_document_names_exists(name):
    patterns = {
        id: re.compile(id.replace(".", r"\.").replace("*", ".*")) for id in named(TEXTS[name])
    }
    assert [
        id
        for id, pattern in patterns.items()
        if not any(pattern.fullmatch(each) for each in registered())
    ] == []


@pytest.mark.parametrize(
    ("kind", "name"),
    [(THEOREM, "theory.md"), (CONTROL, "theory.md"), (CONJECTURE, "conjectures.md")],
)
def test_every_claim_is_in_the_document_about_its_kind(kind, name):
    assert [
        id
        for id, claim in registered().items()
        if claim.kind is kind and f"`{id}`" not in TEXTS[name]
    ] == []


def test_the_table_of_controls_says_what_each_is_of_and_drops():
    for id, claim in registered().items():
        if claim.kind is CONTROL:
            of = ", ".join(f"`{theorem}`" for theorem in claim.of)
            assert f"| `{id}` | {of} | {claim.drops or '—'} |" in TEXTS["theory.md"]


@pytest.mark.parametrize("name", TEXTS)
def test_links_between_documents_lead_somewhere(name):
    folder = next(path.parent for path in DOCUMENTS if path.name == name)
    links = re.findall(r"\]\((?!https?:)([^)#]+)", TEXTS[name])
    assert [link for link in links if not (folder / link).exists()] == []


def test_every_option_in_the_documents_is_one_of_the_command_before_it():
    for text in TEXTS.values():
        for command, rest in re.findall(
            r"^    (?:\$ )?ncfcheck ([a-z]+)(.*?)(?:  #.*)?$", text, flags=re.MULTILINE
        ):
            result = CliRunner().invoke(cli, [command, "--help"])
            assert result.exit_code == 0, f"there is no `ncfcheck {command}`"
            options = set(re.findall(r"--[a-z][a-z-]*", rest))
            assert options - set(re.findall(r"--[a-z][a-z-]*", result.output)) == set()
