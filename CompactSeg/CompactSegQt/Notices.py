"""What the panel has to say: one thing that stands in the way or would help, in one place, without a window."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import qt
from slicer.i18n import tr as _

from CompactSegMRML.VolumeInput import regionOwner
from CompactSegQt.Actions import Actions, openSampleData, restartSlicer
from CompactSegQt.Texts import noModels, plain

if TYPE_CHECKING:
    from CompactSegMRML.CompactSegLogic import CompactSegLogic
    from CompactSegMRML.RunRequest import RunOutcome
    from CompactSegMRML.WorkerFace import ModelInfo

_LARGER = 1.5
"""So much larger than what a model was made for, an image is probably the whole head and not the region."""


class Notice:
    """An icon, sentences, and sometimes a button that does what they advise.

    Args:
        frame: QFrame around it, hidden while there is nothing to say.
        icon: QLabel.
        text: QLabel.
        button: QPushButton.
    """

    def __init__(self, frame, icon, text, button) -> None:
        self._frame, self._icon, self._text, self._button = frame, icon, text, button
        self._action: Callable[[], None] | None = None
        text.textFormat = qt.Qt.PlainText
        button.connect("clicked(bool)", self._onClicked)
        self.clear()

    def inform(self, text: str, *, label: str = "", action: Callable[[], None] | None = None):
        """Say something that is good to know."""
        self._say(text, qt.QStyle.SP_MessageBoxInformation, label=label, action=action)

    def warn(self, text: str, *, label: str = "", action: Callable[[], None] | None = None):
        """Say that something did not work, or would not."""
        self._say(text, qt.QStyle.SP_MessageBoxWarning, label=label, action=action)

    def clear(self) -> None:
        self._frame.hide()
        self._text.text = ""
        self._action = None

    def _say(self, text: str, icon, *, label: str, action: Callable[[], None] | None) -> None:
        standardIcon = self._frame.style().standardIcon(icon)
        size = 4 * self._text.fontMetrics().lineSpacing() // 3  # grows with the text
        self._icon.setPixmap(standardIcon.pixmap(size, size))
        self._text.text = text
        self._text.toolTip = plain(text)
        self._button.text = label
        self._button.visible = action is not None
        self._action = action
        self._frame.show()

    def _onClicked(self, _checked: bool = False) -> None:
        if self._action is not None:
            self._action()


@dataclass(frozen=True)
class Situation:
    """What a notice is about.

    Attributes:
        volumeNode: That is chosen; None for none.
        model: That is chosen; None for none.
        region: vtkMRMLMarkupsROINode to which segmenting is confined; None for the whole image.
        outcome: Of the last run on this volume; None where there was none since it was chosen.
        actions: Asked for installations: under way, declined, or in need of a restart of Slicer.
        addRegion: Makes a region.
        useWholeImage: Confines no longer.
    """

    volumeNode: Any
    model: ModelInfo | None
    region: Any
    outcome: RunOutcome | None
    actions: Actions
    addRegion: Callable[[], None]
    useWholeImage: Callable[[], None]


def showNotice(notice: Notice, logic: CompactSegLogic, now: Situation) -> None:
    """Say what stands in the way, or what would help; nothing where there is nothing to say."""
    volume, outcome, actions = now.volumeNode, now.outcome, now.actions
    reason = logic.whyNotSegmentable(volume) if volume is not None else None
    if actions.packages.isInstalling:
        notice.inform(
            _("PyTorch is being installed, which takes some minutes. Slicer's status bar shows it.")
        )
    elif logic.state in ("running", "cancelling"):
        notice.clear()
    elif outcome is not None and outcome.kind == "failed":
        notice.warn(outcome.sentence)
    elif reason is not None:
        notice.warn(reason)
    elif actions.packages.restartReason:
        notice.warn(actions.packages.restartReason, label=_("Restart Slicer"), action=restartSlicer)
    elif logic.usesDefaultWorker and (actions.declined or logic.problemKind == "torch"):
        text = _missing(declined=actions.declined)
        notice.inform(text, label=_("Install…"), action=actions.install)
    elif logic.problem is not None:
        notice.warn(logic.problem, label=_("Try again"), action=logic.restartWorker)
    elif volume is None:
        notice.inform(
            _("Load an image first, for example by dragging its file into the window."),
            label=_("Sample data"),
            action=openSampleData,
        )
    elif logic.state == "ready" and not logic.models:
        notice.warn(noModels(logic))
    elif outcome is not None and outcome.kind == "cancelled":
        notice.inform(outcome.sentence)
    elif now.region is None and (advice := _tooLarge(volume, now.model)):
        notice.warn(advice, label=_("Add region"), action=now.addRegion)
    elif now.region is not None and (advice := _confined(now)):
        notice.inform(advice, label=_("Whole image"), action=now.useWholeImage)
    elif copies := logic.coveredCopies(volume):
        text = _("A level is shown in the place of “{name}”.").format(name=copies[-1].GetName())
        notice.inform(text, label=_("Show it"), action=lambda: actions.showCopy(copies[-1]))
    else:
        notice.clear()


def _missing(*, declined: bool) -> str:
    if declined:
        return _(
            "Without PyTorch nothing can be segmented. Results that are there can be shown, compared, edited and "
            "measured."
        )
    return _("PyTorch is needed for segmenting and not installed yet.")


def _confined(now: Situation) -> str:
    """What a region that was left from before would do; "" where it is as the user wants it."""
    owner = regionOwner(now.region)
    if owner is not None and owner is not now.volumeNode:
        return _(
            "Only the region “{region}” will be segmented, which was placed on {volume}."
        ).format(region=now.region.GetName(), volume=owner.GetName())
    if now.model is not None and now.model.fieldMm is None:
        return _(
            "Only the region will be segmented, and “{model}” is made for all of an image."
        ).format(model=now.model.title)
    return ""


def _tooLarge(volumeNode: Any, model: ModelInfo | None) -> str:
    """Advice on a region where the image shows much more than the model knows, and the model finds none itself."""
    field = model.fieldMm if model is not None and model.region is None else None
    if field is None or volumeNode.GetImageData() is None:
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
