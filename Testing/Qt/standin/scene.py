"""A scene as Slicer sets it up at its start: logics, color tables, orientations, a crosshair."""

from __future__ import annotations

import tempfile
from typing import Any

import slicer
import vtk

# Each registers the classes of nodes that its module brings.
LOGICS = {
    "Volumes": "vtkSlicerVolumesLogic",
    "Segmentations": "vtkSlicerSegmentationsModuleLogic",
    "SubjectHierarchy": "vtkSlicerSubjectHierarchyModuleLogic",
    "Markups": "vtkSlicerMarkupsLogic",
    "Tables": "vtkSlicerTablesLogic",
    "Transforms": "vtkSlicerTransformLogic",
    "Sequences": "vtkSlicerSequencesLogic",
}


def new_application_logic(scene: Any) -> Any:
    """The application logic of a fresh scene, with the logics of the modules that the scene's nodes belong to."""
    crosshair = slicer.vtkMRMLCrosshairNode()
    crosshair.SetCrosshairName("default")
    scene.AddNode(crosshair)
    # Where the files of a saved scene (.mrb) are unpacked while it is opened.
    cache = slicer.vtkCacheManager()
    cache.SetRemoteCacheDirectory(tempfile.gettempdir())
    cache.SetMRMLScene(scene)
    scene.SetCacheManager(cache)
    logic = slicer.vtkSlicerApplicationLogic()
    logic.SetMRMLScene(scene)
    logic.SetSliceLogics(vtk.vtkCollection())
    logic.SetViewLogics(vtk.vtkCollection())
    logic.GetColorLogic().SetMRMLScene(scene)
    logic.SetModuleLogic("Colors", logic.GetColorLogic())
    for factory in (
        slicer.vtkMRMLSliceViewDisplayableManagerFactory,
        slicer.vtkMRMLThreeDViewDisplayableManagerFactory,
    ):
        factory.GetInstance().SetMRMLApplicationLogic(logic)
    for name, class_name in LOGICS.items():
        module_logic = getattr(slicer, class_name)()
        module_logic.SetMRMLApplicationLogic(logic)
        module_logic.SetMRMLScene(scene)
        logic.SetModuleLogic(name, module_logic)
    slicer.vtkMRMLSliceNode.AddDefaultSliceOrientationPresets(scene, True)
    return logic
