"""CompactSeg from a script, without a window."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from CompactSegLib.errors import Cancelled, CompactSegError, InputError
from CompactSegMRML.CompactSegLogic import CompactSegLogic
from CompactSegMRML.Results import LevelResult, RunOutcome

__all__ = ["segment"]

_PAUSE_SECONDS = 0.005


def segment(
    volumeNode: Any,
    *,
    model: str,
    levels: int | None = None,
    threshold: float | None = None,
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
    if volumeNode is None or volumeNode.GetScene() is None:
        raise InputError(
            "expected a volume node in a scene, got none; add the node to the scene first."
        )
    own = (
        CompactSegLogic(volumeNode.GetScene(), workerCommand=workerCommand)
        if logic is None
        else None
    )
    used = own or logic
    outcomes: list[RunOutcome] = []
    used.finished.connect(outcomes.append)
    if progress is not None:
        used.progressed.connect(progress)
    try:
        used.segment(
            volumeNode,
            model=model,
            levels=levels,
            threshold=threshold,
            allLevels=allLevels,
            device=device,
            region=region,
            keptBytes=keptBytes,
        )
        while not outcomes:
            used.poll()
            time.sleep(_PAUSE_SECONDS)
    except BaseException:
        used.cancel()
        raise
    finally:
        used.finished.disconnect(outcomes.append)
        used.progressed.disconnect(progress)
        if own is not None:
            own.close()
    if outcomes[0].kind == "cancelled":
        raise Cancelled(outcomes[0].sentence)
    if outcomes[0].kind != "done":
        raise CompactSegError(outcomes[0].sentence)
    results = used.results(volumeNode)
    return list(results.levels) if results is not None else []
