"""Patches that grow, and a rate that stays before it falls."""

import dataclasses

import pytest
import torch

from CompactSegLib.errors import ConfigurationError
from CompactSegLib.train.batches import batches
from CompactSegLib.train.distributed import Processes
from CompactSegLib.train.optimisation import learning_rate
from CompactSegLib.train.training_plan import TrainingPlan
from Testing.Lib.synthesis.heads import a_head, a_plan

GROWING = {"early_until": (0.25, 0.5), "early_edges": (8, 16), "early_batches": (4, 2)}


def test_a_run_goes_through_patches_of_all_sizes():
    plan = TrainingPlan(steps=8, batch=1, patch=(16, 24, 16), **GROWING)
    parts = [(list(steps), part.patch, part.batch) for steps, part in plan.parts()]
    assert parts == [
        ([0, 1], (8, 8, 8), 4),
        ([2, 3], (16, 16, 16), 2),
        ([4, 5, 6, 7], (16, 24, 16), 1),
    ]
    assert [list(steps) for steps, _ in TrainingPlan(steps=3).parts()] == [[0, 1, 2]]


def test_a_run_that_goes_on_gets_the_batches_it_would_have_had(tmp_path):
    plan = dataclasses.replace(a_plan(), steps=8, batch=1, patch=(16, 16, 16), **GROWING)
    heads = [a_head(tmp_path)]

    def made(start):
        run = batches(
            heads,
            plan,
            classes=4,
            start=start,
            device=torch.device("cpu"),
            processes=Processes(),
        )
        return [images for images, _ in run]

    whole, rest = made(0), made(3)
    assert [tuple(images.shape[::2]) for images in whole[:5:2]] == [
        (4, 8, 8),
        (2, 16, 16),
        (1, 16, 16),
    ]
    assert len(rest) == 5
    assert all(torch.equal(a, b) for a, b in zip(whole[3:], rest, strict=True))


@pytest.mark.parametrize(
    "wrong",
    [
        {"early_until": (0.5, 0.25)},
        {"early_until": (0.5, 1.0)},
        {"early_edges": (8,)},
        {"early_batches": (4, 0)},
    ],
)
def test_sizes_that_do_not_grow_in_order_are_refused(wrong):
    with pytest.raises(ConfigurationError, match="early_batches"):
        TrainingPlan(**{**GROWING, **wrong})


def test_the_rate_stays_and_falls_in_the_end():
    plan = TrainingPlan(steps=1000, warmup=100, learning_rate=1.0, decay=0.5)
    rates = [learning_rate(step, plan) for step in range(1000)]
    assert rates[49] == 0.5
    assert rates[100:550] == [1.0] * 450
    assert rates[775] == pytest.approx(0.5)
    assert rates[-1] < 1e-4
    cosine = TrainingPlan(steps=1000, warmup=100, learning_rate=1.0)
    assert learning_rate(550, cosine) == pytest.approx(0.5)
    assert learning_rate(999, cosine) < 1e-4
    never = TrainingPlan(steps=1000, warmup=100, learning_rate=1.0, decay=0.0)
    assert learning_rate(999, never) == 1.0
