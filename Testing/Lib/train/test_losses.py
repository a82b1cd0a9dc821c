import dataclasses

import pytest
import torch

from CompactSegLib.errors import ConfigurationError
from CompactSegLib.network.config import NetConfig
from CompactSegLib.network.net import MultiLevelNet
from CompactSegLib.train.class_balance import ClassBalance, class_weights
from CompactSegLib.train.losses import (
    LevelsLoss,
    distillation_loss,
)
from CompactSegLib.train.plan import TrainingPlan
from Testing.Lib.train.runs import a_trainer, rows_of, same_weights

SHAPE = (2, 3, 4, 5, 6)


@pytest.fixture
def three_levels() -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    return [torch.randn(SHAPE, generator=generator, requires_grad=True) for _ in range(3)]


@pytest.fixture
def truth() -> torch.Tensor:
    return torch.randint(0, 3, (2, 1, *SHAPE[2:]), generator=torch.Generator().manual_seed(1))


def test_the_distance_to_the_last_level_is_the_divergence_of_softened_classes(three_levels):
    student, _, teacher = (level.detach().double() for level in three_levels)
    p, q = ((logits / 3).softmax(1) for logits in (teacher, student))
    expected = 9 * (p * (p / q).log()).sum(1).mean()
    found = distillation_loss(student, teacher, temperature=3.0)
    torch.testing.assert_close(found.double(), expected, rtol=1e-4, atol=1e-6)
    assert distillation_loss(teacher, teacher, temperature=3.0) == 0


def test_the_last_level_teaches_and_does_not_learn_from_the_others(three_levels, truth):
    plain, taught = LevelsLoss([0.2, 0.3, 0.5]), LevelsLoss([0.2, 0.3, 0.5], distillation=0.7)
    gradients = {}
    for name, loss in {"plain": plain, "taught": taught}.items():
        total, own = loss(three_levels, truth)
        gradients[name] = torch.autograd.grad(total, three_levels)
        assert own.shape == (3,)
    first, second, last = zip(gradients["plain"], gradients["taught"], strict=True)
    assert not torch.equal(*first)
    assert not torch.equal(*second)
    assert torch.equal(*last)


def test_the_distance_is_a_part_of_each_levels_own_loss(three_levels, truth):
    weights = [0.2, 0.3, 0.5]
    plain, own = LevelsLoss(weights)(three_levels, truth)
    taught, same = LevelsLoss(weights, distillation=0.7, temperature=4.0)(three_levels, truth)
    distances = [
        weight * 0.7 * distillation_loss(level, three_levels[2], temperature=4.0)
        for weight, level in zip(weights, three_levels[:2], strict=False)
    ]
    torch.testing.assert_close(taught, plain + sum(distances))
    assert torch.equal(own, same)


def test_a_level_alone_has_no_teacher(three_levels, truth):
    alone = three_levels[:1]
    plain, _ = LevelsLoss([1.0])(alone, truth)
    assert torch.equal(LevelsLoss([1.0], distillation=5.0)(alone, truth)[0], plain)


def test_what_learns_from_the_last_level_ends_closer_to_it(three_levels, truth):
    distances = {}
    for weight in (0.0, 5.0):
        student = three_levels[0].detach().clone().requires_grad_()
        teacher = three_levels[1].detach()
        optimizer = torch.optim.Adam([student], lr=0.1)
        loss = LevelsLoss([1.0, 0.0], distillation=weight)
        for _ in range(30):
            optimizer.zero_grad()
            loss([student, teacher], truth)[0].backward()
            optimizer.step()
        distances[weight] = float(distillation_loss(student.detach(), teacher, temperature=2.0))
    assert distances[5.0] < 0.1 * distances[0.0]


def test_the_plan_switches_distillation_on(a_dataset_folder, a_tiny_net, a_short_plan, tmp_path):
    nets, totals = [], []
    for weight in (0.0, 1.0):
        plan = dataclasses.replace(a_short_plan, steps=3, distillation=weight)
        trainer = a_trainer(a_dataset_folder, a_tiny_net, plan, tmp_path / str(weight))
        trainer.run()
        nets.append(trainer.net)
        totals.append(float(rows_of(tmp_path / str(weight))[0]["loss"]))
    assert not same_weights(*nets)
    assert totals[1] > totals[0]


