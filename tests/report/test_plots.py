"""Figures of flows, the instances they are of, and the tutorial."""

import re

import numpy as np
import pytest

from ncfcheck.app import cli
from ncfcheck.core.claims import Margin, registered
from ncfcheck.core.loading import load_claims
from ncfcheck.core.tolerances import Numerics
from ncfcheck.report import examples, plots
from ncfcheck.report.examples import NoInstance, instance_at, portrait_of, shown
from ncfcheck.theory.flow.trajectories import ncf_flow
from ncfcheck.verdicts import witness
from tests.support import ROOT
from tests.theory.kinks.drawn import drawn

TUTORIAL = ROOT / "docs" / "tutorial.md"


@pytest.fixture(scope="module")
def picture():
    """The portrait of an instance with a blow-up, an alignment and a tracking error."""
    load_claims()
    return shown(registered()["early.direction_aligns"])[1]


def test_a_portrait_has_the_blow_up_inside_its_bracket_and_loss_flows_near_the_ncf_flow(picture):
    low, time, high = picture.blowup
    assert low < time < high and picture.aligned[0] < time and picture.missing == {}
    deltas = [delta for delta, _ in picture.losses]
    assert deltas == sorted(deltas, reverse=True) and len(deltas) == 4
    for _, flow in picture.losses:
        aligned = np.searchsorted(flow.time, picture.aligned[0])
        assert (
            0.5 * ((flow.directions[aligned] - picture.target) ** 2).sum()
            < 1.5 * picture.aligned[2]
        )


def test_what_cannot_be_computed_is_left_out_with_the_reason():
    load_claims()
    found = shown(registered()["early.collapse"])[1]
    assert found.blowup is None and "KKT point" in found.missing["blow-up"]
    assert plots.plot(found) is not None


@pytest.mark.parametrize(
    "claim", ["early.collapse", "flow.monotone", "control.degree_two", "control.shared_conserved"]
)
def test_whatever_is_drawn_makes_figures(claim):
    load_claims()
    for index in (0, 2):
        assert len(plots.figures(portrait_of(f"{claim}@1/{index}"))) == 5


def test_figures_tell_the_slope_of_the_tracking_error_and_every_layer(picture):
    drawn, network = plots.figures(picture), picture.instance.network
    legend = " ".join(
        text.get_text() for text in drawn["tracking"].axes[0].get_legend().get_texts()
    )
    assert (
        all(
            abs(float(slope) - network.order) < 0.5
            for slope in re.findall(r"power ([\d.]+)", legend)
        )
        and "power" in legend
    )
    labels = [text.get_text() for text in drawn["singular values"].axes[0].get_legend().get_texts()]
    assert len(labels) == len(network.groups) > 1
    assert len(drawn["norms"].axes[0].get_lines()) == 4 + 1 + 2


def test_an_inline_figure_takes_the_colour_of_the_page_and_keeps_its_numbers(picture):
    figures = plots.figures(picture)
    texts = {name: plots.inline(figure, name, "a label") for name, figure in figures.items()}
    for text in texts.values():
        assert (
            text.startswith('<svg role="img" aria-label="a label"')
            and plots.INK not in text
            and "currentColor" in text
        )
        assert not re.search(r"<\?xml|<!DOCTYPE|https?://(?!www\.w3\.org)", text)
        references = set(re.findall(r'url\(#([^)]*)\)|href="#([^"]*)"', text))
        assert {a or b for a, b in references} <= set(re.findall(r'\bid="([^"]*)"', text))
    ids = [found for text in texts.values() for found in re.findall(r'\bid="([^"]*)"', text)]
    assert len(ids) == len(set(ids))
    assert f"δ = {picture.losses[-1][0]:.2g}" in texts["norms"]
    assert sum(map(len, texts.values())) < 150_000


