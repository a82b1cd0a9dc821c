"""Scenes as Slicer sets them up, volumes in them, and a logic whose worker stays warm between tests."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("slicer.util", reason="needs slicer-core, the MRML core as a wheel")

import slicer
import slicer.util

from CompactSegMRML.CompactSegLogic import CompactSegLogic
from CompactSegMRML.ResultFolder import folderOf, tableOf
from CompactSegMRML.Results import Results
from Testing.forked_workers import fork_workers
from Testing.Qt.driver.samples import add_volume
from Testing.repository import REPOSITORY
from Testing.waiting import LONGEST_SECONDS

MODEL = "hippocampus-mr"

# As a file: its package needs Qt's names, and Slicer's core has none.
FAKE_WORKER = REPOSITORY / "CompactSeg/CompactSegQt/SelfTest/FakeWorker.py"

LOGICS = (  # each registers the nodes of its module
    "vtkSlicerVolumesLogic",
    "vtkSlicerSegmentationsModuleLogic",
    "vtkSlicerSubjectHierarchyModuleLogic",
    "vtkSlicerMarkupsLogic",
    "vtkSlicerTablesLogic",
    "vtkSlicerSequencesLogic",
)


class SlicerScene:
    """A scene and what observes it in Slicer."""

    def __init__(self, cache: Path | None = None) -> None:
        self.scene = slicer.vtkMRMLScene()
        if cache is not None:  # bundles are unpacked there
            manager, files = slicer.vtkCacheManager(), slicer.vtkDataIOManager()
            manager.SetRemoteCacheDirectory(str(cache))
            files.SetCacheManager(manager)
            self.scene.SetCacheManager(manager)
            self.scene.SetDataIOManager(files)
        self.application = slicer.vtkSlicerApplicationLogic()
        self.application.SetMRMLScene(self.scene)
        self.logics = [getattr(slicer, name)() for name in LOGICS]
        for logic in self.logics:
            logic.SetMRMLApplicationLogic(self.application)
            logic.SetMRMLScene(self.scene)
        slicer.vtkMRMLSliceNode.AddDefaultSliceOrientationPresets(self.scene, True)
        self.layouts = slicer.vtkMRMLLayoutLogic()
        self.layouts.SetMRMLScene(self.scene)

    @property
    def hierarchy(self) -> Any:
        return slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(self.scene)


class Heard:
    """What a logic said, in order."""

    NAMES = (
        "levelReady",
        "finished",
        "resultsChanged",
        "comparisonEnded",
        "stateChanged",
        "progressed",
        "logged",
    )

    def __init__(self, logic: CompactSegLogic) -> None:
        self.logic = logic
        self.all: list[tuple[str, tuple[Any, ...]]] = []
        self._receivers = [(getattr(logic, name), self._receiver(name)) for name in self.NAMES]
        for signal, receiver in self._receivers:
            signal.connect(receiver)

    def _receiver(self, name: str) -> Callable[..., None]:
        return lambda *arguments: self.all.append((name, arguments))

    def named(self, name: str) -> list[tuple[Any, ...]]:
        return [arguments for said, arguments in self.all if said == name]

    @property
    def outcomes(self) -> list[Any]:
        return [outcome for (outcome,) in self.named("finished")]

    def disconnect(self) -> None:
        for signal, receiver in self._receivers:
            signal.disconnect(receiver)


def wait(logic: CompactSegLogic, until: Callable[[], Any]) -> None:
    """Poll as the panel's timer does."""
    end = time.monotonic() + LONGEST_SECONDS
    while not until():
        assert time.monotonic() < end, f"waited in vain; state {logic.state}, {logic.problem}"
        logic.poll()
        time.sleep(0.003)


def run(logic: CompactSegLogic, volume: Any, **options: Any) -> Any:
    """Segment and wait; return the outcome."""
    outcomes: list[Any] = []
    logic.finished.connect(outcomes.append)
    try:
        logic.segment(volume, **{"model": MODEL, **options})
        wait(logic, lambda: outcomes)
    finally:
        logic.finished.disconnect(outcomes.append)
    return outcomes[0]


def grid_volume(scene: Any, size: tuple[int, int, int] = (8, 9, 10), name: str = "grid") -> Any:
    """A volume with any content; size is (i, j, k)."""
    array = np.arange(np.prod(size), dtype=np.int16).reshape(size[::-1])
    node = scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", name)
    slicer.util.updateVolumeFromArray(node, array)
    return node


def nodes_in(scene: Any, kind: str = "vtkMRMLSegmentationNode") -> list[Any]:
    """All nodes of a kind; `slicer.util.getNodesByClass` looks at Slicer's own scene alone."""
    return [scene.GetNthNodeByClass(n, kind) for n in range(scene.GetNumberOfNodesByClass(kind))]


def nodes_of(logic: CompactSegLogic, volume: Any) -> list[Any]:
    """The segmentation nodes of a volume's levels."""
    return [level.segmentationNode for level in logic.results(volume).levels]


def table_node(results: Results) -> Any:
    return tableOf(results.volumeNode, results.model)