def test_without_a_weight_its_temperature_changes_nothing(
    a_dataset_folder, a_tiny_net, a_short_plan, tmp_path
):
    nets = []
    for temperature in (2.0, 5.0):
        plan = dataclasses.replace(a_short_plan, steps=3, distillation_temperature=temperature)
        trainer = a_trainer(a_dataset_folder, a_tiny_net, plan, tmp_path / str(temperature))
        trainer.run()
        nets.append(trainer.net)
    assert same_weights(*nets)


@pytest.mark.parametrize("settings", [{"distillation": -1}, {"distillation_temperature": 0}])
def test_impossible_distillation_is_refused(settings):
    with pytest.raises(ConfigurationError, match="distillation"):
        TrainingPlan.from_dict(settings)


def test_rare_classes_weigh_more_in_the_cross_entropy(three_levels, truth):
    weights = torch.tensor([1.0, 4.0, 2.0])
    plain = LevelsLoss([1.0], class_weights=None)
    weighted = LevelsLoss([1.0], class_weights=weights)
    logits = three_levels[0].detach()
    share = torch.nn.functional.cross_entropy(logits, truth[:, 0], reduction="none")
    voxels = weights[truth[:, 0]]
    expected = (share * voxels).sum() / voxels.sum() - share.mean()
    found = weighted([logits], truth)[0] - plain([logits], truth)[0]
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("weights", [None, torch.tensor([1.0, 4.0, 2.0])])
def test_shares_of_whole_voxels_are_labels(three_levels, truth, weights):
    loss = LevelsLoss([0.2, 0.3, 0.5], class_weights=weights)
    shares = torch.nn.functional.one_hot(truth[:, 0], 3).movedim(-1, 1).float()
    (total, each), (same, same_each) = loss(three_levels, truth), loss(three_levels, shares)
    torch.testing.assert_close(same, total)
    torch.testing.assert_close(same_each, each)
    for mine, theirs in zip(
        torch.autograd.grad(same, three_levels),
        torch.autograd.grad(total, three_levels),
        strict=True,
    ):
        torch.testing.assert_close(mine, theirs)


def test_of_shares_the_loss_is_least_at_these_shares():
    shares = torch.rand(SHAPE, generator=torch.Generator().manual_seed(1)).softmax(dim=1)
    exact = shares.log()
    loss = LevelsLoss([1.0])
    least = float(loss([exact], shares)[0])
    for sharper in (0.5, 0.9, 1.1, 2.0):
        assert float(loss([exact * sharper], shares)[0]) > least
    assert float(loss([exact * 0.9], shares)[0]) < float(loss([exact * 0.5], shares)[0])


def test_class_weights_follow_how_rare_a_class_is():
    counts = torch.tensor([1000, 10, 250, 0])
    assert class_weights(counts, 0.0) is None
    torch.testing.assert_close(class_weights(counts, 0.5), torch.tensor([1.0, 10.0, 2.0, 31.6228]))
    torch.testing.assert_close(class_weights(counts, 1.0), torch.tensor([1.0, 100.0, 4.0, 100.0]))


def test_the_odds_of_classes_are_those_of_the_data_again():
    """A net without anything to see, trained with weights, answers how frequent classes are once these are out."""
    frequencies = torch.tensor([0.9, 0.08, 0.02])
    net = MultiLevelNet(
        NetConfig.from_dict(
            {
                "in_channels": 1,
                "classes": 3,
                "blocks": [{"branches": [{"layers": [{"channels": 2}]}]}] * 2,
                "heads": [{"layers": []}],
            }
        )
    )
    weights = class_weights((frequencies * 1000).round().long(), 0.5)
    classifier = net.heads[0].classifier
    with torch.no_grad():
        # Where a weighted cross-entropy is smallest.
        classifier.bias.copy_((weights * frequencies).log())
    ClassBalance(weights).taken_out(net)
    torch.testing.assert_close(classifier.bias.softmax(0), frequencies, atol=1e-4, rtol=1e-3)


def test_what_is_validated_and_written_has_them_out(
    a_dataset_folder, a_tiny_net, a_short_plan, tmp_path
):
    plan = dataclasses.replace(a_short_plan, class_balance=0.5, steps=2, validate_every=2)
    trainer = a_trainer(a_dataset_folder, a_tiny_net, plan, tmp_path / "run", held_out=1)
    trainer.run()
    weights = trainer.loss.cross_entropy.weight
    assert weights.max() > 1
    for mine, theirs in zip(trainer.average.module.heads, trainer.trained_net().heads, strict=True):
        expected = mine.classifier.bias - weights.log()
        torch.testing.assert_close(theirs.classifier.bias, expected)
