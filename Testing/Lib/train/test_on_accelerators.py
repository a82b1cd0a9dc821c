"""Training where tensors of CUDA and MPS are strictly apart from the CPU's."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from benchmarks.accelerator import accelerator
from CompactSegLib.train.synthetic_patches import SyntheticPatches
from CompactSegLib.train.trainer import Trainer
from Testing.Lib.synthesis.heads import a_head, a_plan
from Testing.Lib.train.runs import a_trainer, rows_of

EVERYTHING = {
    "cluster_probability": 0.5,
    "shading": 0.3,
    "outside_blur_probability": 0.5,
    "flat_white_probability": 0.5,
    "rough_strip_probability": 0.5,
    "decoy_probability": 0.3,
    "crop_probability": 0.5,
    "thick_probability": 0.5,
    "slopes": {"2": [0.2, 0.1]},
    "grown_mm": {"3": 1.0},
}


@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
@pytest.mark.parametrize("kind", ["cuda", "mps"])
@pytest.mark.filterwarnings("ignore:'pin_memory' argument is set")
def test_a_run_learns_there_what_it_learns_on_the_cpu_and_goes_on(
    a_dataset_folder, a_tiny_net, a_short_plan, tmp_path, kind, optimizer
):
    plan = dataclasses.replace(a_short_plan, optimizer=optimizer, average_decay=0.9)

    def trainer(name: str, device: str) -> Trainer:
        output = tmp_path / name
        return a_trainer(a_dataset_folder, a_tiny_net, plan, output, held_out=1, device=device)

    on_cpu = trainer("cpu", "cpu").run()
    with accelerator(kind) as work:
        first = trainer("there", kind)
        first._save()
        again = trainer("there", kind)
        again.resume()
        scores = again.run()
        net = again.trained_net()
    assert work.begun["aten::convolution_backward"]
    assert {each.device.type for each in net.parameters()} == {"cpu"}
    for mine, theirs in zip(rows_of(tmp_path / "there"), rows_of(tmp_path / "cpu"), strict=True):
        numbers = [[float(each) for each in row.values() if each] for row in (mine, theirs)]
        np.testing.assert_allclose(*numbers, rtol=0.02)
    dice = [[score.dice for score in each] for each in (scores, on_cpu)]
    np.testing.assert_allclose(*dice, atol=0.02)


@pytest.mark.parametrize("kind", ["cuda", "mps"])
def test_images_are_made_of_label_maps_there(tmp_path, kind):
    """Here the device's random numbers are the CPU's."""
    head, plan = a_head(tmp_path), a_plan(**EVERYTHING)
    expected = [SyntheticPatches([head], plan)[number] for number in range(8)]
    with accelerator(kind):
        patches = SyntheticPatches([head.to(torch.device(kind))], plan)
        for number, of_cpu in enumerate(expected):
            for made, theirs in zip(patches[number], of_cpu, strict=True):
                assert made.device.type == kind
                assert torch.equal(made.cpu(), theirs)
