"""The shipped brain model on real anatomy: each structure of the MNI152 template where it is, on its side."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.brain_mr.template import Template
from CompactSegLib import Level, Model, Segmenter, Volume, load_model

pytestmark = pytest.mark.slow

# Millilitres that adults have of a structure, both sides together, and a quarter more: the template's brain is larger.
PLAUSIBLE = {
    "Cerebral white matter": (350, 800),
    "Cerebral cortex": (400, 900),
    "Lateral ventricle": (10, 50),
    "Third ventricle": (0.3, 5),
    "Fourth ventricle": (0.7, 5),
    "Cerebellar white matter": (15, 45),
    "Cerebellar cortex": (80, 170),
    "Thalamus": (10, 26),
    "Caudate": (5, 15),
    "Putamen": (6, 18),
    "Pallidum": (1.2, 6.5),
    "Hippocampus": (5, 16),
    "Amygdala": (1.8, 7),
    "Brain stem": (14, 38),
    "Ventral diencephalon": (5, 14),
    "Accumbens area": (0.4, 2.5),
}
NEIGHBOURS = (
    ("Putamen", "Pallidum"),
    ("Thalamus", "Third ventricle"),
    ("Hippocampus", "Amygdala"),
    ("Caudate", "Lateral ventricle"),
    ("Brain stem", "Fourth ventricle"),
    ("Cerebral cortex", "Cerebral white matter"),
)


@pytest.fixture(scope="module")
def the_brain_model() -> Model:
    return load_model("brain-mr")


@pytest.fixture(scope="module")
def the_template() -> Template:
    return Template.load()


@pytest.fixture(scope="module")
def the_levels(the_brain_model: Model, the_template: Template) -> list[Level]:
    run = Segmenter(the_brain_model, device="cpu").start(the_template.volume)
    levels = list(run.levels(all_levels=True))
    assert run.info.messages == ()
    return levels


def left_mm(volume: Volume, mask: np.ndarray) -> np.ndarray:
    """How far to the patient's left of the template's middle each voxel of a mask lies."""
    k, j, i = np.nonzero(mask)
    return (volume.geometry.ijk_to_lps @ np.stack([i, j, k, np.ones_like(i)]))[0]


def test_each_paired_structure_lies_on_its_side(the_brain_model, the_template, the_levels):
    for level in the_levels:
        for label in the_brain_model.labels:
            if label.side is None:
                continue
            sides = left_mm(the_template.volume, level.labels == label.value)
            if not sides.size:
                # Level 1 has not learnt this one yet.
                assert (label.structure, level.number) == ("Accumbens area", 1)
                continue
            share = np.mean(sides > 0 if label.side == "left" else sides < 0)
            assert share > 0.9, (level.number, label.name, share)


def test_each_structure_has_a_plausible_volume_and_its_neighbours(the_brain_model, the_levels):
    last = the_levels[-1]
    found: dict[str, float] = {}
    masks: dict[str, np.ndarray] = {}
    for label in the_brain_model.labels:
        found[label.structure] = found.get(label.structure, 0) + last.millilitres[label.name]
        mask = last.labels == label.value
        masks[label.structure] = masks.get(label.structure, np.zeros_like(mask)) | mask
    for name, (least, most) in PLAUSIBLE.items():
        assert least < found[name] < most, (name, found[name])
    for one, other in NEIGHBOURS:
        grown = np.zeros_like(masks[one])
        for axis in range(3):
            for step in (-3, 3):
                grown |= np.roll(masks[one], step, axis=axis)
        assert (grown & masks[other]).sum() > 50, (one, other)


def test_sides_of_the_template_are_alike(the_brain_model, the_levels):
    """Averaged over many heads, the template has hardly any asymmetry."""
    last = the_levels[-1]
    for label in the_brain_model.labels:
        if label.side == "left":
            left = last.millilitres[label.name]
            right = last.millilitres[f"Right {label.name.removeprefix('Left ')}"]
            assert abs(left - right) < 0.25 * (left + right) / 2, label.name


def test_deeper_levels_agree_more_with_the_template_s_own_maps(
    the_template, the_brain_model, the_levels
):
    white = {
        label.value for label in the_brain_model.labels if label.structure.endswith("white matter")
    }
    truth = the_template.maps["WM"]
    dice = []
    for level in the_levels:
        mask = np.isin(level.labels, [*white])
        dice.append(2 * (mask & truth).sum() / (mask.sum() + truth.sum()))
    assert dice[0] < dice[1] <= dice[2] + 0.01
    assert dice[2] > 0.9
