"""The picture of images without a head shows the voxels that were labelled, at the first level and at the last."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
from numpy.typing import NDArray

from benchmarks.brain_mr.engine import Result
from benchmarks.brain_mr.nothing import NothingResult, a_volume, structure_rows
from benchmarks.brain_mr.pictures import draw_nothing, nothing_rows
from benchmarks.brain_mr.sheet import Cell
from CompactSegLib import Geometry, Label, Level
from CompactSegLib.output.planes import viewed

SHAPE = (24, 20, 22)
LABELS = (Label(1, "Cortex", (205, 62, 78)),)


def labelled(*boxes: tuple[slice, slice, slice]) -> NDArray[np.uint8]:
    labels = np.zeros(SHAPE, np.uint8)
    for box in boxes:
        labels[box] = 1
    return labels


CORNER = (slice(2, 4), slice(15, 19), slice(18, 21))
EVERYWHERE = (slice(None),) * 3


def found(name: str, *levels: NDArray[np.uint8]) -> NothingResult:
    noise = np.random.default_rng(0).random(SHAPE, np.float32)
    results = [
        Level(
            number=number,
            labels=labels,
            geometry=Geometry(labels.shape[::-1], (1, 1, 1)),
            structures=(),
            improvement=None,
            improvement_by_label={},
            seconds=0.1,
            millilitres={"Cortex": float(labels.sum())},
            parameters=1,
            macs_per_voxel=1.0,
        )
        for number, labels in enumerate(levels, start=1)
    ]
    return NothingResult(name, a_volume(noise, name), Result(results, []), "–")


FOUND = [
    found("CT", labelled(EVERYWHERE), labelled(CORNER)),
    found("nearly empty", labelled(), labelled((slice(0, 1),) * 3)),
    NothingResult("refused", None, None, "refused"),
    found("air", labelled(EVERYWHERE), labelled()),
    found("balls", labelled(), labelled(CORNER)),
    found("in the corner at first", labelled(CORNER, CORNER), labelled()),
]


def shown(cell: Cell) -> NDArray[np.uint8]:
    assert cell.labels is not None
    view = viewed(cell.labels, cell.volume.geometry)
    return cell.plane.cut(view, cell.frame.slices[cell.plane.normal])


def test_the_ct_comes_first_and_then_where_any_level_found_most():
    assert [row[0].title for row in nothing_rows(FOUND)] == ["CT", "air", "balls"]


def test_each_image_is_beside_its_first_and_its_last_level():
    for row in nothing_rows(FOUND):
        assert len(row) == 9
        assert [cell.title for cell in row[1:3]] == ["level 1", "level 2"]
        assert [cell.labels is None for cell in row] == [True, False, False] * 3


def test_every_plane_goes_through_what_is_labelled():
    ct, air, balls = nothing_rows(FOUND)
    assert all(shown(cell).any() for cell in [*ct[1::3], *ct[2::3], *balls[2::3]])
    assert all(shown(cell).all() for cell in air[1::3])
    (first,) = nothing_rows(FOUND[-1:])
    assert all(shown(cell).any() for cell in first[1::3])


def test_it_is_drawn(tmp_path: Path):
    draw_nothing(FOUND, SimpleNamespace(labels=LABELS), tmp_path / "nothing.png")
    assert (tmp_path / "nothing.png").stat().st_size > 1000


def test_the_table_has_the_structures_and_images_in_which_the_last_level_found_something():
    (row,) = structure_rows(FOUND, LABELS)
    assert row == {"structure": "Cortex", "CT": 24.0, "nearly empty": 1.0, "balls": 24.0}
    assert structure_rows([FOUND[2], FOUND[3]], LABELS) == []
