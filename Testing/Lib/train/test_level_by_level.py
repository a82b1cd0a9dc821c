import dataclasses

import numpy as np
import pytest
import torch

from CompactSegLib.errors import ConfigurationError
from CompactSegLib.network.net import MultiLevelNet
from CompactSegLib.train.checkpoint import check_same_run
from CompactSegLib.train.stages import Stage, loss_weights, stages_of
from CompactSegLib.train.training_plan import TrainingPlan
from Testing.Lib.train.runs import a_trainer, rows_of


@pytest.fixture
def a_plan_level_by_level(a_short_plan) -> TrainingPlan:
    """Stages of three, six and three steps."""
    return dataclasses.replace(
        a_short_plan, method="level-by-level", level_steps=(1, 2, 1), warmup=1
    )


def finished_levels(trainer) -> dict[int, MultiLevelNet]:
    """Run a trainer and keep the averaged net that each level was finished with."""
    kept = {}
    go_on = trainer._go_on

    def keep_and_go_on():
        kept[trainer.stage.levels] = trainer.average.module.eval()
        go_on()

    trainer._go_on = keep_and_go_on
    trainer.run()
    return kept | {trainer.stage.levels: trainer.trained_net()}


def first_logits(net, level) -> torch.Tensor:
    image = torch.randn((1, 1, 12, 12, 12), generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        return net.evaluate(image).logits(level)


def test_steps_are_divided_among_the_levels(a_plan_level_by_level):
    stages = stages_of(a_plan_level_by_level, levels=3)
    assert [(stage.levels, stage.first, stage.last) for stage in stages] == [
        (1, 0, 3),
        (2, 3, 9),
        (3, 9, 12),
    ]
    assert [stage.trained for stage in stages] == [(1,), (2,), (3,)]
    assert stages_of(TrainingPlan(steps=12), levels=3) == (Stage(3, 0, 0, 12),)
    assert stages_of(TrainingPlan(steps=12), levels=3)[0].trained == (1, 2, 3)


def test_frozen_levels_stay_bit_identical_to_the_last(
    a_dataset_folder, a_tiny_net, a_plan_level_by_level, tmp_path
):
    trainer = a_trainer(a_dataset_folder, a_tiny_net, a_plan_level_by_level, tmp_path)
    nets = finished_levels(trainer)
    assert sorted(nets) == [1, 2, 3]
    for level in (1, 2):
        logits = first_logits(nets[level], level)
        assert torch.equal(first_logits(nets[3], level), logits)
        # The moving net too, not only its average.
        assert torch.equal(first_logits(trainer.net.eval(), level), logits)


def test_the_level_that_is_added_learns(
    a_dataset_folder, a_tiny_net, a_plan_level_by_level, tmp_path
):
    plan = dataclasses.replace(
        a_plan_level_by_level,
        steps=150,
        level_steps=(),
        average_decay=0.8,
        learning_rate=0.01,
        validate_every=150,
        seed=3,  # with others and another PyTorch a label may stay unlearnt
    )
    trainer = a_trainer(a_dataset_folder, a_tiny_net, plan, tmp_path)
    trainer.held_out = trainer.cases
    dice = np.mean([score.dice for score in trainer.run()], axis=(0, 2))
    assert dice.shape == (3,)
    assert dice.min() > 0.8


def test_earlier_levels_at_a_lower_rate_move_less(
    a_dataset_folder, a_tiny_net, a_plan_level_by_level, tmp_path
):
    moved = {}
    for rate in (0.1, 1.0):
        plan = dataclasses.replace(a_plan_level_by_level, earlier_rate=rate)
        trainer = a_trainer(a_dataset_folder, a_tiny_net, plan, tmp_path / str(rate))
        nets = finished_levels(trainer)
        kernel = "blocks.0.branches.0.layers.0.conv.weight"
        before, after = (nets[level].state_dict()[kernel] for level in (1, 2))
        moved[rate] = float((after - before).abs().mean())
        assert [name for name in rows_of(tmp_path / str(rate))[5] if "loss_level" in name]
        assert rows_of(tmp_path / str(rate))[5]["loss_level_1"]
    assert 0 < moved[0.1] < 0.5 * moved[1.0]


def test_minutes_are_turned_into_steps_of_all_levels(
    a_dataset_folder, a_tiny_net, a_plan_level_by_level, tmp_path
):
    trainer = a_trainer(a_dataset_folder, a_tiny_net, a_plan_level_by_level, tmp_path)
    assert trainer.steps_in(1.0) > 10
    assert (trainer.step, trainer.stage.levels) == (0, 1)


def test_a_checkpoint_older_than_a_setting_goes_on_where_the_setting_is_off(tmp_path):
    """Whatever is added to the plan: its default must be what runs did before it was there."""
    now = TrainingPlan(learning_rate=0.01).to_dict()
    before = {name: value for name, value in now.items() if name != "method"}
    before["augmentation"] = {
        name: value for name, value in now["augmentation"].items() if name != "shear"
    }
    check_same_run(tmp_path, before, now)
    with pytest.raises(ConfigurationError, match="another method"):
        check_same_run(tmp_path, before, now | {"method": "level-by-level"})
    with pytest.raises(ConfigurationError, match="another learning_rate"):
        check_same_run(tmp_path, before, now | {"learning_rate": 0.02})
    with pytest.raises(ConfigurationError, match="another augmentation"):
        check_same_run(tmp_path, before, TrainingPlan().to_dict() | {"augmentation": {"shear": 1}})


def test_weights_of_levels_are_shared_out_among_those_that_are_trained():
    middle = Stage(levels=2, earlier=1, first=0, last=5, earlier_rate=0.1)
    plan = TrainingPlan(level_weights=(1.0, 3.0, 4.0))
    assert loss_weights(plan, middle, levels=3) == [0.25, 0.75]
    assert loss_weights(TrainingPlan(), middle, levels=3) == [1 / 3, 2 / 3]
    assert loss_weights(plan, dataclasses.replace(middle, earlier_rate=0.0), levels=3) == [1.0]
    with pytest.raises(ConfigurationError, match="level_weights"):
        loss_weights(TrainingPlan(level_weights=(0.0, 0.0, 1.0)), middle, levels=3)


@pytest.mark.parametrize(
    ("data", "word"),
    [
        ({"method": "all at once"}, "method"),
        ({"earlier_rate": -0.1}, "earlier_rate"),
        ({"earlier_rate": 2}, "earlier_rate"),
        ({"level_steps": [1, 0, 1]}, "level_steps"),
        ({"method": "level-by-level", "level_steps": [1, 1]}, "level_steps"),
        ({"method": "level-by-level", "steps": 2}, "steps"),
    ],
)
def test_impossible_stages_are_refused(data, word):
    with pytest.raises(ConfigurationError, match=word):
        stages_of(TrainingPlan.from_dict(data), levels=3)
