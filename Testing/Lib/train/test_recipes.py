"""The nets and plans that ship: they fit together, and keep the limits of a compact net."""

from pathlib import Path

import pytest

from CompactSegLib.json_data import read_json
from CompactSegLib.labels import labels_of
from CompactSegLib.network.config import NetConfig
from CompactSegLib.network.cost import level_costs, parameter_count
from CompactSegLib.train.training_plan import TrainingPlan
from Testing.repository import REPOSITORY

PLANS = sorted((REPOSITORY / "Resources" / "Training").glob("*/plan*.json"))


def net_of(plan: Path) -> Path:
    """The net of a plan: brain-mr's was enlarged with plan 8."""
    number = plan.stem.partition("-")[2]
    larger = number.isdecimal() and int(number) >= 8
    return plan.with_name("net-8.json" if larger else "net.json")


@pytest.mark.parametrize("path", PLANS, ids=[f"{path.parent.name}-{path.stem}" for path in PLANS])
def test_a_plan_fits_its_net_and_labels(path):
    plan = TrainingPlan.read(path)
    net = NetConfig.from_dict(read_json(net_of(path)))
    assert plan.name == path.parent.name
    assert len(plan.labels) == net.classes - 1
    for _, part in plan.parts():
        assert all(side % net.stride(net.levels + 1) == 0 for side in part.patch)
    if plan.synthetic:
        assert sorted(plan.synthesis.classes, key=int) == list(plan.labels)
        assert {"name", "reference", "licence"} <= plan.synthesis.source.keys()
    labels = labels_of({int(value): label for value, label in plan.labels.items()})
    assert all(label.terminology is not None for label in labels)


@pytest.mark.parametrize(
    "path", sorted((REPOSITORY / "Resources" / "Training").glob("*/net*.json"))
)
def test_a_net_keeps_the_limits(path):
    net = NetConfig.from_dict(read_json(path))
    costs = level_costs(net)
    assert parameter_count(net) <= 1_500_000
    assert costs[-1].macs_per_voxel_all_levels <= 33_000
    assert costs[0].macs_per_voxel <= 33_000 / 5
    assert net.levels == 3
