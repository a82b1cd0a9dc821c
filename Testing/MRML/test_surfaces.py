"""The surfaces of levels, which the 3D views show: those of one volume are alike, and a user's choice of them holds."""

from __future__ import annotations

import pytest
import slicer
import vtk

from CompactSegMRML.LevelDisplay import hasSurface
from Testing.MRML.conftest import node_of, nodes_of, run, wait
from Testing.segments import FIRST, edit


def test_surfaces_are_made_once_after_a_run_where_a_user_had_some(logic, segmented, monkeypatch):
    nodes = nodes_of(logic, segmented)
    run(logic, segmented, levels=3)
    assert not any(map(hasSurface, nodes)), "nobody asked for any"
    nodes[2].CreateClosedSurfaceRepresentation()
    seen = []
    logic.levelReady.connect(look := lambda *_: seen.append([*map(hasSurface, nodes)]))
    run(logic, segmented, levels=3)
    logic.levelReady.disconnect(look)
    assert len(seen) == 3
    assert not any(seen[0][:1] + seen[1][:2] + seen[2]), "none while levels come"
    assert [*map(hasSurface, nodes)] == [False, False, True]
    logic.showLevel(segmented, 1)
    assert hasSurface(nodes[0])


SMOOTHING, DECIMATION = "Smoothing factor", "Decimation factor"


def conversion(node, name):
    return float(node.GetSegmentation().GetConversionParameter(name))


def surface_points(node):
    """How many points the first segment's surface has."""
    surface = vtk.vtkPolyData()
    assert node.GetClosedSurfaceRepresentation(FIRST, surface)
    return surface.GetNumberOfPoints()


def test_a_level_that_comes_later_has_its_surface_made_as_the_user_chose(logic, volume):
    run(logic, volume, levels=1)
    first = node_of(logic, volume, 1).GetSegmentation()
    first.SetConversionParameter(SMOOTHING, "0.1")
    first.SetConversionParameter(DECIMATION, "0.5")
    logic.showOrCompute(volume, 2)
    wait(logic, lambda: logic.run is None)
    later = node_of(logic, volume, 2)
    assert conversion(later, SMOOTHING) == 0.1
    assert conversion(later, DECIMATION) == 0.5


def test_the_surfaces_of_levels_are_alike_and_an_edited_one_is_left_alone(logic, segmented):
    first, second, third = nodes_of(logic, segmented)
    for node in (first, third):
        node.CreateClosedSurfaceRepresentation()
    edit(second)
    before = surface_points(third)
    logic.showLevel(segmented, 1)
    first.GetSegmentation().SetConversionParameter(DECIMATION, "0.9")
    logic.showLevel(segmented, 3)
    assert [conversion(each, DECIMATION) for each in (first, second, third)] == [0.9, 0.0, 0.9]
    assert surface_points(third) < before / 2
    second.GetSegmentation().SetConversionParameter(DECIMATION, "0.2")
    logic.showLevel(segmented, 2)
    logic.showLevel(segmented, 3)
    assert [conversion(each, DECIMATION) for each in (first, second, third)] == [0.9, 0.2, 0.9]
    third.GetSegmentation().SetConversionParameter(SMOOTHING, "0.3")
    run(logic, segmented, levels=3)
    assert {conversion(each, SMOOTHING) for each in nodes_of(logic, segmented)} == {0.3}
    assert conversion(second, SMOOTHING) == 0.5, "it is the user's, and no level any more"


def test_surfaces_that_a_user_turned_off_do_not_come_back_with_another_level(logic, segmented):
    nodes = nodes_of(logic, segmented)
    nodes[2].CreateClosedSurfaceRepresentation()
    logic.showLevel(segmented, 2)
    assert hasSurface(nodes[1])
    nodes[1].RemoveClosedSurfaceRepresentation()
    for level in (1, 3):
        logic.showLevel(segmented, level)
        assert not hasSurface(nodes[level - 1])
    run(logic, segmented, levels=3)
    assert not any(map(hasSurface, nodes))


def test_a_level_that_is_kept_in_surfaces_is_measured_and_compared(logic, segmented):
    node, before = node_of(logic, segmented, 3), logic.results(segmented).level(3).millilitres
    surface = slicer.vtkSegmentationConverter.GetSegmentationClosedSurfaceRepresentationName()
    node.CreateClosedSurfaceRepresentation()
    assert not logic.results(segmented).level(3).isEdited, "its labels are as they were"
    node.GetSegmentation().SetSourceRepresentationName(surface)
    assert logic.results(segmented).level(3).millilitres == pytest.approx(before, rel=0.05)
    structures = logic.compare(segmented, 2, 3).structures
    assert all(each.dice > 0.8 for each in structures)
    assert node.GetSegmentation().GetSourceRepresentationName() == surface
    run(logic, segmented, levels=3)
    assert hasSurface(node)
    assert node.GetName() == "left_hippocampus level 3 (edited)"
