"""A model written, read back and used."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from CompactSegLib import CompactSegError, ModelError, OutputError
from CompactSegLib.labels import Label
from CompactSegLib.model.folder import check_model, model_data, read_model
from CompactSegLib.model.model import ExpectedVolume
from CompactSegLib.network.cost import level_costs
from CompactSegLib.network.folding import fold_batch_norm


def test_a_model_read_back_is_the_one_that_was_written(the_tiny_model):
    again = read_model(the_tiny_model.folder)
    assert model_data(again) == model_data(the_tiny_model)
    assert again.size_bytes == sum(f.stat().st_size for f in the_tiny_model.folder.iterdir())


def test_what_the_training_cases_had_is_kept(tmp_path: Path, write_tiny_model):
    expected = {
        "Anterior hippocampus": ExpectedVolume(1.5, 0.9, 2.1),
        "Posterior hippocampus": ExpectedVolume(1.2, 0.0, 2.0),
    }
    model = write_tiny_model(tmp_path / "new", expected_millilitres=expected)
    assert read_model(model.folder).expected_millilitres == expected


def test_a_model_that_expects_nothing_states_nothing(the_tiny_model):
    """As models did before there was such a field; they are read as ever."""
    assert "expected_millilitres" not in json.loads(
        (the_tiny_model.folder / "model.json").read_text()
    )
    assert read_model(the_tiny_model.folder).expected_millilitres == {}


def test_the_folder_holds_three_files_and_nothing_is_left_beside_it(a_model_folder: Path):
    names = {path.name for path in a_model_folder.iterdir()}
    assert names == {"model.json", "weights.safetensors", "README.md"}
    assert list(a_model_folder.parent.iterdir()) == [a_model_folder]


def test_the_net_read_back_computes_the_same(the_tiny_model, a_tiny_net):
    image = torch.randn(1, 1, 9, 8, 7)
    for ours, theirs in zip(a_tiny_net(image), the_tiny_model.trainable_net()(image), strict=True):
        assert torch.equal(ours, theirs)
    for ours, theirs in zip(a_tiny_net(image), the_tiny_model.net(image), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)


def test_the_net_is_loaded_once_and_is_for_inference(the_tiny_model):
    net = the_tiny_model.net
    assert net is the_tiny_model.net
    assert not net.training
    assert not any(isinstance(module, torch.nn.BatchNorm3d) for module in net.modules())
    assert not any(parameter.requires_grad for parameter in net.parameters())


def test_the_trainable_net_is_a_new_one_each_time(the_tiny_model):
    first, second = the_tiny_model.trainable_net(), the_tiny_model.trainable_net()
    assert first is not second
    assert all(parameter.requires_grad for parameter in first.parameters())


def test_loading_a_net_leaves_the_random_numbers_alone(the_tiny_model):
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    the_tiny_model.trainable_net()
    assert torch.equal(torch.rand(3), expected)


def test_the_figures_are_those_of_the_net(the_tiny_model):
    for info, cost in zip(
        the_tiny_model.levels, level_costs(the_tiny_model.net_config), strict=True
    ):
        assert info.level == cost.level
        assert info.parameters == cost.parameters
        assert info.receptive_field == cost.receptive_field
        assert info.macs_per_voxel == pytest.approx(cost.macs_per_voxel)
    assert the_tiny_model.levels[1].validation["dice"] == 0.85


def test_the_same_model_gives_the_same_bytes(tmp_path: Path, write_tiny_model):
    write_tiny_model(tmp_path / "a", name="same")
    write_tiny_model(tmp_path / "b", name="same")
    for name in ("model.json", "weights.safetensors", "README.md"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_writing_again_replaces_the_model(a_model_folder: Path, write_tiny_model):
    write_tiny_model(a_model_folder, title="Another title")
    assert check_model(a_model_folder).title == "Another title"
    assert list(a_model_folder.parent.iterdir()) == [a_model_folder]


def test_a_folder_with_other_files_is_not_replaced(a_model_folder: Path, write_tiny_model):
    (a_model_folder / "notes.txt").write_text("mine")
    with pytest.raises(OutputError, match=r"also holds 'notes\.txt'"):
        write_tiny_model(a_model_folder)
    assert (a_model_folder / "notes.txt").read_text() == "mine"
    check_model(a_model_folder)


def test_a_place_that_cannot_be_written_to_is_named(tmp_path: Path, write_tiny_model):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match=r"could not be written"):
        write_tiny_model(tmp_path / "file" / "model")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"name": "Has Spaces"}, "name: expected lower-case letters"),
        ({"title": " "}, "title: expected a text"),
        ({"labels": (Label(1, "One", (1, 2, 3)),)}, "labels: expected the values 1 to 2 in order"),
        (
            {"labels": (Label(1, "One", (1, 2, 3)), Label(2, "One", (1, 2, 3)))},
            "a name of its own",
        ),
        ({"orientation": "RAL"}, "orientation: expected three letters"),
        ({"spacing_mm": (1.0, 0.0, 1.0)}, "spacing_mm[1]: expected a length from 0.05 to 100 mm"),
        ({"validation": [{}, {}]}, "figures for 3 levels, got 2"),
        ({"validation": [{"dice": 1.5}, {}, {}]}, "dice: expected a number from 0 to 1, got 1.5"),
        ({"provenance": {"loss": float("nan")}}, "expected validation and provenance that JSON"),
        ({"threshold": -0.1}, "threshold: expected a number from 0 to 1, got -0.1"),
        ({"licence": ""}, "licence: expected a text"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_does_not_fit_together_is_not_written(
    tmp_path: Path, write_tiny_model, changes: dict, sentence: str
):
    with pytest.raises(CompactSegError) as raised:
        write_tiny_model(tmp_path / "new", **changes)
    assert sentence in str(raised.value)
    assert not list(tmp_path.iterdir())


def test_a_folded_net_is_not_written(tmp_path: Path, write_tiny_model, a_tiny_net):
    with pytest.raises(ModelError, match="tensors are missing"):
        write_tiny_model(tmp_path / "new", net=fold_batch_norm(a_tiny_net))


def test_weights_that_are_not_finite_are_not_written(tmp_path: Path, write_tiny_model, a_tiny_net):
    with torch.no_grad():
        next(a_tiny_net.parameters())[0] = float("nan")
    with pytest.raises(ModelError, match="expected finite numbers"):
        write_tiny_model(tmp_path / "new", net=a_tiny_net)


def test_half_precision_and_other_layouts_are_written_as_plain_fp32(
    tmp_path: Path, write_tiny_model, a_tiny_net
):
    half = a_tiny_net.half().to(memory_format=torch.channels_last_3d)
    model = write_tiny_model(tmp_path / "new", net=half)
    assert {p.dtype for p in model.trainable_net().parameters()} == {torch.float32}


def test_kernels_may_be_stored_at_half_the_size(tmp_path: Path, write_tiny_model):
    full, half = (
        write_tiny_model(tmp_path / "full"),
        write_tiny_model(tmp_path / "half", half_weights=True),
    )
    exact, stored = full.trainable_net().state_dict(), half.trainable_net().state_dict()
    kernels = sum(tensor.numel() for tensor in exact.values() if tensor.ndim > 1)
    sizes = [(model.folder / "weights.safetensors").stat().st_size for model in (full, half)]
    assert sizes[0] - sizes[1] == pytest.approx(2 * kernels, abs=200)
    for name, tensor in exact.items():
        assert stored[name].dtype == tensor.dtype
        expected = tensor.half().float() if tensor.ndim > 1 else tensor
        assert torch.equal(stored[name], expected), name


def test_reading_a_model_loads_no_torch(the_tiny_model):
    code = (
        "import sys; from CompactSegLib import load_model; "
        "model = load_model(sys.argv[1]); print(model.name, 'torch' in sys.modules)"
    )
    run = [sys.executable, "-c", code, str(the_tiny_model.folder)]
    printed = subprocess.run(run, capture_output=True, text=True, check=True).stdout
    assert printed.split() == ["tiny", "False"]


def test_model_json_says_what_the_design_asks_for(a_model_folder: Path):
    data = json.loads((a_model_folder / "model.json").read_text())
    assert data["schema"] == 1
    assert data["labels"][0]["terminology"]["type"]["value"] == "5366008"
    assert data["weights"]["sha256"]
    assert data["stop"] == {"threshold": 0.01}
