import dataclasses
from pathlib import Path

import pytest
import torch

from CompactSegLib.datasets.folders import read_dataset
from CompactSegLib.datasets.trained_on import training_membership
from CompactSegLib.errors import CompactSegError, ConfigurationError, InputError
from CompactSegLib.model.folder import check_model
from CompactSegLib.model.model import Model, Region
from CompactSegLib.network.config import NetConfig
from CompactSegLib.train.growing import grown_config, plan_for, train_from
from CompactSegLib.train.lineage import check_held_out
from CompactSegLib.train.training import train
from CompactSegLib.train.training_plan import TrainingPlan
from CompactSegLib.volume.refinement import Refinement
from Testing.Lib.dataset_files import write_dataset
from Testing.Lib.train.runs import a_trainer, goes_on

LAYER = {"channels": 3}
TWO_LEVELS = {
    "in_channels": 1,
    "classes": 3,
    "blocks": [{"branches": [{"layers": [LAYER]}]}] * 3,
    "heads": [{"layers": [LAYER]}] * 2,
}


@pytest.fixture(scope="module")
def a_finished_model(request, a_short_plan, tmp_path_factory) -> Model:
    """Two levels, trained without the cases of fold 1; the parameter is the plan's balance of classes."""
    folder = tmp_path_factory.mktemp("model")
    data = write_dataset(folder / "Task99_Balls")
    balance = getattr(request, "param", 0.0)
    plan = dataclasses.replace(a_short_plan, steps=3, class_balance=balance)
    net = NetConfig.from_dict(TWO_LEVELS)
    return check_model(train(plan, net, data=data, output=folder / "first", fold=1, device="cpu"))


with_and_without_class_weights = pytest.mark.parametrize(
    "a_finished_model", [0.0, 0.5], indirect=True
)


def grow(model: Model, **run) -> Path:
    return train_from(model, grown_config(model), **run)


def train_further(model: Model, **run) -> Path:
    return train_from(model, model.net_config, **run)


