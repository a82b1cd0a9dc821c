"""Models found by name and by folder."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from CompactSegLib import ModelError, list_models, load_model
from CompactSegLib.model.registry import ORDER_FILE, called_from, find_models
from Testing.repository import REPOSITORY


@pytest.fixture
def two_places(tmp_path: Path, the_tiny_model, monkeypatch) -> tuple[Path, Path]:
    """Two folders of models in the search path, and no models that ship."""
    first, second = tmp_path / "first", tmp_path / "second"
    for folder in (first / "tiny", second / "tiny", second / "liver-ct"):
        shutil.copytree(the_tiny_model.folder, folder)
    monkeypatch.setenv("COMPACTSEG_MODELS", os.pathsep.join([str(first), "", str(second)]))
    monkeypatch.setattr("CompactSegLib.model.registry.find_resource", _nothing_ships)
    return first, second


def _nothing_ships(_name: str) -> Path:
    raise FileNotFoundError


def test_a_name_is_found_in_the_first_place_that_has_it(two_places):
    assert load_model("tiny").folder == two_places[0] / "tiny"
    assert load_model("liver-ct").folder == two_places[1] / "liver-ct"


def test_a_folder_is_called_by_the_name_that_finds_it(two_places, tmp_path: Path):
    first, second = two_places
    assert called_from(first / "tiny") == "tiny"
    assert called_from(second / "liver-ct") == "liver-ct"
    assert called_from(second / "to-be-written") == "to-be-written"
    assert called_from(second / "tiny") == ".", "the first place's is found"
    assert called_from(tmp_path / "run" / "model") == "."


def test_a_folder_wins_over_a_name(two_places, the_tiny_model, tmp_path: Path, monkeypatch):
    assert load_model(the_tiny_model.folder).folder == the_tiny_model.folder
    assert load_model(str(the_tiny_model.folder)).folder == the_tiny_model.folder
    shutil.copytree(the_tiny_model.folder, tmp_path / "here" / "tiny")
    monkeypatch.chdir(tmp_path / "here")
    assert load_model("tiny").folder == Path("tiny")


def test_a_folder_of_a_models_name_that_is_none_does_not_hide_it(
    two_places, tmp_path: Path, monkeypatch
):
    (tmp_path / "here" / "tiny").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "here")
    assert load_model("tiny").folder == two_places[0] / "tiny"


def test_an_unknown_name_lists_the_known_ones_and_what_was_meant(two_places):
    with pytest.raises(ModelError) as raised:
        load_model("Livr-ct")
    assert "(liver-ct, tiny)" in str(raised.value)
    assert str(raised.value).endswith("did you mean liver-ct?")


def test_an_unknown_name_like_no_other(two_places):
    with pytest.raises(ModelError, match=r"pass one of these or a model's folder\.$"):
        load_model("xyzzy")


def test_a_path_that_is_no_model_is_told_as_a_path(two_places, tmp_path: Path):
    with pytest.raises(ModelError, match="there is no such folder"):
        load_model("some/where")
    with pytest.raises(ModelError, match=r"it holds no model\.json"):
        load_model(tmp_path)


def test_the_stated_order_comes_before_all_other_names(
    two_places, the_tiny_model, tmp_path: Path, monkeypatch
):
    ships = tmp_path / "ships"
    for name in ("zebra-mr", "bear-mr"):
        shutil.copytree(the_tiny_model.folder, ships / name)
    (ships / ORDER_FILE).write_text('["zebra-mr", "gone-mr", "tiny"]')
    monkeypatch.setattr("CompactSegLib.model.registry.find_resource", lambda _name: ships)
    names = ["zebra-mr", "tiny", "bear-mr", "liver-ct"]
    assert [model.folder.name for model in list_models()] == names
    for damaged in ("", "[1]", '"tiny"'):
        (ships / ORDER_FILE).write_text(damaged)
        assert [model.folder.name for model in list_models()] == sorted(names)


def test_the_order_names_just_the_models_that_ship():
    ships = REPOSITORY / "Resources" / "Models"
    order = json.loads((ships / ORDER_FILE).read_text())
    assert order[0] == "brain-mr"
    assert sorted(order) == sorted(path.parent.name for path in ships.glob("*/model.json"))


def test_models_are_listed_by_name_and_damaged_ones_are_told(two_places):
    assert [model.folder.name for model in list_models()] == ["liver-ct", "tiny"]
    (two_places[1] / "liver-ct" / "weights.safetensors").write_bytes(b"")
    told: list[ModelError] = []
    assert [model.folder.name for model in list_models(on_damaged=told.append)] == ["tiny"]
    assert "liver-ct" in str(told[0])


def test_places_that_are_not_there_are_no_error(monkeypatch, tmp_path: Path):
    monkeypatch.setenv("COMPACTSEG_MODELS", str(tmp_path / "nowhere"))
    monkeypatch.setattr("CompactSegLib.model.registry.find_resource", _nothing_ships)
    assert list_models() == []
    with pytest.raises(ModelError, match="none is installed"):
        load_model("tiny")


@pytest.mark.parametrize("value", [10**400, 1e999, "many", None, [], -1])
def test_one_bad_folder_does_not_take_the_others_away(two_places, value):
    """What a folder says is anybody's: whatever it leads to, the others are listed."""
    file = two_places[1] / "liver-ct" / "model.json"
    data = json.loads(file.read_text(encoding="utf-8"))
    data["net"]["blocks"][0]["branches"][0]["layers"][0]["channels"] = value
    file.write_text(json.dumps(data), encoding="utf-8")
    damaged: list[ModelError] = []
    assert [model.name for model in list_models(on_damaged=damaged.append)] == ["tiny"]
    assert [str(file.parent) in str(error) for error in damaged] == [True]


def test_a_place_that_can_not_be_looked_into_takes_no_other_away(two_places, monkeypatch):
    known = list(find_models())
    places = [f"/{'x' * 300}", *map(str, two_places)]
    monkeypatch.setenv("COMPACTSEG_MODELS", os.pathsep.join(places))
    assert list(find_models()) == known
