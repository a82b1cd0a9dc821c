"""Real heads' labels of other programs, which lie beside the repository and are not part of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks.sided_heads import STRUCTURES, Head, changed
from CompactSegLib.volume.sides import Sides

DATA = Path(__file__).parents[3] / "shared" / "data"


@pytest.mark.slow
@pytest.mark.parametrize("name", ["stripped-1", "stripped-2", "t2-stack", "whole-1", "whole-2"])
def test_a_changed_voxel_of_a_real_head_does_not_move_the_plane(name):
    path = DATA / "heads" / f"{name}_truth.nii.gz"
    if not path.is_file():
        pytest.skip(f"needs ../shared/data/heads/{path.name}")
    head = Head.read(path)
    k, j, i = np.array(np.nonzero(head.truth)).mean(axis=1)
    middle = (head.geometry.ijk_to_lps @ [i, j, k, 1.0])[:3]
    plane = Sides.found_in(head.merged, head.geometry, STRUCTURES).plane
    for count, draw in ((1, 0), (1, 1), (1, 2), (10, 0), (10, 1)):
        other = Sides.found_in(changed(head, count, draw).merged, head.geometry, STRUCTURES).plane
        sine = np.linalg.norm(np.cross(plane.normal_lps, other.normal_lps))
        assert np.degrees(np.arcsin(sine)) < 0.05
        assert abs(other.lateral_mm(middle) - plane.lateral_mm(middle)) < 0.05
