"""The card says what model.json says, in Markdown that reads well."""

from __future__ import annotations

from pathlib import Path

from CompactSegLib.labels import Label
from CompactSegLib.model.card import model_card
from CompactSegLib.model.model import ExpectedVolume
from CompactSegLib.model.provenance import stated_provenance
from Testing.Lib.conftest import make_tiny_net


def test_the_card_is_made_from_the_model(the_tiny_model):
    card = (the_tiny_model.folder / "README.md").read_text(encoding="utf-8")
    assert card == model_card(the_tiny_model)
    assert card.startswith("# A tiny model\n")
    for fact in (
        "Hippocampus (SCT 5366008), Anterior (SCT 255549009)",
        "`#e69f00`",
        f"| 3 | {the_tiny_model.levels[2].parameters:,} |",
        "| 0.8500 | 0.8600 |",
        "CC-BY-SA-4.0",
        "keeps this licence",
        "not a medical",
        "- Knows nothing.",
        "--model tiny",
        the_tiny_model.weights_sha256,
    ):
        assert fact in card


def test_every_row_of_a_table_has_its_columns(the_tiny_model):
    tables = [line for line in model_card(the_tiny_model).splitlines() if line.startswith("|")]
    assert {line.count("|") for line in tables[:4]} == {5}
    assert {line.count("|") for line in tables[4:]} == {7}


def test_of_many_structures_each_has_a_row_with_all_levels(tmp_path: Path, write_tiny_model):
    names = [f"Part {letter}" for letter in "ABCDEF"]
    figures = {name: 0.5 + index / 100 for index, name in enumerate(names)}
    card = model_card(
        write_tiny_model(
            tmp_path / "many",
            net=make_tiny_net(classes=7),
            labels=[Label(value, name, (value, 0, 0)) for value, name in enumerate(names, start=1)],
            validation=[{"dice": 0.6, "dice_by_label": figures, "cases": 4}] * 2 + [{}],
        )
    )
    assert "| Dice | Level 1 | Level 2 | Level 3 |" in card
    assert "| Part F | 0.5500 | 0.5500 | – |" in card
    assert "| Level | Parameters | Operations / voxel | Receptive field | Dice |\n" in card
    assert max(len(line) for line in card.splitlines() if line.startswith("| Part")) < 80


def test_what_the_training_cases_have_is_on_the_card(tmp_path: Path, write_tiny_model):
    expected = {
        "Anterior hippocampus": ExpectedVolume(1520.4, 912, 2104),
        "Posterior hippocampus": ExpectedVolume(1.234, 0, 2),
    }
    card = model_card(write_tiny_model(tmp_path / "new", expected_millilitres=expected))
    assert "| Colour | Training cases, ml |" in card
    assert "| 1,520 (912 to 2,100) |" in card
    assert "| 1.2 (0 to 2) |" in card
    assert "all together 1,520 ml on average" in card.replace("\n", " ")


def test_a_model_of_which_little_is_known(tmp_path: Path, write_tiny_model):
    model = write_tiny_model(
        tmp_path / "bare", provenance={}, validation=[{}, {}, {}], licence="Apache-2.0"
    )
    card = model_card(model)
    assert "Not stated." in card
    assert "| – |" in card
    assert "validation case" not in card


def test_a_model_of_synthetic_images_says_so(tmp_path: Path, write_tiny_model):
    validation = [{"dice": 0.6, "cases": 8}] * 3
    plan = {"synthesis": {"classes": {"1": [17]}}}
    real = write_tiny_model(tmp_path / "real", validation=validation, provenance={"plan": {}})
    made = write_tiny_model(tmp_path / "made", validation=validation, provenance={"plan": plan})
    assert "8 validation cases" in model_card(real)
    assert "label maps" not in model_card(real)
    assert "8 synthetic images, none of which was trained on" in model_card(made)
    assert "all images it was trained on and judged by were made of label maps" in model_card(made)


def test_a_rule_that_never_stops_is_not_told_as_a_threshold(tmp_path: Path, write_tiny_model):
    stops = model_card(write_tiny_model(tmp_path / "stops", threshold=0.02))
    assert "levels stop when a level changed" in stops.replace("\n", " ")
    never = model_card(write_tiny_model(tmp_path / "never", threshold=0.0))
    assert "all levels run" in never.replace("\n", " ")


def test_nested_provenance_becomes_nested_lists(tmp_path: Path, write_tiny_model):
    provenance = {"training_data": {"name": "Task04", "folds": [1, 2]}, "seed": 3, "mirrored": True}
    card = model_card(write_tiny_model(tmp_path / "new", provenance=provenance))
    assert "- Training data:\n  - Name: Task04\n  - Folds: 1, 2\n- Seed: 3\n- Mirrored: yes" in card


def test_a_long_plan_is_counted_and_not_read_out(tmp_path: Path, write_tiny_model):
    plan = {"steps": 5, "augmentation": {f"setting {number}": 1 for number in range(30)}}
    card = model_card(write_tiny_model(tmp_path / "tiny", provenance={"plan": plan}))
    assert "\n- Plan: 31 settings, all in model.json\n" in card
    assert "Setting 3" not in card


def test_the_plan_in_the_provenance_repeats_nothing_that_the_card_says():
    provenance = {"limits": ["x"], "plan": {"title": "A model", "labels": {}, "steps": 5}}
    assert stated_provenance(provenance) == {"plan": {"steps": 5}}
    assert stated_provenance({"plan": "unknown"}) == {"plan": "unknown"}


def test_a_folder_is_one_word_of_a_command_on_each_system(the_tiny_model, monkeypatch):
    r"""Windows' own shell knows no quotes but ``"``, and a backslash is a letter there."""
    for system, folder, word in (
        ("linux", "/me/my models/a", "'/me/my models/a'"),
        ("win32", "C:\\my models\\a", '"C:\\my models\\a"'),
        ("win32", "D:\\a", "D:\\a"),
    ):
        monkeypatch.setattr("sys.platform", system)
        assert f"--model {word} --output" in model_card(the_tiny_model, called=folder)
