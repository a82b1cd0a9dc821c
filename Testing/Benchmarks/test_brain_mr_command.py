"""The command that measures brain-mr, from label maps and volumes to a document with its pictures."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import numpy as np
import pytest
import SimpleITK

from benchmarks.brain_mr import report, template
from benchmarks.brain_mr.__main__ import check_weights, measure_all, parse
from benchmarks.brain_mr.heads import held_out_heads
from benchmarks.brain_mr.real_heads import RealHead, RealResult, Score
from CompactSegLib.errors import ConfigurationError, InputError
from CompactSegLib.labels import Label
from CompactSegLib.model.folder import write_model
from CompactSegLib.model.model import Model
from CompactSegLib.volume.intensities import IntensityRule
from CompactSegLib.volume.refinement import Refinement
from Testing.Lib.nets import POOLED, layer, net_config, random_net, serial

SOURCE = "made-up heads"
CLASSES = {"1": [2, 41], "2": [3, 42], "3": [4, 43]}
NAMES = ("Cerebral white matter", "Cerebral cortex", "Lateral ventricle")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five heads of shells, one image of the first, and a CT of noise."""
    folder = tmp_path_factory.mktemp("data")
    for name in ("brain-label-maps", "volumes", "heads"):
        (folder / name).mkdir()
    axes = np.ogrid[tuple(slice(-11.5, 12) for _ in range(3))]
    for number in range(5):
        radius = np.sqrt(sum(axis**2 for axis in axes)) * (1 - 0.02 * number)
        left = axes[2] < 0
        head = np.select(
            [radius < 3, radius < 6, radius < 8, radius < 9, radius < 11],
            [np.where(left, 4, 43), np.where(left, 2, 41), np.where(left, 3, 42), 515, 511],
            0,
        ).astype(np.int16)
        _write(head, folder / "brain-label-maps" / f"head_{number}.nii.gz")
    image = np.select([head == 2, head == 41, head > 500], [90, 90, 60], 10 * (head > 0))
    _write(image.astype(np.float32), folder / "volumes" / "head-t1.nii.gz")
    _write(image.astype(np.float32), folder / "heads" / "real_image.nii.gz")
    _write(head, folder / "heads" / "real_truth.nii.gz")
    noise = np.random.default_rng(0).normal(0, 300, (10, 24, 24)).astype(np.float32)
    _write(noise, folder / "volumes" / "body-ct-3mm.nii.gz")
    return folder


def _write(array: np.ndarray, path: Path) -> None:
    image = SimpleITK.GetImageFromArray(array)
    image.SetSpacing((6.0, 6.0, 6.0))
    SimpleITK.WriteImage(image, str(path))


def _model(folder: Path, *, held_out: list[str], synthesis: bool = True) -> Model:
    """An untrained net of two levels that says which heads it has not seen."""
    config = net_config(serial(layer(4)), POOLED, POOLED, classes=4)
    classes = {"classes": CLASSES, "source": {"name": SOURCE}} if synthesis else {}
    return write_model(
        folder,
        net=random_net(config),
        name="shells",
        title="Shells",
        description="Untrained.",
        labels=[Label(n, name, (60 * n, 0, 90)) for n, name in enumerate(NAMES, start=1)],
        modality="MR",
        orientation="RAS",
        spacing_mm=(6.0, 6.0, 6.0),
        intensity=IntensityRule("percentiles", 0.5, 99.5),
        validation=[{}, {}],
        threshold=0.01,
        provenance={
            "plan": {"name": "shells", "spacing_mm": [6.0, 6.0, 6.0], "synthesis": classes},
            "split": {"fold": 0, "validation_cases": held_out},
            "dataset": {"name": SOURCE, "cases": 5},
        },
        licence="CC0-1.0",
    )


def test_the_held_out_heads_are_those_that_the_model_names(data: Path, tmp_path: Path):
    model = _model(tmp_path / "model", held_out=["head_1", "head_3"])
    heads = held_out_heads(data / "brain-label-maps", model)
    assert [head.name for head in heads] == ["head_1", "head_3"]
    head = heads[0]
    assert head.values == (0, 2, 3, 4, 511, 515)
    for label, values in CLASSES.items():
        assert (head.truth == int(label)).sum() == (
            head.tissues == head.values.index(values[0])
        ).sum()
    assert (head.truth[head.tissues >= head.values.index(511)] == 0).all()


def test_a_model_that_knows_all_heads_or_none_is_refused(data: Path, tmp_path: Path):
    with pytest.raises(InputError, match="not trained on"):
        held_out_heads(data / "brain-label-maps", _model(tmp_path / "all", held_out=[]))
    real = _model(tmp_path / "real", held_out=["head_1"], synthesis=False)
    with pytest.raises(InputError, match="synthetic images"):
        held_out_heads(data / "brain-label-maps", real)