def logits_of(model: Model) -> list[torch.Tensor]:
    image = torch.randn((1, 1, 12, 12, 12), generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        return model.trainable_net()(image)


@with_and_without_class_weights
def test_a_grown_model_has_the_earlier_levels_bit_for_bit(
    a_finished_model, a_dataset_folder, tmp_path
):
    folder = grow(
        a_finished_model, data=a_dataset_folder, output=tmp_path / "grown", fold=1, device="cpu"
    )
    grown = check_model(folder)
    assert len(grown.levels) == 3
    assert grown.name == a_finished_model.name
    assert grown.labels == a_finished_model.labels
    before, after = logits_of(a_finished_model), logits_of(grown)
    assert all(torch.equal(one, other) for one, other in zip(before, after, strict=False))
    weights = grown.trainable_net().state_dict()
    assert all(
        torch.equal(tensor, weights[name])
        for name, tensor in a_finished_model.trainable_net().state_dict().items()
    )
    for level in (0, 1):
        assert grown.levels[level].validation == a_finished_model.levels[level].validation
    origin = grown.provenance["started_from"]
    assert origin["weights_sha256"] == a_finished_model.weights_sha256
    assert origin["levels"] == 2
    seen = training_membership(grown, read_dataset(a_dataset_folder))
    assert sorted(seen.values()) == ["no", *["yes"] * 5]


def test_a_grown_level_at_a_rate_of_its_own_moves_the_earlier_ones(
    a_finished_model, a_dataset_folder, tmp_path
):
    own = TrainingPlan.from_dict(a_finished_model.provenance["plan"])
    plan = dataclasses.replace(own, earlier_rate=0.1)
    options = {"fold": None, "device": "cpu", "plan": plan}
    grown = check_model(
        grow(a_finished_model, data=a_dataset_folder, output=tmp_path / "grown", **options)
    )
    assert not torch.equal(logits_of(grown)[0], logits_of(a_finished_model)[0])
    assert not any(level.validation for level in grown.levels)


def test_frozen_levels_keep_their_figures_where_all_cases_train_the_new_one(
    a_finished_model, a_dataset_folder, tmp_path
):
    options = {"fold": None, "device": "cpu"}
    grown = check_model(
        grow(a_finished_model, data=a_dataset_folder, output=tmp_path / "grown", **options)
    )
    figures = [dict(level.validation) for level in grown.levels]
    assert figures == [*(dict(level.validation) for level in a_finished_model.levels), {}]


def test_growing_goes_on_after_a_kill(a_finished_model, a_dataset_folder, a_short_plan, tmp_path):
    config = grown_config(a_finished_model)
    run = a_dataset_folder, config, a_short_plan

    def make(name):
        return a_trainer(*run, tmp_path / name, started_from=a_finished_model)

    goes_on(make, killed_after=7, from_step=4)
    # The same net trained from its beginning is another run.
    with pytest.raises(ConfigurationError, match="started_from"):
        a_trainer(*run, tmp_path / "killed").resume()


def test_the_new_block_and_head_are_the_last_ones_of_a_configuration(a_finished_model):
    wide = {"layers": [{"channels": 5}]}
    other = NetConfig.from_dict(
        {
            "in_channels": 1,
            "classes": 3,
            "blocks": [{"branches": [wide]}] * 2,
            "heads": [wide],
        }
    )
    own, given = grown_config(a_finished_model), grown_config(a_finished_model, other)
    assert own.blocks[:3] == given.blocks[:3] == a_finished_model.net_config.blocks
    assert own.blocks[3] == own.blocks[2]
    assert (given.blocks[3], given.heads[2]) == (other.blocks[1], other.heads[0])


def test_a_plan_for_other_images_is_refused(a_finished_model):
    assert plan_for(a_finished_model, TrainingPlan()).labels.keys() == {"1", "2"}
    for other in ({"spacing_mm": (2.0, 2.0, 2.0)}, {"intensity": {"rule": "percentiles"}}):
        with pytest.raises(ConfigurationError, match=next(iter(other))):
            plan_for(a_finished_model, TrainingPlan(**other))


def test_a_model_without_a_plan_needs_one(a_finished_model):
    bare = dataclasses.replace(a_finished_model, provenance={})
    with pytest.raises(ConfigurationError, match="; pass --plan"):
        plan_for(bare)
    assert plan_for(bare, TrainingPlan(steps=5)).steps == 5


def test_cases_that_the_model_knows_are_not_held_out(a_finished_model, a_dataset_folder, tmp_path):
    with pytest.raises(InputError, match="--fold all"):
        grow(a_finished_model, data=a_dataset_folder, output=tmp_path / "x", fold=0, device="cpu")
    assert not (tmp_path / "x").exists()
    check_held_out(a_finished_model, read_dataset(a_dataset_folder), [])


def test_a_dataset_with_other_labels_is_refused(a_finished_model, a_dataset_folder, tmp_path):
    path = a_dataset_folder / "dataset.json"
    path.write_text(path.read_text().replace('"2": "Back"', '"2": "Back", "3": "Top"'))
    with pytest.raises(CompactSegError, match="4 classes"):
        grow(a_finished_model, data=a_dataset_folder, output=tmp_path / "x", fold=1, device="cpu")


def test_the_model_that_is_grown_is_not_overwritten(a_finished_model, a_dataset_folder):
    with pytest.raises(ConfigurationError, match="choose another"):
        grow(a_finished_model, data=a_dataset_folder, output=a_finished_model.folder.parent)


@with_and_without_class_weights
def test_a_run_can_begin_with_the_weights_of_a_model(a_finished_model, a_dataset_folder, tmp_path):
    plan = TrainingPlan.from_dict(a_finished_model.provenance["plan"])
    still = dataclasses.replace(plan, learning_rate=0.0)
    run = {"data": a_dataset_folder, "fold": 1, "device": "cpu"}
    same = check_model(
        train_further(a_finished_model, plan=still, output=tmp_path / "still", **run)
    )
    parameters = dict(same.trainable_net().named_parameters())
    for name, before in a_finished_model.trainable_net().named_parameters():
        # What class weights do to the odds is put in and taken out again.
        torch.testing.assert_close(parameters[name], before, rtol=0, atol=1e-6, msg=name)
    folder = train_further(a_finished_model, output=tmp_path / "further", **run)
    further = check_model(folder)
    assert len(further.levels) == 2
    assert further.weights_sha256 != a_finished_model.weights_sha256
    origin = further.provenance["started_from"]
    assert origin["weights_sha256"] == a_finished_model.weights_sha256
    with pytest.raises(InputError, match="was not trained on"):
        train_further(a_finished_model, output=tmp_path / "no", **(run | {"fold": 0}))


def test_the_model_s_refinement_is_kept_with_its_plan(a_finished_model):
    refined = dataclasses.replace(a_finished_model, refinement=Refinement(1.0))
    assert plan_for(refined).refinement == Refinement(1.0).to_dict()
    assert plan_for(refined, TrainingPlan()).refinement == {}


def test_the_model_s_region_is_kept_with_its_plan(a_finished_model):
    region = Region("brain-mr", "Hippocampus", level=1, margin_mm=5.0)
    placed = dataclasses.replace(a_finished_model, region=region)
    assert Region(**plan_for(placed).region) == region
    assert plan_for(placed, TrainingPlan()).region == {}


@with_and_without_class_weights
def test_what_a_run_began_with_can_have_a_share_in_what_it_ends_with(
    a_finished_model, a_dataset_folder, tmp_path
):
    plan = TrainingPlan.from_dict(a_finished_model.provenance["plan"])
    run = {"data": a_dataset_folder, "fold": 1, "device": "cpu"}
    ends = []
    for share in (0.0, 0.25):
        mixed = dataclasses.replace(plan, start_share=share)
        folder = train_further(a_finished_model, plan=mixed, output=tmp_path / str(share), **run)
        ends.append(check_model(folder).trainable_net().state_dict())
    start, (own, mixed) = a_finished_model.trainable_net().state_dict(), ends
    for name, tensor in mixed.items():
        if tensor.is_floating_point():
            assert torch.allclose(tensor, 0.75 * own[name] + 0.25 * start[name], atol=2e-6), name
