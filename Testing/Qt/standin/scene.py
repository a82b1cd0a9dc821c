"""A scene as Slicer sets it up at its start: logics, color tables, orientations, a crosshair."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from typing import Any

import slicer
import vtk

_CACHE = tempfile.TemporaryDirectory(prefix="slicer-cache-")

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


@dataclass
class SceneLogics:
    """What works on a scene. The application logic refers to the others, but does not keep them."""

    application: Any
    modules: dict[str, Any]


def set_up(scene: Any) -> SceneLogics:
    """Make the logics of a fresh scene: of the application, and of the modules that bring kinds of nodes."""
    crosshair = slicer.vtkMRMLCrosshairNode()
    crosshair.SetCrosshairName("default")
    scene.AddNode(crosshair)
    # Where the files of a saved scene (.mrb) are unpacked while it is opened.
    cache = slicer.vtkCacheManager()
    cache.SetRemoteCacheDirectory(_CACHE.name)
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
    modules = {}
    for name, class_name in LOGICS.items():
        module_logic = getattr(slicer, class_name)()
        module_logic.SetMRMLApplicationLogic(logic)
        module_logic.SetMRMLScene(scene)
        logic.SetModuleLogic(name, module_logic)
        modules[name] = module_logic
    slicer.vtkMRMLSliceNode.AddDefaultSliceOrientationPresets(scene, True)
    return SceneLogics(logic, modules)
