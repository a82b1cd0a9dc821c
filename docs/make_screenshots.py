"""Take the pictures of the tutorial: the real panel, driven by clicks, in the desktop that stands in for Slicer.

Run it as ``make screenshots``; they land in ``docs/pictures``, those that are named on the command line or all. With
``--dark`` (``make screenshots-dark``) they are taken in a dark theme, for a look, and land in ``build/pictures-dark``.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

os.environ["QT_QPA_PLATFORM"] = "offscreen"
os.environ.setdefault("QT_LOGGING_RULES", "qt.qpa.*=false")
REPOSITORY = Path(__file__).resolve().parent.parent
sys.path.append(str(REPOSITORY / "Testing" / "Qt"))

import standin  # noqa: E402

standin.install()

from driver.session import Desktop  # noqa: E402
from PIL import Image  # noqa: E402

if TYPE_CHECKING:
    Scene = Callable[[Desktop], None]

PICTURES, DARK_PICTURES = REPOSITORY / "docs" / "pictures", REPOSITORY / "build" / "pictures-dark"
COLOURS = 255
"""Enough that no difference is seen, and a third of the bytes."""
BRAIN, HIPPOCAMPUS = "brain-mr", "hippocampus-mr"
DEEP_GREY_RAS_MM = (-24.0, -14.0, 2.0)
"""Thalamus, putamen and ventricles in the axial slice, the hippocampus in the two others."""
LEFT_HIPPOCAMPUS_RAS_MM = (-25.0, -23.0, -13.0)
REGION_MM = (42.0, 58.0, 54.0)
"""Along R, A and S: 8 to 10 mm around the template's left hippocampus."""
BETWEEN_HIPPOCAMPI_RAS_MM = (0.0, -23.0, -13.0)
VIEW_MM = 120.0
"""What a slice view shows from side to side where the hippocampus is looked at."""


def start(desktop: Desktop) -> None:
    """A whole head, and the first model chosen."""
    _opened(desktop)
    _jump(desktop, DEEP_GREY_RAS_MM)
    _picture(desktop, "start")


def running(desktop: Desktop) -> None:
    """Level 1 is shown while level 2 is computed."""
    import psutil

    volume = _opened(desktop)
    _jump(desktop, DEEP_GREY_RAS_MM)
    _all_levels(desktop)
    desktop.click(desktop.ui.segmentButton)
    logic = desktop.panel.logic
    # Not suspended before: the picture tells how many seconds level 1 took.
    desktop.wait_until(lambda: logic.results(volume), what="level 1", timeout=600)
    worker = psutil.Process(logic.workerProcessId)
    for _ in range(30000):
        worker.suspend()
        desktop.wait(0.02)
        if "level 2" in desktop.ui.progressText.text:
            break
        worker.resume()
        desktop.wait(0.002)
    _picture(desktop, "running")
    worker.resume()
    _wait_for_the_end(desktop)


def segmented(desktop: Desktop) -> None:
    """All levels are there, level 3 is shown."""
    _brain_segmented(desktop)
    _picture(desktop, "segmented")


def compared(desktop: Desktop) -> None:
    """Level 1 left, level 3 right."""
    _brain_segmented(desktop)
    desktop.click(desktop.ui.compareButton)
    desktop.wait(0.2)
    _jump(desktop, DEEP_GREY_RAS_MM)
    _picture(desktop, "compared")
    desktop.click(desktop.ui.compareButton)


def edited(desktop: Desktop) -> None:
    """A copy of level 3 in the Segment Editor."""
    _brain_segmented(desktop)
    desktop.click(desktop.ui.editButton)
    desktop.wait(0.2)
    _picture(desktop, "edited")


def region(desktop: Desktop) -> None:
    """A region was added and dragged to one hippocampus."""
    _with_region(desktop)
    _picture(desktop, "region")


def detail(desktop: Desktop) -> None:
    """Both hippocampi, found in the whole head, all levels, in 3D too."""
    _with_hippocampus(desktop)
    _look_closer(desktop)
    _all_levels(desktop)
    desktop.click(desktop.ui.segmentButton)
    _wait_for_the_end(desktop)
    desktop.click(desktop.ui.show3DButton)
    _look_from_the_front(desktop)
    _picture(desktop, "detail")


SCENES: dict[str, Scene] = {
    each.__name__: each for each in (start, running, segmented, compared, edited, region, detail)
}


def _opened(desktop: Desktop) -> Any:
    """The MNI152 template, a T1 image of a head without its skull."""
    desktop.open("CompactSeg")
    volume = desktop.load("template")
    volume.SetName("T1")
    desktop.ui.volumeSelector.setCurrentNode(volume)
    logic = desktop.panel.logic
    desktop.wait_until(lambda: logic.devices and logic.models, what="the worker", timeout=120)
    if logic.models[0].name != BRAIN:
        raise SystemExit(f"{BRAIN}: expected it as the first model, got {logic.models[0].name}.")
    return volume


