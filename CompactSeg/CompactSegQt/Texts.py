"""Words for what the panel shows: numbers, reasons, and texts that come from a scene or a model."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

from slicer.i18n import tr as _

if TYPE_CHECKING:
    from CompactSegMRML.CompactSegLogic import CompactSegLogic
    from CompactSegMRML.Results import Comparison, ModelInfo, Results

__all__ = [
    "asymmetryText",
    "millilitresText",
    "noModels",
    "percentText",
    "plain",
    "whyNoResult",
    "whyNotComparable",
    "whyNotSegmentable",
]


def plain(text: str) -> str:
    """A text for a tooltip or a message box, which would take what looks like HTML for HTML: it stays what it is.

    >>> plain("a & b")
    'a & b'
    >>> plain("<b>bold</b>")
    '<p>&lt;b&gt;bold&lt;/b&gt;</p>'
    """
    if "<" not in text and "&" not in text.replace("& ", ""):
        return text
    return f"<p>{escape(text)}</p>".replace("\n", "<br>")


def percentText(share: float | None) -> str:
    """A share from 0 to 1 for people; a dash where there is none.

    >>> percentText(0.123), percentText(None)
    ('12.3 %', '–')
    """
    return "–" if share is None else f"{100 * share:.1f} %"


def asymmetryText(share: float) -> str:
    """In percent, with its sign, which nothing has not.

    >>> [asymmetryText(share) for share in (0.02, -0.051, 0.001)]
    ['+2 %', '-5 %', '0 %']
    """
    percent = round(100 * share)
    return f"{percent:+d} %" if percent else "0 %"


def millilitresText(value: float) -> str:
    """With as many digits as a volume deserves: three that count, and not more than a voxel's.

    >>> [millilitresText(value) for value in (1234.5, 45.678, 3.456, 0.0123, 0.0)]
    ['1234', '45.7', '3.46', '0.01', '0']
    """
    if value == 0:
        return "0"
    digits = 0 if value >= 100 else 1 if value >= 10 else 2
    return f"{value:.{digits}f}"


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


def whyNoResult(
    results: Results | None, *, hasVolume: bool, comparison: Comparison | None = None
) -> str | None:
    """Why there is nothing to edit or measure."""
    if comparison is not None:
        return _("End the comparison first.")
    if results is not None and results.levels:
        if results.shownLevel is None:
            return _("Show a level first, with the slider or the box beside it.")
        return None
    if not hasVolume:
        return _("Load an image and choose it as the volume first.")
    return _("Segment the volume first.")


def whyNotComparable(sides: int, results: Results | None, *, hasVolume: bool) -> str | None:
    """Why nothing can be compared.

    Args:
        sides: How many segmentations of the volume there are.
        results: Of the volume.
        hasVolume: Whether one is chosen.
    """
    if sides >= 2:
        return None
    if sides == 0:
        return whyNoResult(results, hasVolume=hasVolume) or _("Segment the volume first.")
    return _("Only one is there. Move the slider to a deeper level, or edit a copy.")
