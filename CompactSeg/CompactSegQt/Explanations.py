"""Why something can not be done now, as a sentence for the tooltip of the button that would do it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from slicer.i18n import tr as _

if TYPE_CHECKING:
    from CompactSegMRML.CompactSegLogic import CompactSegLogic
    from CompactSegMRML.Results import ModelInfo, Results

__all__ = ["whyNoLevel", "whyNoResult", "whyNotComparable", "whyNotSegmentable"]


def whyNotSegmentable(
    logic: CompactSegLogic, volumeNode: Any, *, model: ModelInfo | None
) -> str | None:
    """Why Segment would not work; None where it would, or would say itself what is missing."""
    if volumeNode is None:
        return _("Load an image and choose it as the volume first.")
    reason = logic.whyNotSegmentable(volumeNode)
    if reason is not None:
        return reason
    if model is not None:
        if model.channels > 1:
            return _(
                "{title} needs {count} images at once, which this module can not give it."
            ).format(title=model.title, count=model.channels)
        return None
    if logic.models:
        return _("Choose a model first.")
    if logic.problem is not None:
        return logic.problem
    if logic.state in ("starting", "stopped"):
        return _("The models are being looked for.")
    return noModels(logic)


def noModels(logic: CompactSegLogic) -> str:
    """What to do when the worker has no model."""
    sentence = _(
        "No models were found. Install the CompactSeg extension again, or check the worker command under Advanced."
    )
    return " ".join([sentence, *logic.damagedModels])


def whyNoResult(results: Results | None, *, hasVolume: bool) -> str | None:
    """Why there is nothing to edit or measure."""
    if results is not None and results.levels:
        if results.shownLevel is None:
            return _("Show a level first, with the slider or the box beside it.")
        return None
    if not hasVolume:
        return _("Load an image and choose it as the volume first.")
    return _("Segment the volume first.")


def whyNoLevel(results: Results | None, *, hasVolume: bool) -> str | None:
    """Why there is no level to choose."""
    if results is not None and results.levels:
        return None
    return whyNoResult(None, hasVolume=hasVolume)


def whyNotComparable(results: Results | None, *, hasVolume: bool) -> str | None:
    """Why levels can not be compared."""
    if results is None or not results.levels:
        return whyNoLevel(results, hasVolume=hasVolume)
    if len(results.levels) < 2:
        return _("Only one level is there. Move the slider to a deeper level first.")
    return None