def _brain_segmented(desktop: Desktop) -> None:
    _opened(desktop)
    _all_levels(desktop)
    desktop.click(desktop.ui.segmentButton)
    _wait_for_the_end(desktop)
    _jump(desktop, DEEP_GREY_RAS_MM)


def _with_hippocampus(desktop: Desktop) -> Any:
    volume = _opened(desktop)
    names = [model.name for model in desktop.panel.logic.models]
    desktop.ui.modelTable.selectRow(names.index(HIPPOCAMPUS))
    _jump(desktop, LEFT_HIPPOCAMPUS_RAS_MM)
    return volume


def _with_region(desktop: Desktop) -> Any:
    """As a user makes it, who folds Advanced away again."""
    volume = _with_hippocampus(desktop)
    desktop.click(desktop.ui.advancedButton)
    desktop.click(desktop.ui.newRegionButton)
    region = desktop.ui.regionSelector.currentNode()
    region.SetSize(*REGION_MM)
    region.SetCenterWorld(*LEFT_HIPPOCAMPUS_RAS_MM)
    desktop.click(desktop.ui.advancedButton)
    return volume


def _all_levels(desktop: Desktop) -> None:
    desktop.ui.thresholdSpinBox.value = 0


def _wait_for_the_end(desktop: Desktop) -> None:
    logic = desktop.panel.logic
    desktop.wait_until(lambda: logic.run is None, what="the end of the run", timeout=600)
    desktop.wait(0.1)


def _slice_nodes() -> list[Any]:
    import slicer

    manager = slicer.app.layoutManager()
    return [manager.sliceWidget(name).mrmlSliceNode() for name in manager.sliceViewNames()]


def _jump(desktop: Desktop, ras_mm: tuple[float, float, float]) -> None:
    for node in _slice_nodes():
        node.JumpSlice(*ras_mm)
    desktop.wait(0.05)


def _look_closer(desktop: Desktop) -> None:
    """Zoom in on the hippocampi; seen from the side, on the left one."""
    for node in _slice_nodes():
        width, height, depth = node.GetFieldOfView()
        node.SetFieldOfView(VIEW_MM, VIEW_MM * height / width, depth)
        is_from_side = node.GetOrientation() == "Sagittal"
        node.JumpSliceByCentering(
            *(LEFT_HIPPOCAMPUS_RAS_MM if is_from_side else BETWEEN_HIPPOCAMPI_RAS_MM)
        )
    desktop.wait(0.05)


def _look_from_the_front(desktop: Desktop) -> None:
    """Turn and move the 3D view's camera near, as a user does with the mouse."""
    import slicer

    camera = slicer.util.getNodesByClass("vtkMRMLCameraNode")[0]
    camera.SetFocalPoint(*BETWEEN_HIPPOCAMPI_RAS_MM)
    right, anterior, superior = BETWEEN_HIPPOCAMPI_RAS_MM
    camera.SetPosition(right - 60.0, anterior + 170.0, superior + 70.0)
    camera.ResetClippingRange()
    desktop.wait(0.5)


def _picture(desktop: Desktop, name: str) -> None:
    path = desktop.screenshot(name)
    with Image.open(path) as picture:
        few = picture.convert("RGB").quantize(
            COLOURS, method=Image.Quantize.MAXCOVERAGE, kmeans=3, dither=Image.Dither.NONE
        )
    few.save(path, optimize=True)
    print(f"{path.name}: {path.stat().st_size // 1024} KB")


def _darken() -> None:
    """As Slicer's dark style colours its widgets."""
    from PySide6.QtGui import QColor, QPalette

    palette = QPalette()
    for roles, color in (
        (("Window", "Button", "AlternateBase", "ToolTipBase"), "#353535"),
        (("Base",), "#232323"),
        (("WindowText", "Text", "ButtonText", "ToolTipText", "PlaceholderText"), "#e8e8e8"),
        (("Highlight",), "#2a82da"),
        (("HighlightedText",), "#ffffff"),
    ):
        for role in roles:
            palette.setColor(getattr(QPalette, role), QColor(color))
    for role in ("WindowText", "Text", "ButtonText"):
        palette.setColor(QPalette.Disabled, getattr(QPalette, role), QColor("#808080"))
    standin.the_application().setPalette(palette)


def main(names: list[str]) -> int:
    is_dark = "--dark" in names
    names = [name for name in names if name != "--dark"]
    if unknown := set(names) - set(SCENES):
        print(f"{', '.join(unknown)}: expected {', '.join(SCENES)}", file=sys.stderr)
        return 2
    problems = []
    for name in names or SCENES:
        desktop = Desktop(DARK_PICTURES if is_dark else PICTURES)
        if is_dark:
            _darken()
        SCENES[name](desktop)
        problems += desktop.close()
    print("\n".join(problems), file=sys.stderr, end="")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
