"""Words for what the panel shows: numbers, reasons, what tables tell, and texts that come from a scene or a model."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import TYPE_CHECKING, Any

from slicer.i18n import tr as _

if TYPE_CHECKING:
    from CompactSegLib.model.model import ExpectedVolume
    from CompactSegMRML.CompactSegLogic import CompactSegLogic
    from CompactSegMRML.Difference import Comparison
    from CompactSegMRML.Results import LevelResult, Results
    from CompactSegMRML.WorkerFace import ModelInfo

_MOST_LETTERS = 24
_DOWN, _UP = "↓", "↑"
# Training cases are few: many a healthy head lies a little outside of their range.
_BEYOND = 0.25


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


def shortened(name: str) -> str:
    """A name for a line with little room: beginning and end tell it from others.

    >>> shortened("T1"), shortened("sub-01_ses-02_T1w_defaced_in_1_mm")
    ('T1', 'sub-01_ses-0…ced_in_1_mm')
    """
    if len(name) <= _MOST_LETTERS:
        return name
    half = _MOST_LETTERS // 2
    return f"{name[:half]}…{name[half + 1 - _MOST_LETTERS :]}"


def percentText(share: float | None) -> str:
    """A share from 0 to 1 for people; a dash where there is none.

    >>> percentText(0.123), percentText(None)
    ('12.3 %', '–')
    """
    return "–" if share is None else f"{100 * share:.1f} %"


def millilitresText(value: float) -> str:
    """With as many digits as a volume deserves: three that count, and not more than a voxel's.

    >>> [millilitresText(value) for value in (1234.5, 45.678, 9.996, 3.456, 0.0123, 0.0)]
    ['1234', '45.7', '10.0', '3.46', '0.01', '0']
    """
    if value == 0:
        return "0"
    digits = 0 if value >= 99.95 else 1 if value >= 9.995 else 2  # by what is left after rounding
    return f"{value:.{digits}f}"


def thresholdText(threshold: float | None) -> str:
    """A threshold from 0 to 1 for people.

    >>> thresholdText(0.001), thresholdText(0)
    ('0.1 %', 'never')
    """
    return f"{100 * threshold:g} %" if threshold else _("never")


def secondsText(seconds: float) -> str:
    """A time that is left, as exactly as it is known.

    >>> secondsText(3.2), secondsText(200)
    ('4 s', '4 min')
    """
    if seconds < 90:
        return _("{seconds} s").format(seconds=int(seconds) + 1)
    return _("{minutes} min").format(minutes=int(seconds / 60) + 1)


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
        return model.whyNotUsable
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
        return whyNoResult(results, hasVolume=hasVolume)
    return _("Only one is there. Move the slider to a deeper level, or edit a copy.")


def rowCells(level: LevelResult) -> list[tuple[str, str]]:
    """Text and explanation of each cell in a level's row."""
    number = str(level.level)
    if level.isEdited:
        number = _("{level} (edited)").format(level=level.level)
        sentence = _("Its labels were edited since, so what it changed is not known any more.")
        return [(number, sentence), ("–", sentence), (f"{level.seconds:.2f}", "")]
    return [
        (number, ""),
        (_changeText(level), changeSentence(level)),
        (f"{level.seconds:.2f}", ""),
    ]


def _changeText(level: LevelResult) -> str:
    """In percent, and of which structure: 100 % is nothing to worry about where that is a small one."""
    change, most = percentText(level.improvement), _changedMost(level)
    return _("{change} ({name})").format(change=change, name=most) if most else change


def _changedMost(level: LevelResult) -> str:
    changes = level.improvementByLabel
    return max(changes, key=lambda name: changes[name]) if level.improvement and changes else ""


def changeSentence(level: LevelResult) -> str:
    """Of which structure the change is, and what it does not say."""
    if level.improvement is None:
        return _("Level 1 has no level before it to compare with.")
    most = _changedMost(level)
    if not most:
        return _("It does not say that the result got better.")
    return _(
        "Largest change: “{name}”, {change} (1 − Jaccard). It does not say that the result got better."
    ).format(name=most, change=percentText(level.improvementByLabel[most]))


def stopSentence(results: Results | None, *, otherModel: str = "") -> str:
    """Why no deeper level was computed, and by which model where it is not the chosen one."""
    if results is None or not results.levels:
        return ""
    if otherModel:
        sentence = stopSentence(results)
        return _("Results of “{model}”. {sentence}").format(model=otherModel, sentence=sentence)
    last, levels = results.levels[-1], results.availableLevels
    if last.level >= levels:
        return _("All {levels} levels were computed.").format(levels=levels)
    if last.stop == "threshold":
        reason = _("it changed every structure by less than the threshold of {threshold}.").format(
            threshold=thresholdText(last.stopThreshold)
        )
        if last.stopThreshold is None:  # scenes of CompactSeg 0.1 do not always tell
            reason = _("the threshold was reached.")
        return _("Stopped at level {level} of {levels}: {reason}").format(
            level=last.level, levels=levels, reason=reason
        )
    return _("Computed up to level {level} of {levels}.").format(level=last.level, levels=levels)


def findingsText(results: Results | None) -> str:
    """What the run told of the image and of what was found, and whether that image is still there."""
    if results is None:
        return ""
    sentences = list(results.messages)
    if results.isOutdated:
        sentences.insert(
            0, _("The image was changed since these levels were made: segment it again.")
        )
    return " ".join(sentences)


def volumeText(level: LevelResult, name: str, expected: Mapping[str, ExpectedVolume]) -> str:
    """Millilitres, with an arrow in front where these are far less or far more than any training case has."""
    text = millilitresText(level.millilitres.get(name, 0.0))
    # In front, so that the digits stay below each other.
    return " ".join([*_arrow(level, name, expected), text])


def volumeTooltip(
    results: Results, level: LevelResult, name: str, expected: Mapping[str, ExpectedVolume]
) -> str:
    """The millilitres at each level, how much the structure changed, and how large it is in training cases."""
    lines = [
        _("Level {level}: {millilitres} ml").format(
            level=each.level, millilitres=millilitresText(each.millilitres.get(name, 0.0))
        )
        for each in results.levels
    ]
    if level.isEdited:
        lines.append(_("Counted anew, since the labels were edited."))
    elif name in level.improvementByLabel:
        lines.append(
            _("“{name}” changed by {change} from level {before} (1 − Jaccard).").format(
                name=name,
                change=percentText(level.improvementByLabel[name]),
                before=level.level - 1,
            )
        )
    if name in expected:
        known = expected[name]
        lines.append(
            _("Training cases: {mean} ml ({least} to {most}).").format(
                mean=millilitresText(known.mean),
                least=millilitresText(known.least),
                most=millilitresText(known.most),
            )
        )
    for arrow in _arrow(level, name, expected):
        lines.append(
            _("{arrow} Over a quarter less than in any training case.").format(arrow=arrow)
            if arrow == _DOWN
            else _("{arrow} Over a quarter more than in any training case.").format(arrow=arrow)
        )
    return "\n".join(lines)


def _arrow(level: LevelResult, name: str, expected: Mapping[str, ExpectedVolume]) -> list[str]:
    """One arrow, or none where the volume is near those of training cases, or theirs are not known."""
    known, found = expected.get(name), level.millilitres.get(name, 0.0)
    if known is None:
        return []
    if found < known.least * (1 - _BEYOND):
        return [_DOWN]
    return [_UP] if found > known.most * (1 + _BEYOND) else []
