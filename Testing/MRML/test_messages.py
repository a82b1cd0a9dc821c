"""What the engine tells beside the levels stays with the results, also in a saved scene."""

from __future__ import annotations

import numpy as np
import slicer

from CompactSegMRML.SceneFace import resultsOf
from Testing.MRML.conftest import add_volume, labels_in, run, save_and_open


def test_of_a_constant_volume_it_is_told_that_nothing_was_found(logic, warm, tmp_path):
    volume = add_volume(warm.scene)
    voxels = slicer.util.arrayFromVolume(volume)
    slicer.util.updateVolumeFromArray(volume, np.zeros_like(voxels))
    outcome = run(logic, volume)
    assert (outcome.kind, outcome.stop, outcome.blocksRun) == ("done", "threshold", 0)
    results = logic.results(volume)
    assert [level.level for level in results.levels] == [1, 2]
    assert not labels_in(results.levels[-1].segmentationNode, volume).any()
    why, finding = results.messages
    assert "all voxels have the value 0" in why
    assert finding.startswith("Nothing was found: all voxels of")
    again = save_and_open(warm, tmp_path / "saved").scene
    assert resultsOf(again.GetFirstNodeByName(volume.GetName())).messages == results.messages


def test_what_was_told_of_one_image_is_not_told_of_the_next(logic, warm):
    volume = add_volume(warm.scene)
    voxels = slicer.util.arrayFromVolume(volume).copy()
    slicer.util.updateVolumeFromArray(volume, np.full_like(voxels, 7))
    run(logic, volume, levels=1)
    assert logic.results(volume).messages
    slicer.util.updateVolumeFromArray(volume, voxels)
    run(logic, volume, levels=1)
    assert logic.results(volume).messages == ()
