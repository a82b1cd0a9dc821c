"""``compactseg models`` and ``compactseg info``."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from Testing.Lib.cli.conftest import refusal_of


def test_models_are_listed(compactseg):
    result = compactseg("models")
    assert result.exit_code == 0
    row = next(line for line in result.stdout.splitlines() if "tiny" in line)
    assert [cell.strip() for cell in row.strip("│ ").split("│")] == [
        "tiny",
        "A tiny model",
        "MR T1",
        "3",
        "0.02",
        "CC-BY-SA-4.0",
    ]


def test_models_as_json(compactseg, the_tiny_model):
    (model,) = json.loads(compactseg("models", "--json").stdout)
    assert model["name"] == "tiny"
    assert model["level_count"] == 3
    assert model["structures"] == ["Anterior hippocampus", "Posterior hippocampus"]
    assert model["folder"] == str(the_tiny_model.folder)


def test_a_damaged_model_is_told_and_the_others_are_listed(
    compactseg, the_tiny_model, tmp_path: Path, monkeypatch
):
    for name in ("good", "bad"):
        shutil.copytree(the_tiny_model.folder, tmp_path / name)
    (tmp_path / "bad" / "model.json").write_text("{}")
    monkeypatch.setenv("COMPACTSEG_MODELS", str(tmp_path))
    result = compactseg("models", "--json")
    assert result.exit_code == 0
    assert [model["name"] for model in json.loads(result.stdout)] == ["good"]
    assert str(tmp_path / "bad") in result.stderr


def test_no_models_at_all(compactseg, monkeypatch, tmp_path: Path):
    monkeypatch.setenv("COMPACTSEG_MODELS", str(tmp_path))
    result = compactseg("models")
    assert result.exit_code == 0
    assert "COMPACTSEG_MODELS" in result.stderr


def test_info_shows_levels_labels_limits_and_provenance(compactseg, the_tiny_model):
    text = compactseg("info", "tiny").stdout
    for fact in (
        "A tiny model",
        "tiny · MR T1 · 3 levels",
        str(the_tiny_model.folder),
        "Knows nothing.",
        "Claims of US 10,783,640",
        "RAS, 1 × 1 × 1 mm",
        "Anterior hippocampus",
        "Hippocampus (SCT 5366008), Anterior (SCT 255549009)",
        "#e69f00",
        f"{the_tiny_model.levels[2].parameters:,}",
        f"{the_tiny_model.levels[2].macs_per_voxel_all_levels:,.0f}",
        f"{the_tiny_model.levels[2].receptive_field}³",
        "0.8500",
        "Name: noise",
        the_tiny_model.weights_sha256,
    ):
        assert fact in text


def test_the_commands_that_info_shows_find_the_model_that_was_asked_for(
    compactseg, the_tiny_model, tmp_path: Path
):
    folder = tmp_path / "my run"
    shutil.copytree(the_tiny_model.folder, folder)
    shown = "".join(compactseg("info", folder).stdout.split())
    quote = '"' if os.name == "nt" else "'"
    assert f"--model{quote}{folder}{quote}--output".replace(" ", "") in shown
    assert f"load_model({json.dumps(str(folder))})".replace(" ", "") in shown
    shown = compactseg("info", "tiny").stdout
    assert "--model tiny --output" in shown
    assert 'load_model("tiny")' in shown


def test_info_as_json_is_model_json_and_more(compactseg, the_tiny_model):
    data = json.loads(compactseg("info", "tiny", "--json").stdout)
    stored = json.loads((the_tiny_model.folder / "model.json").read_text())
    assert data | stored == data
    assert data["size_bytes"] == the_tiny_model.size_bytes


def test_names_with_brackets_are_shown_as_they_are(compactseg, tmp_path: Path, write_tiny_model):
    from CompactSegLib import Label

    labels = (Label(1, "Lesion [old]", (1, 2, 3)), Label(2, "Lesion [/new]", (1, 2, 3)))
    model = write_tiny_model(
        tmp_path / "new", labels=labels, title="[red]A model", validation=[{}] * 3
    )
    text = compactseg("info", model.folder).stdout
    assert "Lesion [old]" in text
    assert "Lesion [/new]" in text
    assert "[red]A model" in text


@pytest.mark.parametrize("name", ["tyni", "no/where"])
def test_info_on_an_unknown_model(compactseg, tmp_path: Path, name: str):
    assert refusal_of(compactseg("info", name), tmp_path).startswith(f"{Path(name)}: expected")


def test_the_version(compactseg):
    import CompactSegLib

    assert compactseg("--version").stdout == f"compactseg {CompactSegLib.__version__}\n"
