import dataclasses

import numpy as np
import pytest
from matplotlib.image import imread

from CompactSegLib.errors import OutputError
from CompactSegLib.train import curves
from CompactSegLib.train.curves import draw_curves
from CompactSegLib.train.training import train

LOG = """step,loss,loss_level_1,loss_level_2,dice_level_1,dice_level_2,dice_level_1_label_1
1,2,1.9,,,,
2,1,0.9,,,,
2,,,,0.5,,0.4
3,0.8,,0.7,,,
4,0.7,,0.6,,,
4,,,,0.5,0.7,0.4
"""


@pytest.fixture(autouse=True)
def blank_curves(monkeypatch):
    """Not here: they are drawn, with few pixels."""
    monkeypatch.setattr(curves, "_DPI", 30)


@pytest.fixture
def a_log(tmp_path):
    (tmp_path / "log.csv").write_text(LOG)
    return tmp_path / "log.csv"


def test_each_level_has_its_points(a_log):
    losses, dice = curves._curves(a_log, "loss_level_"), curves._curves(a_log, "dice_level_")
    assert {level: steps.tolist() for level, (steps, _) in losses.items()} == {1: [1, 2], 2: [3, 4]}
    assert {level: values.tolist() for level, (_, values) in dice.items()} == {
        1: [0.5, 0.5],
        2: [0.7],
    }


def test_the_picture_has_a_panel_more_where_cases_were_held_out(a_log, tmp_path):
    assert draw_curves(a_log, tmp_path / "both.png", title="balls", stages=[2])
    rows = [line.split(",")[:4] for line in LOG.splitlines()]
    a_log.write_text("\n".join(",".join(row) for row in rows))
    assert draw_curves(a_log, tmp_path / "loss.png")
    both, loss = (imread(tmp_path / name) for name in ("both.png", "loss.png"))
    assert both.shape[0] == loss.shape[0]
    assert both.shape[1] == 2 * loss.shape[1]
    assert both[..., :3].std() > 0.05


def test_nothing_is_drawn_of_nothing(a_log, tmp_path):
    a_log.write_text(LOG.splitlines()[0])
    assert not draw_curves(a_log, tmp_path / "curves.png")
    assert not (tmp_path / "curves.png").exists()


def test_smoothing_keeps_a_level_line_and_the_mean_of_a_long_one():
    assert np.allclose(curves._smoothed(np.full(300, 0.3)), 0.3)
    noisy = np.random.default_rng(0).normal(size=300)
    assert curves._smoothed(noisy).std() < 0.5 * noisy.std()
    assert curves._smoothed(np.array([2.0, 1.0])).tolist() == [2.0, 1.0]


def test_a_folder_that_is_not_there_is_named(a_log, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match=r"curves\.png"):
        draw_curves(a_log, tmp_path / "file" / "curves.png")


def test_a_run_ends_with_its_curves(a_dataset_folder, a_tiny_net, a_short_plan, tmp_path):
    plan = dataclasses.replace(a_short_plan, steps=3, method="level-by-level")
    train(plan, a_tiny_net, data=a_dataset_folder, output=tmp_path / "run", fold=1, device="cpu")
    assert imread(tmp_path / "run" / "curves.png").shape[1] > 300
