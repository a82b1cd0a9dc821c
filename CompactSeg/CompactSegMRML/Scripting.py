"""CompactSeg from a script, without a window."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from CompactSegMRML.CompactSegLogic import CompactSegLogic
    from CompactSegMRML.Results import LevelResult

__all__ = ["segment"]


def segment(
    volumeNode: Any,
    *,
    model: str,
    levels: int | None = None,
    threshold: float | None = None,
    unit: str | None = None,
    allLevels: bool = False,
    device: str = "auto",
    region: Any = None,
    keptBytes: int | None = None,
    workerCommand: str = "",
    logic: CompactSegLogic | None = None,
    progress: Callable[[int, int, float, str], None] | None = None,
) -> list[LevelResult]:
    """Segment a volume node and wait; the result nodes are in its scene, the last level shown.

    Args:
        volumeNode: vtkMRMLScalarVolumeNode in a scene.
        model: As `CompactSegLogic.segment`, and so `levels` to `keptBytes`.
        levels: The most.
        threshold: None for the model's own.
        unit: Of the threshold.
        allLevels: Do not stop at a threshold.
        device: ``auto`` or a device's name.
        region: vtkMRMLMarkupsROINode.
        keptBytes: Memory for feature maps.
        workerCommand: As of `CompactSegLogic`; used where no logic is given.
        logic: To be used, with its warm worker; None starts a worker and ends it.
        progress: Called as the signal ``progressed``.

    Returns:
        A LevelResult for each level of this run, in order.

    Raises:
        CompactSegError: With a sentence that says what to do.
    """
    raise NotImplementedError
