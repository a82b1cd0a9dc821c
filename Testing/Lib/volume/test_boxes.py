"""Boxes around what a grid holds."""

from __future__ import annotations

import numpy as np
import pytest

from CompactSegLib.network.boxes import hull, overlap, relative
from CompactSegLib.volume.boxes import LabelBoxes, box_of

MARGIN = (1, 0, 2)


@pytest.mark.parametrize("most", [3, 200])
@pytest.mark.parametrize("rows", [slice(0, 9), slice(3, 5), slice(0, 1), slice(6, 9)])
def test_boxes_of_all_values_at_once_are_those_of_each(most, rows):
    random = np.random.default_rng(most)
    labels = np.zeros((9, 8, 11), np.uint8)
    labels[2:5, 3:7, 6:11] = random.integers(0, most, (3, 4, 5))
    boxes = LabelBoxes(labels).within(rows, margin=MARGIN)
    near = slice(max(0, rows.start - MARGIN[0]), rows.stop + MARGIN[0])
    expected = {}
    for value in range(256):
        held = np.zeros(labels.shape, bool)
        held[near] = labels[near] == value
        if box := box_of(held, margin=MARGIN):
            depth = slice(max(rows.start, box[0].start), min(rows.stop, box[0].stop))
            expected[value] = (depth, *box[1:])
    assert boxes == expected
    assert len(boxes) >= (1 if rows == slice(0, 1) or rows == slice(6, 9) else 3)


def test_what_two_boxes_share_and_what_holds_both():
    first, second = (np.s_[2:5, 0:4, 1:9], np.s_[3:8, 2:3, 0:5])
    assert overlap(first, second) == np.s_[3:5, 2:3, 1:5]
    assert overlap(first, np.s_[5:8, 0:4, 1:9]) is None
    assert hull(first, second) == np.s_[2:8, 0:4, 0:9]
    assert relative(np.s_[3:5, 2:3, 1:5], first) == np.s_[1:3, 2:3, 0:4]
