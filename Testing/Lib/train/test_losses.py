import dataclasses

import pytest
import torch

from CompactSegLib.network.net import MultiLevelNet
from CompactSegLib.train.class_balance import ClassBalance, class_weights
from CompactSegLib.train.losses import LevelsLoss
from Testing.Lib.nets import layer, net_config, serial
from Testing.Lib.train.runs import a_trainer

SHAPE = (2, 3, 4, 5, 6)


@pytest.fixture
def three_levels() -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    return [torch.randn(SHAPE, generator=generator, requires_grad=True) for _ in range(3)]


@pytest.fixture
def truth() -> torch.Tensor:
    return torch.randint(0, 3, (2, 1, *SHAPE[2:]), generator=torch.Generator().manual_seed(1))


def test_the_last_level_does_not_learn_from_the_others(three_levels, truth):
    """Nor any other: a level's gradient is that of its own loss, times its weight."""
    weights = [0.2, 0.3, 0.5]
    total, each = LevelsLoss(weights)(three_levels, truth)
    together = torch.autograd.grad(total, three_levels)
    for weight, level, loss, gradient in zip(weights, three_levels, each, together, strict=True):
        alone, (same,) = LevelsLoss([1.0])([level], truth)
        torch.testing.assert_close(same, loss)
        torch.testing.assert_close(gradient, weight * torch.autograd.grad(alone, level)[0])


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


def test_class_weights_follow_how_rare_a_class_is():
    counts = torch.tensor([1000, 10, 250, 0])
    assert class_weights(counts, 0.0) is None
    torch.testing.assert_close(class_weights(counts, 0.5), torch.tensor([1.0, 10.0, 2.0, 31.6228]))
    torch.testing.assert_close(class_weights(counts, 1.0), torch.tensor([1.0, 100.0, 4.0, 100.0]))


def test_the_odds_of_classes_are_those_of_the_data_again():
    """A net without anything to see, trained with weights, answers how frequent classes are once these are out."""
    frequencies = torch.tensor([0.9, 0.08, 0.02])
    net = MultiLevelNet(net_config(*[serial(layer(2))] * 2))
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