def test_all_but_the_template_goes_into_the_document(data: Path, tmp_path: Path):
    model = _model(tmp_path / "model", held_out=["head_1", "head_3"])
    document = tmp_path / "docs" / "shells.md"
    document.parent.mkdir()
    parts = ["heads", "stability", "nothing", "synthetic", "gallery"]
    measure_all(
        parse(
            [
                *("--data", str(data), "--model", str(model.folder), "--document", str(document)),
                *("--precision", "fp32", "--device", "cpu", "--parts", *parts),
            ]
        )
    )
    text = document.read_text(encoding="utf-8")
    filled = dict(re.findall(r"<!-- ([\w-]+) -->\n\n(.+?)\n\n<!-- /\1 -->", text, re.DOTALL))
    assert filled.keys() == {*parts, "worst-images", "worst-change", "setup"}
    shown = re.findall(r"!\[.+?\]\((pictures/shells_[\w-]+\.png)\)", text)
    drawn = {f"pictures/{file.name}" for file in (document.parent / "pictures").iterdir()}
    assert sorted(shown) == sorted(drawn)
    for name in drawn:
        assert 1000 < (document.parent / name).stat().st_size <= 300 * 1024
    assert model.weights_sha256[:12] in filled["setup"]
    for name in NAMES:
        assert f"| {name} |" in filled["synthetic"]
        assert f"| {name} |" in filled["stability"]
        assert f"| {name} |" in filled["heads"]
    assert "| real |" in filled["heads"]
    assert "| CT of the trunk |" in filled["nothing"]
    check_weights(document, model)
    others = dataclasses.replace(model.weights, sha256="0" * 64)
    for change in ({"weights": others}, {"refinement": Refinement(2.0)}):
        with pytest.raises(ConfigurationError, match="measure all parts"):
            check_weights(document, dataclasses.replace(model, **change))


def test_another_model_does_not_go_into_the_shipped_ones_document(capsys):
    assert parse(["--data", "data"]).document.name == "brain-mr.md"
    for change in (["--model", "runs/1mm/model"], ["--net-alone"]):
        with pytest.raises(SystemExit):
            parse(["--data", "data", *change])
        assert "needs a --document" in capsys.readouterr().err


def test_the_template_has_its_maps_on_its_grid():
    found = template.Template.load()
    assert found.volume.geometry.orientation == "RAS"
    for name, least, most in (("GM", 1000, 1150), ("WM", 580, 680)):
        map_ = found.maps[name]
        assert map_.shape == found.volume.shape_kji
        assert least < map_.sum() / 1000 < most
    white, grey = (found.volume.array[0][found.maps[name]].mean() for name in ("WM", "GM"))
    assert white > grey > found.volume.array[0][found.volume.array[0] > 0].min()
    assert not (found.maps["GM"] & found.maps["WM"]).any()


def test_a_model_without_the_structures_of_the_template_is_refused(tmp_path: Path):
    model = _model(tmp_path / "model", held_out=[])
    assert template.values_of(model, ["Cerebral cortex"]) == [2]
    with pytest.raises(InputError, match="Brain stem"):
        template.values_of(model, [template.BRAIN_STEM])


def test_aims_are_met_from_their_figure_on():
    row = report._dice_row("x", 0.8, 0.8)
    assert row["met"] == "yes"
    assert "no" in report._dice_row("x", 0.8 - 1e-3, 0.8)["met"]


def _real_result(name: str, *levels: dict[str, float]) -> RealResult:
    scores = [{n: Score(d, d, d, 1.0) for n, d in level.items()} for level in levels]
    return RealResult(RealHead(name, None, None, {}), None, scores)


def test_real_heads_are_held_to_their_aims():
    first = {"Pallidum": 0.7, "Putamen": 0.9, "Third ventricle": 0.8}
    results = [
        _real_result("a", first, first | {"Pallidum": 0.76, "Putamen": 0.86}),
        _real_result("b", first, first | {"Pallidum": 0.76, "Putamen": 0.88}),
        _real_result("t2-stack", first, first | {"Putamen": 0.1}),
    ]
    rows = {row["what"].removeprefix("real "): row for row in report._real_rows(results)}
    met = {what: row["met"] == "yes" for what, row in rows.items()}
    assert met == {
        "T1 heads: mean Dice of the structures": False,
        "T2 heads: mean Dice of the structures": False,
        "T1 heads: pallidum": True,
        "T1 heads: putamen": True,
        "T1 heads: third ventricle": True,
        "T1 heads: what a structure loses from a level to the next": False,
    }
    assert rows["T1 heads: mean Dice of the structures"]["reached"] == "0.810"
    lost = rows["T1 heads: what a structure loses from a level to the next"]["reached"]
    assert lost == "0.030 (putamen)"
