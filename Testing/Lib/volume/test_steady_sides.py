"""Left and right do not hang on single voxels."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from CompactSegLib.volume.labelled_voxels import LabelledVoxels
from Testing.Lib.volume.sided_head import LEFT, NAMES, RIGHT, VALUES, Head, a_head, found


def with_changed(head: Head, count: int, draw: int) -> Head:
    """Some labelled voxels with the values of others."""
    places = np.random.default_rng([count, draw]).choice(np.flatnonzero(head.truth), (2, count))
    truth = head.truth.copy()
    truth.flat[places[0]] = head.truth.flat[places[1]]
    return dataclasses.replace(head, truth=truth)


@pytest.mark.parametrize("degrees", [(0, 0, 0), (4, -6, 3), (10, 20, 20)])
@pytest.mark.parametrize("count", [1, 10])
def test_a_few_changed_voxels_do_not_move_the_plane(degrees, count):
    head = a_head().turned(degrees)
    plane = found(head).plane
    middle = head.geometry.ijk_to_lps @ [*(n / 2 for n in head.geometry.size_ijk), 1.0]
    for draw in range(4):
        other = found(with_changed(head, count, draw)).plane
        sine = np.linalg.norm(np.cross(plane.normal_lps, other.normal_lps))
        assert np.degrees(np.arcsin(sine)) < 0.05
        assert abs(other.lateral_mm(middle[:3]) - plane.lateral_mm(middle[:3])) < 0.05


def test_a_voxel_of_white_matter_in_the_fissure_draws_no_cortex_to_its_side():
    head = a_head()

    def told(by):
        return by.told(head.merged, head.geometry, left=LEFT, right=RIGHT)

    before = told(found(head))
    x = np.arange(head.geometry.size_ijk[0]) * 2.0 + head.geometry.origin_lps_mm[0]
    cortex = np.argwhere((head.merged == VALUES["Cerebral cortex"]) & (np.abs(x) < 4))
    for place in cortex[:: len(cortex) // 12].tolist():
        truth = head.truth.copy()
        truth[tuple(place)] = VALUES["Cerebral white matter"]
        after = told(found(dataclasses.replace(head, truth=truth)))
        assert np.count_nonzero(after != before) <= 5


def test_a_voxel_more_changes_one_sample():
    head = a_head()
    cortex = VALUES["Cerebral cortex"]

    def sampled(labels):
        voxels = LabelledVoxels(labels, head.geometry, NAMES)
        places, _ = voxels.samples([cortex], 200)
        return {tuple(place) for place in (places + voxels.first[:, None]).T.tolist()}

    labels = head.merged
    before = sampled(labels)
    assert len(before) == 200
    # The first one is far from all others, so that the box of what is labelled grows too.
    labels[0, 0, 0] = cortex
    assert len(sampled(labels) - before) <= 1
    for place in [*before][:5]:
        labels = head.merged
        labels[place] = 0
        assert before - sampled(labels) == {place}
