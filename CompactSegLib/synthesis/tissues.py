"""What FreeSurfer's numbers mean, as far as the look of an image hangs on it (FreeSurferColorLUT.txt)."""

from __future__ import annotations

# Values that are one tissue on both sides: left, right.
SIDES = (
    *((2, 41), (3, 42), (4, 43), (7, 46), (8, 47), (10, 49), (11, 50), (12, 51), (13, 52)),
    *((17, 53), (18, 54), (25, 57), (26, 58), (28, 60), (30, 62), (136, 163)),
)

# The fluid around the brain, which goes with the skull when that is stripped, or stays.
AROUND = 24
FLUID = (4, 5, 14, 15, AROUND, 72)
WHITE = (2, 85, 512, 530)
FAT = (511, 516)
# Where a tissue lies between cortex (0) and white matter (1): the further the more fibres and iron, which shorten T1
# and T2. The ranges hold real T1 images show, and somewhat more.
BETWEEN = {
    3: (-0.05, 0.05),
    7: (0.5, 1.1),
    8: (-0.2, 0.4),
    10: (0.3, 1.0),
    11: (0.0, 0.6),
    12: (0.1, 0.9),
    13: (0.4, 1.4),
    16: (0.45, 1.1),
    17: (-0.15, 0.3),
    18: (-0.1, 0.4),
    26: (0.0, 0.5),
    28: (0.5, 1.15),
}
# Of these many an image shows no border with white matter; in T1 heads the pallidum is mostly as bright as that.
PALE = {10: (0.6, 1.1), 13: (0.9, 1.1), 16: (0.85, 1.1), 28: (0.85, 1.1)}
# Their brightness leans to what is around them, since its fibres come in: the thalamus from the third ventricle to the
# internal capsule, the putamen towards the pallidum.
SHADED = (10, 12, 13, 28)
# From here on tissues outside of the brain.
OUTSIDE = 500

# Inferior horns hold the ventricles' fluid, and their choroid plexus is that of the ventricles.
_STANDS_FOR = {5: 4, 137: 136} | {right: left for left, right in SIDES} | {44: 4, 164: 136}


_RIGHT = {right for _, right in SIDES} | {44, 164}


def is_right(value: int) -> bool:
    """Whether a value is of the right side; those without sides are not."""
    return value in _RIGHT


def tissue_of(value: int) -> int:
    """The value that stands for a tissue: the left side's, and the ventricle's for its horns."""
    return _STANDS_FOR.get(value, value)
