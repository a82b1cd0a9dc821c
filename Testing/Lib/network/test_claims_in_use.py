"""The claims' system, method and stored program at work, with a model that ships on a real image.

The system is this library with a file to read, a model in memory and a processor; the method is ``segment``; the stored
program is a model folder that is loaded from disk and run.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from CompactSegLib import Model, Segmenter, Volume, load_model, read_volume, segment
from Testing.crops import write_crops
from Testing.Lib.conftest import write_nifti
from Testing.Lib.nets import calls_of
from Testing.Lib.network.plain import Plain


@pytest.fixture(scope="module")
def the_hippocampus_model() -> Model:
    return load_model("hippocampus-mr")


@pytest.fixture(scope="module")
def a_hippocampus_file(tmp_path_factory) -> Path:
    return write_crops(tmp_path_factory.mktemp("crops"))[0]


@pytest.fixture(scope="module")
def a_hippocampus(a_hippocampus_file) -> Volume:
    return read_volume(a_hippocampus_file)


def test_claim_1_a_system_receives_an_image_in_any_format_and_segments_it(
    tmp_path, a_hippocampus, the_hippocampus_model
):
    expected = list(segment(a_hippocampus, the_hippocampus_model, all_levels=True, device="cpu"))
    assert [level.number for level in expected] == [1, 2, 3]
    assert all(level.labels.shape == a_hippocampus.shape_kji for level in expected)
    assert all(min(level.millilitres.values()) > 1 for level in expected)
    for name in ("a.nii.gz", "a.nrrd", "a.mha"):
        volume = read_volume(write_nifti(a_hippocampus, tmp_path / name))
        first = next(segment(volume, the_hippocampus_model, device="cpu"))
        np.testing.assert_array_equal(first.labels, expected[0].labels)


def test_claim_10_the_method_gives_the_nets_own_segmentation(a_hippocampus, the_hippocampus_model):
    """Voxel by voxel the label of the highest score; only where two are as good as equal, rounding may decide."""
    run = Segmenter(the_hippocampus_model, device="cpu", precision="fp32").start(a_hippocampus)
    prepared = run.grid.prepare(a_hippocampus.array)
    image = the_hippocampus_model.intensity.apply(prepared)[None]
    with torch.no_grad():
        scores = Plain(the_hippocampus_model, image).logits
    assert image.shape[-3:] == run.grid.oriented_shape, "it has the model's spacing"
    for number, logits in enumerate(scores, start=1):
        best = logits[0].topk(2, dim=0)
        expected = run.grid.to_source(best.indices[0].to(torch.uint8).numpy())
        is_clear = run.grid.to_source((best.values[0] - best.values[1] > 1e-3).numpy())
        assert is_clear.mean() > 0.99
        labels = run.level(number).labels
        np.testing.assert_array_equal(labels[is_clear], expected[is_clear])
        assert len(np.unique(labels)) == 3


def test_claim_17_a_stored_program_gives_the_same_wherever_it_is_stored(
    tmp_path, a_hippocampus, the_hippocampus_model
):
    copied = shutil.copytree(the_hippocampus_model.folder, tmp_path / "elsewhere")
    for one, other in zip(
        segment(a_hippocampus, the_hippocampus_model, all_levels=True, device="cpu"),
        segment(a_hippocampus, load_model(copied), all_levels=True, device="cpu"),
        strict=True,
    ):
        np.testing.assert_array_equal(one.labels, other.labels)


def test_claims_7_16_below_the_threshold_no_further_block_is_executed(
    a_hippocampus, the_hippocampus_model
):
    segmenter = Segmenter(the_hippocampus_model, device="cpu", precision="fp32")
    change = segmenter.start(a_hippocampus).level(2).improvement
    assert 0 < change < 1
    run = segmenter.start(a_hippocampus)
    blocks, heads = (calls_of(part) for part in (run.processor.net.blocks, run.processor.net.heads))

    levels = list(run.levels(threshold=change * 1.01))

    assert [level.number for level in levels] == [1, 2]
    assert levels[-1].stop == "threshold"
    assert "below the threshold" in levels[-1].stop_reason
    assert [bool(calls) for calls in blocks] == [True, True, True, False]
    assert [bool(calls) for calls in heads] == [True, True, False]

    # At the threshold itself the next block runs.
    levels = list(segmenter.start(a_hippocampus).levels(threshold=change))
    assert [level.number for level in levels] == [1, 2, 3]
    assert levels[-1].stop == "last-level"
