"""An output folder that holds another run."""

import dataclasses

import pytest

from CompactSegLib.errors import ConfigurationError
from CompactSegLib.train.training_plan import AugmentationPlan
from Testing.Lib.train.runs import a_trainer


@pytest.mark.parametrize(
    ("cases", "plan", "net", "told"),
    [
        (
            3,
            {},
            {},
            "holds a run with other training cases (only there: none; only now: ball_002)",
        ),
        (
            2,
            {},
            {"in_channels": 2},
            "another net.in_channels (1 there, 2 now)",
        ),
        (
            2,
            {"augmentation": AugmentationPlan(mirror_axes=(1,), elastic_probability=0.5)},
            {},
            "another augmentation.mirror_axes[0] (2 there, 1 now)",
        ),
        (2, {"level_weights": (1, 2, 3)}, {}, "another level_weights ([] there, [1, 2, 3] now)"),
    ],
    ids=["cases", "net", "augmentation", "length"],
)
def test_what_differs_from_the_run_in_the_folder_is_told_in_one_short_sentence(
    cases, plan, net, told, a_dataset_folder, a_tiny_net, a_short_plan, tmp_path
):
    short = dataclasses.replace(a_short_plan, steps=1)
    a_trainer(a_dataset_folder, a_tiny_net, short, tmp_path).run()
    other = dataclasses.replace(short, **plan), dataclasses.replace(a_tiny_net, **net)
    with pytest.raises(ConfigurationError) as refused:
        a_trainer(a_dataset_folder, *reversed(other), tmp_path, cases=cases).resume()
    assert told in str(refused.value)
    assert len(str(refused.value)) < len(str(tmp_path)) + 250
