"""CompactSeg from a script, without a window."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from CompactSegLib.errors import Cancelled, CompactSegError, InputError
from CompactSegMRML.CompactSegLogic import CompactSegLogic
from CompactSegMRML.Results import LevelResult
from CompactSegMRML.RunRequest import RunOutcome
from CompactSegMRML.Signal import tr

__all__ = ["segment"]

_PAUSE_SECONDS = 0.005


def segment(
    volumeNode: Any,
    *,
    model: str,
    workerCommand: str = "",
    logic: CompactSegLogic | None = None,
    progress: Callable[[int, int, float, str], None] | None = None,
    **options: Any,
) -> list[LevelResult]:
    """Segment a volume node and wait; the result nodes are in its scene, the last level shown.

    Args:
        volumeNode: vtkMRMLScalarVolumeNode in a scene.
        model: Name of a model, or the folder of one.
        workerCommand: As of `CompactSegLogic`; used where no logic is given.
        logic: To be used, with its warm worker; None starts a worker and ends it.
        progress: Called as the signal ``progressed``.
        options: More of `CompactSegLogic.segment`: levels, threshold, allLevels, device, region, keptBytes.

    Returns:
        A LevelResult for each level of this run, in order.

    Raises:
        CompactSegError: With a sentence that says what to do.
    """
    if volumeNode is None or volumeNode.GetScene() is None:
        raise InputError(
            tr("expected a volume node in a scene, got none; add the node to the scene first.")
        )
    used = logic or CompactSegLogic(volumeNode.GetScene(), workerCommand=workerCommand)
    outcomes: list[RunOutcome] = []
    used.finished.connect(outcomes.append)
    if progress is not None:
        used.progressed.connect(progress)
    try:
        used.segment(volumeNode, model=model, **options)
        while not outcomes:
            used.poll()
            time.sleep(_PAUSE_SECONDS)
    except BaseException:
        used.cancel()
        raise
    finally:
        used.finished.disconnect(outcomes.append)
        used.progressed.disconnect(progress)
        if logic is None:
            used.close()
    if outcomes[0].kind == "cancelled":
        raise Cancelled(outcomes[0].sentence)
    if outcomes[0].kind != "done":
        raise CompactSegError(outcomes[0].sentence)
    results = used.results(volumeNode)
    return list(results.levels) if results is not None else []