def folder_item(results: Results) -> int:
    nodes = [*(level.segmentationNode for level in results.levels), table_node(results)]
    return folderOf(results.volumeNode.GetScene(), filter(None, nodes))


def node_of(logic: CompactSegLogic, volume: Any, level: int) -> Any:
    return logic.results(volume).level(level).segmentationNode


def under_transform(node: Any, matrix: np.ndarray, name: str = "moved") -> Any:
    """Put a node under a new linear transform."""
    transform = node.GetScene().AddNewNodeByClass("vtkMRMLLinearTransformNode", name)
    transform.SetMatrixTransformToParent(slicer.util.vtkMatrixFromArray(matrix))
    node.SetAndObserveTransformNodeID(transform.GetID())
    return transform


def turned(
    degrees: float, axis: int = 2, shift: tuple[float, float, float] = (0, 0, 0)
) -> np.ndarray:
    """(4, 4), a rotation about a patient axis and a shift in mm."""
    a = np.deg2rad(degrees)
    first, second = [other for other in range(3) if other != axis]
    matrix = np.eye(4)
    matrix[first, first] = matrix[second, second] = np.cos(a)
    matrix[first, second], matrix[second, first] = -np.sin(a), np.sin(a)
    matrix[:3, 3] = shift
    return matrix


def labels_in(node: Any, volume: Any) -> np.ndarray:
    """(k, j, i) of a segmentation on the whole grid of a volume, by label value, in the world."""
    scene, segmentation = node.GetScene(), node.GetSegmentation()
    result = np.zeros(slicer.util.arrayFromVolume(volume).shape, np.uint8)
    for index in range(segmentation.GetNumberOfSegments()):
        segment = segmentation.GetNthSegmentID(index)
        exported = scene.AddNewNodeByClass("vtkMRMLLabelMapVolumeNode")
        slicer.vtkSlicerSegmentationsModuleLogic.ExportSegmentsToLabelmapNode(
            node, [segment], exported, volume
        )
        voxels = slicer.util.arrayFromVolume(exported)
        result[voxels > 0] = segmentation.GetSegment(segment).GetLabelValue()
        scene.RemoveNode(exported)
    return result


def save_and_open(a_slicer: SlicerScene, folder: Path, kind: str = "mrb") -> SlicerScene:
    """Save a scene as a bundle or as files, and open it in another Slicer."""
    folder.mkdir()
    scene, other = a_slicer.scene, SlicerScene(cache=folder)
    storable = [node for node in nodes_in(scene, "vtkMRMLStorableNode") if node.GetSaveWithScene()]
    for node in storable:
        node.AddDefaultStorageNode()
    path = str(folder / f"Szene ä.{kind}")
    if kind == "mrb":
        assert scene.WriteToMRB(path, None)
        assert other.scene.ReadFromMRB(path, True)
        return other
    for node in storable:
        storage = node.GetStorageNode()
        if storage is not None:
            suffix = storage.GetDefaultWriteFileExtension()
            storage.SetFileName(str(folder / f"{node.GetID()}.{suffix}"))
            assert storage.WriteData(node)
    scene.SetURL(path)
    assert scene.Commit()
    other.scene.SetURL(path)
    assert other.scene.Connect()
    return other


@pytest.fixture(scope="session", autouse=True)
def forked_workers() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as monkeypatch:
        fork_workers(monkeypatch)
        yield


@pytest.fixture
def a_slicer() -> SlicerScene:
    return SlicerScene()


@pytest.fixture
def scene(a_slicer: SlicerScene) -> Any:
    return a_slicer.scene


@pytest.fixture(scope="session")
def the_warm_logic() -> Iterator[tuple[SlicerScene, CompactSegLogic]]:
    a_slicer = SlicerScene()
    logic = CompactSegLogic(a_slicer.scene)
    logic.startWorker()
    yield a_slicer, logic
    logic.close()


@pytest.fixture
def warm(the_warm_logic: tuple[SlicerScene, CompactSegLogic]) -> Iterator[SlicerScene]:
    """An empty scene in which `logic` works; its worker was started by an earlier test."""
    a_slicer, logic = the_warm_logic
    yield a_slicer
    if logic.run is not None:
        logic.cancel()
        wait(logic, lambda: logic.run is None)
    a_slicer.scene.Clear(False)
    a_slicer.hierarchy.RemoveAllItems(True)  # in Slicer its plugins do that


@pytest.fixture
def logic(
    warm: SlicerScene, the_warm_logic: tuple[SlicerScene, CompactSegLogic]
) -> CompactSegLogic:
    return the_warm_logic[1]


@pytest.fixture
def heard(logic: CompactSegLogic) -> Iterator[Heard]:
    heard = Heard(logic)
    yield heard
    heard.disconnect()


@pytest.fixture
def volume(warm: SlicerScene) -> Any:
    """A left hippocampus."""
    return add_volume(warm.scene)


@pytest.fixture
def segmented(logic: CompactSegLogic, volume: Any) -> Any:
    """A volume with all three levels."""
    assert run(logic, volume, allLevels=True).kind == "done"
    return volume