def test_files_are_svg_or_png_and_the_same_every_time(picture):
    one, other = (plots.save(plots.plot(picture), "a.svg") for _ in range(2))
    assert one == other and plots.INK.encode() not in one
    assert plots.save(plots.plot(picture), "a.png").startswith(b"\x89PNG")
    with pytest.raises(ValueError, match=r"an \.svg or a \.png file"):
        plots.save(plots.plot(picture), "a.pdf")


def test_trajectories_portraits_and_instances_can_be_plotted_and_nothing_else(picture):
    instance = picture.instance
    flow = ncf_flow(instance.ncf, instance.start, instance.numerics)
    assert len(plots.plot(flow).axes) == 2
    assert len(plots.plot(instance).axes) == len(plots.plot(picture).axes) > 4
    with pytest.raises(TypeError, match="not a list"):
        plots.plot([flow])


def test_an_instance_does_not_depend_on_how_many_are_drawn():
    load_claims()
    claim = registered()["flow.monotone"]
    assert instance_at(claim, 3, 2).describe() == examples.instances_of(claim, 5, 3)[2].describe()
    assert instance_at(claim, 3, 2).describe() != instance_at(claim, 4, 2).describe()


def test_the_command_writes_a_figure_of_a_claim_and_of_a_witness(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    load_claims()
    claim = registered()["flow.monotone"]
    path = witness.store(witness.witness_of(claim, instance_at(claim, 0, 1), Margin(-1.0, 0.1)))
    assert cli.main(["plot", str(path), "-o", "w.svg"]) == 0
    assert cli.main(["plot", "flow.monotone@0/1", "-o", "c.svg"]) == 0
    assert (tmp_path / "w.svg").read_bytes() == (tmp_path / "c.svg").read_bytes()
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    "arguments, message",
    [
        (("nope", "-o", "x.svg"), "no claim 'nope'"),
        (
            ("flow.monotone@1", "-o", "x.svg"),
            "an instance is CLAIM@SEED/INDEX, for example flow.monotone@0/3",
        ),
        (("flow.monotone@1/5000", "-o", "x.svg"), "numbered from 0 to 999"),
        (("none.json", "-o", "x.svg"), "cannot read none.json: No such file"),
        (("flow.monotone", "-o", "x.pdf"), "x.pdf: a figure is an .svg or a .png file"),
        (("flow.monotone@0/1", "-o", "no/x.svg"), "cannot write no/x.svg"),
    ],
)
def test_what_cannot_be_plotted_is_told_in_one_line(
    tmp_path, monkeypatch, capsys, arguments, message
):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["plot", *arguments]) == 2
    err = capsys.readouterr().err
    assert message in err and err.count("\n") == 1


def test_an_instance_that_is_no_network_is_told(toys):
    with pytest.raises(NoInstance, match="not about the flow of a network"):
        portrait_of("toy.true@0/0")
    with pytest.raises(NoInstance, match="not about the flow of a network"):
        shown(toys["toy.true"])


def test_the_tutorial_runs(capsys):
    names = {}
    for code in re.findall(r"```python\n(.*?)```", TUTORIAL.read_text(), re.S):
        exec(code, names)
    out = capsys.readouterr().out
    assert "D=7" in out and "not refuted" in out and names["figure"].axes
    assert names["outcome"] == "holds"


def test_what_happens_at_kinks_is_drawn():
    for seed in range(20):
        ncf, start = drawn("two layers", seed)
        flow = ncf_flow(ncf, start, Numerics())
        slides = (flow.turns.modes == 0).any(axis=0).sum()
        if slides and len(flow.turns.events) > 1:
            break
    axes = plots.plot(flow).axes
    assert len(axes) == 3
    named = {text.get_text() for text in axes[0].get_legend().get_texts()}
    assert named == {f"a unit {event.happened.value}" for event in flow.turns.events}
    heights = {line.get_ydata()[0] for line in axes[2].get_lines()}
    assert len(heights) == slides
    assert any(text.get_text().startswith("θ = ") for text in axes[2].texts)
