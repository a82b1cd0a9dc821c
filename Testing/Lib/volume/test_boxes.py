"""Boxes around what a grid holds."""

from __future__ import annotations

import pytest
import torch

from CompactSegLib.volume.boxes import box_of, boxes_of


@pytest.mark.parametrize("most", [3, 200])
def test_boxes_of_all_values_at_once_are_those_of_each(most):
    generator = torch.Generator().manual_seed(most)
    labels = torch.zeros((9, 8, 11), dtype=torch.uint8)
    some = torch.randint(0, most, (3, 4, 5), generator=generator).to(torch.uint8)
    labels[2:5, 3:7, 6:11] = some
    boxes = boxes_of(labels, range(most + 5), margin=(1, 0, 2))
    expected = {value: box_of(labels == value, margin=(1, 0, 2)) for value in range(most + 5)}
    assert boxes == {value: box for value, box in expected.items() if box is not None}
    assert len(boxes) >= 3
