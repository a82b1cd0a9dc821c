"""Rows of levels that fit a terminal, however many structures a model has."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from CompactSegLib import Geometry, Label, Level
from CompactSegLib.cli.display import LevelRows


def test_many_structures_are_summed_up(tmp_path: Path, write_tiny_model):
    from Testing.Lib.conftest import make_tiny_net

    labels = [Label(value, f"Structure {value}", (1, 2, 3)) for value in range(1, 21)]
    net = make_tiny_net(classes=21)
    model = write_tiny_model(tmp_path / "m", net=net, labels=labels, validation=[{}] * 3)
    rows = LevelRows(model)
    level = Level(
        number=1,
        labels=np.zeros((1, 1, 1), np.uint8),
        geometry=Geometry((1, 1, 1), (1, 1, 1)),
        structures=tuple(labels),
        improvement=None,
        improvement_by_label={},
        seconds=1.5,
        millilitres={label.name: 0.5 for label in labels},
        parameters=1,
        macs_per_voxel=1.0,
    )
    assert rows.header().split() == ["Level", "Change", "Seconds", "All", "structures"]
    assert rows.row(level).split() == ["1", "–", "1.50", "10.00", "ml"]
    assert len(rows.header()) == len(rows.row(level))


@pytest.mark.parametrize(
    "command", ["", "segment", "models", "info", "worker", "train", "evaluate"]
)
def test_an_option_that_takes_no_value_shows_none(compactseg, command: str):
    told = compactseg(*command.split(), "--help").stdout
    assert "-h" in told
    assert "bool" not in told.casefold()
