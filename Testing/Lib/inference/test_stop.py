"""How much a level changed the segmentation."""

from __future__ import annotations

import numpy as np
import pytest

from CompactSegLib.inference import stop
from CompactSegLib.inference.stop import overlap_counts


@pytest.mark.parametrize("shape", [(1, 1, 3), (4, 4, 4), (9, 10, 11), (0, 4, 4)])
@pytest.mark.parametrize("slab_voxels", [64, 2**22])
def test_voxels_are_counted_by_their_labels_before_and_after(shape, slab_voxels, monkeypatch):
    monkeypatch.setattr(stop, "_SLAB_VOXELS", slab_voxels)
    random = np.random.default_rng(1)
    # Mostly background, as in a volume, with whole runs of it in both and in one alone.
    before, after = (
        np.where(random.random(shape) < 0.1, random.integers(0, 4, shape), 0).astype(np.uint8)
        for _ in range(2)
    )
    for first in (before, None):
        expected = np.zeros((4, 4), dtype=np.int64)
        np.add.at(expected, (np.zeros_like(after) if first is None else first, after), 1)
        assert np.array_equal(overlap_counts(first, after, classes=4), expected)
