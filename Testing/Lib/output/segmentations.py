"""A segmentation for the tests of writers: values with a gap, codes, no codes, an empty segment."""

from __future__ import annotations

import numpy as np

from CompactSegLib.labels import Code, Label, Terminology

ANATOMY = Code("SCT", "123037004", "Anatomical Structure")
LEFT = Terminology(
    ANATOMY, Code("SCT", "87953007", "Hippocampus"), modifier=Code("SCT", "7771000", "Left")
)
MASS = Terminology(
    Code("SCT", "49755003", "Morphologically Altered Structure"),
    Code("SCT", "4147007", "Mass"),
    region=Code("SCT", "10200004", "Liver"),
    region_modifier=Code("SCT", "24028007", "Right"),
)
LABELS = (
    Label(1, "Hippocampus, left", (230, 30, 7), LEFT),
    Label(4, "Mass", (0, 128, 255), MASS),
    Label(9, "Something else", (12, 200, 34)),
    Label(17, "Never there", (255, 255, 0), LEFT),
)


def a_label_map(shape_kji: tuple[int, int, int]) -> np.ndarray:
    """Blocks that touch no border on one side and three on the other: nothing symmetric."""
    labels = np.zeros(shape_kji, np.uint8)
    labels[1:3, 2:5, 1:4] = 1
    labels[3:, 3:, 4:] = 4
    labels[0, 0, 0] = 9
    return labels
