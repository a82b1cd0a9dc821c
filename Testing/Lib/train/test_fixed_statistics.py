import dataclasses
from itertools import pairwise

import pytest
import torch

from Testing.Lib.train.runs import a_trainer


@pytest.mark.parametrize(("share", "first_fixed"), [(0.5, 6), (0.0, 12), (1.0, 0)])
def test_statistics_are_fixed_for_the_last_part_of_a_schedule(
    a_dataset_folder, a_tiny_net, a_short_plan, tmp_path, monkeypatch, share, first_fixed
):
    plan = dataclasses.replace(a_short_plan, fixed_statistics=share)
    trainer = a_trainer(a_dataset_folder, a_tiny_net, plan, tmp_path / "run")
    norm = next(m for m in trainer.net.modules() if isinstance(m, torch.nn.BatchNorm3d))
    means, scales = [norm.running_mean.clone()], [norm.weight.detach().clone()]
    step_of = trainer._train_step

    def step_and_look(batch):
        result = step_of(batch)
        means.append(norm.running_mean.clone())
        scales.append(norm.weight.detach().clone())
        return result

    monkeypatch.setattr(trainer, "_train_step", step_and_look)
    trainer.run()
    gathered = [not torch.equal(before, after) for before, after in pairwise(means)]
    assert gathered == [step < first_fixed for step in range(12)]
    # The rate of the last step is all but nothing.
    assert not torch.equal(scales[min(first_fixed, 10)], scales[-1])
