"""The shipped model on real anatomy: both hippocampi of the MNI152 template."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from CompactSegLib import Model, Segmenter, Volume, load_model, read_volume, segment
from CompactSegLib.inference.remarks import on_findings
from CompactSegLib.network.cost import level_costs, parameter_count
from Testing.crops import write_crops

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def the_model() -> Model:
    return load_model("hippocampus-mr")


@pytest.fixture(scope="module")
def the_hippocampi(tmp_path_factory: pytest.TempPathFactory) -> list[Volume]:
    return [read_volume(path) for path in write_crops(tmp_path_factory.mktemp("crops"))]


def labels_of(model: Model, volume: Volume, **options) -> list[np.ndarray]:
    run = Segmenter(model, device="cpu", **options).start(volume)
    labels = [level.labels for level in run.levels(all_levels=True)]
    assert run.info.precision == options["precision"]
    return labels


@pytest.fixture(scope="module")
def exact(the_model, the_hippocampi) -> list[np.ndarray]:
    """Labels of the left one in fp32, computed at once."""
    return labels_of(the_model, the_hippocampi[0], precision="fp32", tile=256)


def test_reduced_precision_agrees_with_fp32(the_model, the_hippocampi, exact):
    """In 99.9 % of all voxels and 99 % of those that either labels, at every level.

    Of one side: where a CPU has no bf16 it takes ten times as long.
    """
    reduced = labels_of(the_model, the_hippocampi[0], precision="bf16")
    for one, other in zip(exact, reduced, strict=True):
        differ = np.count_nonzero(one != other)
        assert differ <= 0.001 * one.size
        assert differ <= 0.01 * np.count_nonzero(one | other)


def test_tiles_give_the_labels_of_the_whole_volume(the_model, the_hippocampi, exact):
    in_tiles = labels_of(the_model, the_hippocampi[0], precision="fp32", tile=32)
    for one, other in zip(exact, in_tiles, strict=True):
        np.testing.assert_array_equal(one, other)


def test_both_hippocampi_are_found_where_they_are(the_model, the_hippocampi):
    """Volumes of a hippocampus are 2 to 6 ml; its head is in front; left and right differ little on a template."""
    totals = []
    for volume in the_hippocampi:
        run = Segmenter(the_model, device="cpu").start(volume)
        *_, last = run.levels(all_levels=True)
        assert run.info.messages == (), "they are as large as those of the training cases"
        totals.append(sum(last.millilitres.values()))
        to_ras = volume.geometry.ijk_to_ras
        front, back = (
            (to_ras @ [*np.argwhere(last.labels == value).mean(axis=0)[::-1], 1])[1]
            for value in (1, 2)
        )
        assert front > back + 10
        assert last.improvement < 0.2
    assert all(2.0 < total < 6.0 for total in totals)
    assert max(totals) < 1.15 * min(totals)


def test_where_hardly_anything_is_found_it_says_how_much_there_should_be(the_model, the_hippocampi):
    (last,) = segment(the_hippocampi[0], the_model, levels=1, device="cpu")
    little = replace(last, millilitres=dict.fromkeys(last.millilitres, 0.05))
    sentence = on_findings(little, the_hippocampi[0], the_model)
    assert sentence is not None
    assert "0.1 ml, where training cases of hippocampus-mr have 3.3 ml" in sentence


def test_it_is_as_compact_as_it_is_meant_to_be(the_model):
    costs = level_costs(the_model.net_config)
    assert costs[-1].macs_per_voxel_all_levels <= 33_000
    assert costs[0].macs_per_voxel <= 33_000 / 5
    assert parameter_count(the_model.net_config) <= 500_000
    weights = Path(the_model.folder) / "weights.safetensors"
    assert weights.stat().st_size <= 1_500_000
