"""Whole runs of the shipped models where tensors of CUDA and MPS are strictly apart from the CPU's."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK

from benchmarks.accelerator import Work, accelerator
from benchmarks.brain_mr.template import Template
from CompactSegLib import Geometry, Model, Segmenter, Volume, load_model
from CompactSegLib.volume.refinement import Refinement
from Testing.Lib.inference.models_in_memory import a_volume, model_in_memory
from Testing.Lib.nets import POOLED, layer, net_config, serial

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def a_head() -> Volume:
    """Every second voxel of the template's middle, both hippocampi in it."""
    whole = Template.load().volume
    image = whole.geometry.to_sitk(whole.array[0])[50:146:2, 80:150:2, 40:90:2]
    array = SimpleITK.GetArrayFromImage(image)[None]
    return Volume(array, Geometry.from_sitk(image), name="head")


def run_on(device: str, model: Model, volume: Volume, *, precision="fp32", tile=None):
    run = Segmenter(model, device=device, precision=precision, tile=tile).start(volume)
    levels = list(run.levels(all_levels=True))
    return run.info, [level.labels for level in levels]


@pytest.fixture(scope="module")
def expected(a_head):
    labels = {
        name: run_on("cpu", load_model(name), a_head)[1] for name in ("brain-mr", "hippocampus-mr")
    }
    assert all(level.any() for levels in labels.values() for level in levels)
    return labels


@pytest.mark.parametrize("kind", ["cuda", "mps"])
@pytest.mark.parametrize(
    ("name", "tile"), [("brain-mr", None), ("brain-mr", 32), ("hippocampus-mr", None)]
)
def test_all_is_done_there_and_labels_are_those_of_the_cpu(kind, name, tile, a_head, expected):
    with accelerator(kind):
        info, levels = run_on(kind, load_model(name), a_head, tile=tile)
    assert (info.device, info.messages) == (kind, ())
    for labels, on_cpu in zip(levels, expected[name], strict=True):
        np.testing.assert_array_equal(labels, on_cpu)


@pytest.mark.parametrize(("kind", "precision"), [("cuda", "bf16"), ("mps", "fp16")])
def test_reduced_precision_is_believed_there(kind, precision, a_head, expected):
    with accelerator(kind):
        info, levels = run_on(kind, load_model("brain-mr"), a_head, precision=precision)
    assert (info.precision, info.messages) == (precision, ())
    for labels, on_cpu in zip(levels, expected["brain-mr"], strict=True):
        assert np.mean(labels == on_cpu) > 0.99


def work_for(edge: int) -> Work:
    config = net_config(serial(layer(4)), POOLED, POOLED)
    model = model_in_memory(config, spacing_mm=(2.0, 2.0, 2.0), refinement=Refinement(1.0))
    with accelerator("cuda") as work:
        run_on("cuda", model, a_volume((edge,) * 3))
    return work


def test_thirty_times_the_voxels_are_hardly_more_to_begin():
    """An accelerator takes about as long to begin an operation as to compute millions of values."""
    few, many = work_for(48), work_for(150)
    assert many.begun.total() < 1.2 * few.begun.total()
    assert many.waits < 1.2 * few.waits
