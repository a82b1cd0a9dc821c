"""What the panel says of itself: the one thing that matters most now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from slicer.i18n import tr as _

from CompactSegQt.Explanations import noModels
from CompactSegQt.Handover import openSampleData

if TYPE_CHECKING:
    from collections.abc import Callable

    from CompactSegMRML.CompactSegLogic import CompactSegLogic
    from CompactSegMRML.Results import ModelInfo, RunOutcome
    from CompactSegQt.Notice import Notice

__all__ = ["showNotice"]

_LARGER = 1.5
"""So much larger than what a model was made for, an image is probably the whole head and not the region."""


def showNotice(
    notice: Notice,
    logic: CompactSegLogic,
    volumeNode: Any,
    *,
    model: ModelInfo | None,
    hasRegion: bool,
    outcome: RunOutcome | None,
    declined: bool,
    install: Callable[[], None],
    addRegion: Callable[[], None],
    useWholeImage: Callable[[], None],
) -> None:
    """Say what stands in the way, or what would help; nothing where there is nothing to say.

    Args:
        notice: Where it is said.
        logic: Asked for what is wrong.
        volumeNode: That is chosen; None for none.
        model: That is chosen; None for none.
        hasRegion: Whether segmenting is confined to a region.
        outcome: Of the last run on this volume; None where there was none since it was chosen.
        declined: Whether the user said "not now" to installing.
        install: Does it.
        addRegion: Makes a region.
        useWholeImage: Confines no longer.
    """
    running = logic.state in ("running", "cancelling")
    reason = logic.whyNotSegmentable(volumeNode) if volumeNode is not None else None
    messages = _messages(logic, volumeNode)
    if running:
        notice.clear()
    elif outcome is not None and outcome.kind == "failed":
        notice.warn(outcome.sentence)
    elif reason is not None:
        notice.warn(reason)
    elif logic.usesDefaultWorker and (declined or logic.problemKind == "torch"):
        notice.inform(_missing(declined=declined), label=_("Install…"), action=install)
    elif logic.problem is not None:
        notice.warn(logic.problem, label=_("Try again"), action=logic.restartWorker)
    elif volumeNode is None:
        notice.inform(
            _("Load an image first, for example by dragging its file into the window."),
            label=_("Sample data"),
            action=openSampleData,
        )
    elif logic.state == "ready" and not logic.models:
        notice.warn(noModels(logic))
    elif outcome is not None and outcome.kind == "cancelled":
        notice.inform(outcome.sentence)
    elif not hasRegion and (advice := _tooLarge(volumeNode, model)):
        notice.warn(_both(messages, advice), label=_("Add region"), action=addRegion)
    elif hasRegion and model is not None and model.fieldMm is None:
        advice = _(
            "Only the region will be segmented, and “{model}” is made for all of an image."
        ).format(model=model.title)
        notice.inform(_both(messages, advice), label=_("Whole image"), action=useWholeImage)
    elif messages:
        notice.inform(messages)
    else:
        notice.clear()


def _missing(*, declined: bool) -> str:
    if declined:
        return _(
            "Without PyTorch nothing can be segmented. Results that are there can be shown, compared, edited and "
            "measured."
        )
    return _("PyTorch is needed for segmenting and not installed yet.")


def _messages(logic: CompactSegLogic, volumeNode: Any) -> str:
    """What the engine told of the run whose levels are there."""
    results = logic.results(volumeNode) if volumeNode is not None else None
    return " ".join(results.messages) if results else ""


def _both(messages: str, advice: str) -> str:
    """What was found, and below it what would help the next run."""
    return f"{messages}\n{advice}" if messages else advice


def _tooLarge(volumeNode: Any, model: ModelInfo | None) -> str:
    """Advice on a region where the image shows much more than the model knows."""
    field = getattr(model, "fieldMm", None)
    if field is None or volumeNode is None or volumeNode.GetImageData() is None:
        return ""
    size = [
        voxels * mm
        for voxels, mm in zip(
            volumeNode.GetImageData().GetDimensions(), volumeNode.GetSpacing(), strict=True
        )
    ]
    if all(
        here <= _LARGER * known for here, known in zip(sorted(size), sorted(field), strict=True)
    ):
        return ""
    return _(
        "“{model}” was made for a region of about {field}, and the image is larger. Confine it to the structure, or "
        "expect wrong findings elsewhere."
    ).format(model=model.title, field=" × ".join(f"{mm:.0f}" for mm in field) + " mm")
