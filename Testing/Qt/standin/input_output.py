"""Files in and out, as far as ``slicer.util``'s load and save functions reach here."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import slicer
from PySide6.QtCore import QObject

ENDINGS = {
    ".mrml": "SceneFile",
    ".mrb": "SceneFile",
    ".seg.nrrd": "SegmentationFile",
    ".nrrd": "VolumeFile",
    ".nii": "VolumeFile",
    ".nii.gz": "VolumeFile",
    ".mha": "VolumeFile",
}


class qSlicerCoreIOManager(QObject):
    def fileType(self, path: Any) -> str:
        name = str(path).lower()
        return next((kind for end, kind in ENDINGS.items() if name.endswith(end)), "NoFile")

    def loadNodes(
        self, kind: str, properties: dict[str, Any], loaded: Any = None, messages: Any = None
    ) -> bool:
        path = str(properties["fileName"])
        if kind == "SceneFile":
            return _load_scene(path, clear=properties.get("clear", True))
        node = _load_volume(path, properties) if kind == "VolumeFile" else _load_segmentation(path)
        if node is not None and loaded is not None:
            loaded.AddItem(node)
        return node is not None

    def saveNodes(
        self, kind: str, properties: dict[str, Any], messages: Any = None, scene: Any = None
    ) -> bool:
        scene, path = scene or slicer.mrmlScene, str(properties["fileName"])
        if kind == "SceneFile" and path.endswith(".mrb"):
            return _write_bundle(path)
        if kind == "SceneFile" and path.endswith(".mrml"):
            scene.SetURL(path)
            return bool(scene.Commit(path))
        if kind == "SceneFile":
            return bool(
                slicer.app.applicationLogic().SaveSceneToSlicerDataBundleDirectory(path, None)
            )
        node = scene.GetNodeByID(properties["nodeID"])
        if node.GetStorageNode() is None:
            node.AddDefaultStorageNode()
        storage = node.GetStorageNode()
        storage.SetFileName(path)
        return bool(storage.WriteData(node))

    def loadScene(self, path: str, clear: bool = True, messages: Any = None) -> bool:
        return _load_scene(path, clear=clear)


def _write_bundle(path: str) -> bool:
    """Write all files into a folder, and put that into a zip file, as Slicer does."""
    logic = slicer.app.applicationLogic()
    with tempfile.TemporaryDirectory(dir=slicer.app.temporaryPath) as folder:
        bundle = Path(folder) / Path(path).stem
        bundle.mkdir()
        if not logic.SaveSceneToSlicerDataBundleDirectory(str(bundle), None):
            return False
        Path(path).unlink(missing_ok=True)
        return bool(logic.Zip(path, str(bundle)))


def _load_scene(path: str, *, clear: bool) -> bool:
    scene = slicer.mrmlScene
    if path.endswith(".mrb"):
        folder = tempfile.mkdtemp(dir=slicer.app.temporaryPath)
        path = slicer.app.applicationLogic().UnpackSlicerDataBundle(path, folder)
    scene.SetURL(path)
    return bool(scene.Connect() if clear else scene.Import())


def _load_volume(path: str, properties: dict[str, Any]) -> Any:
    logic = slicer.app.moduleLogic("Volumes")
    name = properties.get("name") or Path(path).name.split(".")[0]
    options = 1 if properties.get("labelmap") else 0
    node = logic.AddArchetypeVolume(path, name, options)
    if node and properties.get("show", True):
        slicer.util.setSliceViewerLayers(background=node, fit=True)
    return node


def _load_segmentation(path: str) -> Any:
    scene = slicer.mrmlScene
    node = scene.AddNewNodeByClass("vtkMRMLSegmentationNode", Path(path).name.split(".")[0])
    storage = scene.AddNewNodeByClass("vtkMRMLSegmentationStorageNode")
    storage.SetFileName(path)
    if not storage.ReadData(node):
        scene.RemoveNode(node)
        return None
    node.SetAndObserveStorageNodeID(storage.GetID())
    node.CreateDefaultDisplayNodes()
    return node
