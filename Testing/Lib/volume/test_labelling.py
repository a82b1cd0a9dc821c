"""Labels from logits on a coarser or finer grid: the short cut inside structures changes nothing."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from CompactSegLib.volume import labelling
from CompactSegLib.volume.geometry import Geometry
from CompactSegLib.volume.labelling import Labelling
from CompactSegLib.volume.resampling import GridMap
from Testing.Lib.volume.frames import geometries

SPACINGS = [(2.0, 2.0, 2.0), (1.5, 1.0, 3.0), (0.7, 0.6, 1.0)]


def structures(shape, *, classes=6, seed=0, contrast=1.0):
    """Logits of some blocks, each of one class, with noise; some ties and some values that are no numbers."""
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.randint(0, classes, [n // 4 + 1 for n in shape], generator=generator)
    for axis in range(3):
        coarse = coarse.repeat_interleave(4, dim=axis)
    classes_at = coarse[tuple(slice(0, n) for n in shape)]
    one_hot = torch.nn.functional.one_hot(classes_at, classes).permute(3, 0, 1, 2)
    logits = contrast * one_hot + 0.3 * torch.randn((classes, *shape), generator=generator)
    logits[:, :1] = logits[:, :1].round()
    logits[0, :, -1:] = torch.inf
    logits[1, :, :, -1:] = torch.nan
    return logits


def a_grid(geometry, mm) -> GridMap:
    return GridMap.between(geometry, orientation="RAS", spacing_mm=mm)


def the_whole(grid):
    whole = tuple(slice(0, n) for n in grid.model_shape)
    return whole, grid.oriented_box(whole)


@given(
    geometries(), st.sampled_from(SPACINGS), st.integers(0, 99), st.sampled_from([0.5, 2.0, 20.0])
)
def test_labels_and_ties_are_those_of_interpolating_everywhere(geometry, mm, seed, contrast):
    grid = a_grid(geometry, mm)
    whole, box = the_whole(grid)
    logits = structures(grid.model_shape, seed=seed, contrast=contrast)

    def all_of_it():
        labels, ties = grid.labels_and_ties(logits, whole, box, within=1e-2)
        assert torch.equal(grid.labels(logits, whole, box), labels)
        # As a net leaves them, the classes of a voxel side by side.
        last = logits.movedim(0, -1).contiguous().movedim(-1, 0)
        assert torch.equal(grid.labels(last, whole, box), labels)
        return labels, ties

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(labelling, "_MOST_PICKED", -1.0)
        expected, ties = all_of_it()
        patch.setattr(labelling, "_MOST_PICKED", 1.0)
        came, came_ties = all_of_it()
    assert torch.equal(came, expected)
    assert torch.equal(came_ties, ties)


def test_inside_a_structure_nothing_is_interpolated(monkeypatch: pytest.MonkeyPatch):
    grid = a_grid(Geometry((40, 40, 40), (1.0, 1.0, 1.0)), (2.0, 2.0, 2.0))
    whole, box = the_whole(grid)
    logits = torch.zeros((3, *grid.model_shape))
    logits[1] = 1.0
    logits[2, :10] = 2.0
    picked = []
    own = Labelling._picked

    def noted(self, rows, voxels):
        picked.append(voxels[:, 0] + rows.start)
        return own(self, rows, voxels)

    monkeypatch.setattr(Labelling, "_picked", noted)
    monkeypatch.setattr(Labelling, "_interpolated", None)
    labels = grid.labels(logits, whole, box)
    # The border lies between the model's rows 9 and 10, whose centres are at 18.5 and 20.5 of the source.
    assert set(torch.cat(picked).tolist()) == {19, 20}
    assert len(torch.cat(picked)) == 2 * 40 * 40
    assert labels[:20].eq(2).all()
    assert labels[20:].eq(1).all()


def test_a_class_that_leads_by_a_rounding_error_only_is_interpolated(
    monkeypatch: pytest.MonkeyPatch,
):
    grid = a_grid(Geometry((20, 20, 20), (1.0, 1.0, 1.0)), (2.0, 2.0, 2.0))
    whole, box = the_whole(grid)
    logits = torch.full((2, *grid.model_shape), 1.0)
    logits[1] = torch.nextafter(torch.tensor(1.0), torch.tensor(2.0))
    looked_at = []
    own = Labelling._interpolated
    monkeypatch.setattr(
        Labelling, "_interpolated", lambda self, rows: looked_at.append(rows) or own(self, rows)
    )
    grid.labels(logits, whole, box)
    assert sum(rows.stop - rows.start for rows in looked_at) == 20


_PICKED = """
import sys
import torch
from CompactSegLib.volume import labelling
from CompactSegLib.volume.geometry import Geometry
from CompactSegLib.volume.resampling import GridMap

labelling._MOST_PICKED = 1.0
grid = GridMap.between(Geometry((8, 8, 8), (1, 1, 1)), orientation="RAS", spacing_mm=(2, 2, 2))
before = set(sys.modules)
whole = tuple(slice(0, n) for n in grid.model_shape)
grid.labels(torch.randn(3, *grid.model_shape), whole, grid.oriented_box(whole))
print(*sorted({name.partition(".")[0] for name in set(sys.modules) - before}))
"""


def test_labelling_imports_nothing_more_which_would_be_seconds_of_a_first_level():
    done = subprocess.run(
        [sys.executable, "-c", _PICKED], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == []
