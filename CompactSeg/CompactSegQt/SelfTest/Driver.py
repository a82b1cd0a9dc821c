"""The hands and eyes of a scenario: clicks on widgets, waits for what comes of it, and images to work on."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import slicer

from CompactSegQt.SelfTest.FakeWorker import commandOf

_SMALL_MM = (42.0, 58.0, 45.0)


def _head() -> tuple[np.ndarray, tuple[float, float, float]]:
    try:
        import SampleData

        node = SampleData.SampleDataLogic().downloadMRHead()
        array, spacing = slicer.util.arrayFromVolume(node).copy(), node.GetSpacing()
        slicer.mrmlScene.RemoveNode(node)
    except Exception:  # noqa: BLE001 - whatever a computer without network raises
        return _phantom(), (1.0, 1.0, 1.0)
    return array, spacing


def _phantom() -> np.ndarray:
    """A bright body with smooth ups and downs, as large as a head; hippocampus-mr finds both its parts in it."""
    kji = np.indices((160, 192, 160), dtype=np.float32)
    centre = np.array([80, 96, 80], np.float32).reshape(3, 1, 1, 1)
    body = np.sum(((kji - centre) / centre) ** 2, axis=0) < 0.8
    return (body * (300 + 80 * np.sin(kji / 6).sum(axis=0))).astype(np.int16)


MODULE = "CompactSeg"
BRAIN, HIPPOCAMPUS = "brain-mr", "hippocampus-mr"

_LONGEST_SECONDS = 200.0  # what takes longer hangs


class Driver:
    """Works the panel as it is in Slicer; a subclass may have a real mouse.

    Attributes:
        outcomes: What the logic said of each run that ended, oldest first.
    """

    def __init__(self) -> None:
        self.outcomes: list[Any] = []
        self._before = 0
        self.open()

    # The panel

    def open(self) -> None:
        """Go to the module."""
        slicer.util.selectModule(MODULE)
        self.logic.finished.connect(self.remember)

    def remember(self, outcome: Any) -> None:
        self.outcomes.append(outcome)

    @property
    def widget(self) -> Any:
        return slicer.util.getModuleWidget(MODULE)

    @property
    def ui(self) -> Any:
        return self.widget.ui

    @property
    def logic(self) -> Any:
        return self.widget.logic

    def useFakeWorker(self, python: str) -> None:
        """Let a worker answer that needs no PyTorch, run by this Python."""
        self.logic.restartWorker(commandOf(python))

    # Hands

    def click(self, button: Any) -> None:
        assert button.enabled, f"{button.objectName} can not be clicked: {button.toolTip}"
        button.click()

    def check(self, box: Any, isChecked: bool) -> None:
        if box.checked != isChecked:
            self.click(box)

    def slide(self, slider: Any, value: int) -> None:
        assert slider.enabled, f"{slider.objectName} can not be moved: {slider.toolTip}"
        self._before = len(self.outcomes)
        slider.value = value

    def choose(self, box: Any, index: int) -> None:
        """Choose an entry of a QComboBox as a click in its list does."""
        box.currentIndex = index
        box.activated.emit(index)

    def answerNextMessage(self) -> None:
        """A message box will come, and is to be closed; inside Slicer's tests none is shown."""

    # Eyes

    def waitUntil(self, condition: Callable[[], Any], what: str) -> float:
        """Let the application work until something is so; return the seconds waited."""
        begin = time.perf_counter()
        while not condition():
            waited = time.perf_counter() - begin
            assert waited < _LONGEST_SECONDS, f"waited {waited:.0f} s for {what}"
            slicer.app.processEvents()
            time.sleep(0.002)
        return time.perf_counter() - begin

    def load(self, name: str) -> Any:
        """A volume node of MRHead: ``large`` as it is, where runs take seconds, or ``small`` as the model expects it.

        One that is called ``held`` is large, and the worker without a net waits before its level 2.

        The small one is a box in the middle. Where there is no net a head is made up: whether the structures are found
        in it is not what the scenarios ask.
        """
        array, spacing = _head()
        if name == "small":
            box = tuple(
                slice((n - size) // 2, (n - size) // 2 + size)
                for n, size in zip(
                    array.shape,
                    (int(mm / s) for mm, s in zip(_SMALL_MM, reversed(spacing), strict=True)),
                    strict=True,
                )
            )
            array = np.ascontiguousarray(array[box])
        volume = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", name)
        volume.SetSpacing(*spacing)
        slicer.util.updateVolumeFromArray(volume, array)
        volume.CreateDefaultDisplayNodes()
        slicer.util.setSliceViewerLayers(background=volume, fit=True)
        return volume

    # What is often done

    def choosing(self, volume: Any, *, model: str | None = HIPPOCAMPUS) -> Any:
        """Choose a volume in the panel, and the model that knows what the small one shows; None for the panel's own."""
        self.ui.volumeSelector.setCurrentNode(volume)
        self.waitUntil(lambda: self.logic.state != "starting", "the worker")
        if model is not None and self.logic.models:
            self.chooseModel(model)
        return volume

    def chooseModel(self, name: str) -> None:
        """Choose a model by its row."""
        self.waitUntil(lambda: self.logic.models, "the models")
        if getattr(self.model, "name", None) != name:
            self.ui.modelTable.selectRow([each.name for each in self.logic.models].index(name))

    @property
    def model(self) -> Any:
        """The chosen model; None where there is none."""
        return self.widget.panel.controls.models.current

    def ready(self) -> None:
        """Wait until the panel takes a click on Segment."""
        self.waitUntil(lambda: self.ui.segmentButton.enabled, "Segment to be enabled")

    def begin(self, *, allLevels: bool = True) -> None:
        """Click Segment."""
        self.ready()
        if allLevels:
            self.ui.thresholdSpinBox.value = 0
        self._before = len(self.outcomes)
        self.click(self.ui.segmentButton)

    def finish(self) -> Any:
        """Wait for the end of the run that was begun last; return its outcome."""
        self.waitUntil(lambda: len(self.outcomes) > self._before, "the end of the run")
        self.waitUntil(lambda: self.logic.run is None, "the next click to be taken")
        return self.outcomes[-1]

    def segment(self, *, allLevels: bool = True) -> Any:
        """Click Segment and wait."""
        self.begin(allLevels=allLevels)
        return self.finish()

    def levels(self, volume: Any) -> list[int]:
        """The levels that are in the scene."""
        results = self.logic.results(volume)
        return [] if results is None else [each.level for each in results.levels]

    def visibleLevels(self, volume: Any) -> list[int]:
        """The levels that are seen, as the display nodes say."""
        results = self.logic.results(volume)
        return [
            each.level
            for each in results.levels
            if each.segmentationNode.GetDisplayNode().GetVisibility()
        ]

    def waitForLevel(self, volume: Any, level: int) -> None:
        self.waitUntil(lambda: level in self.levels(volume), f"level {level}")
