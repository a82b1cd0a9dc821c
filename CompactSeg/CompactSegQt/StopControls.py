"""When deeper levels are no longer worth their time: a threshold, its unit, and a box that switches it off."""

import qt
from slicer.i18n import tr as _

from CompactSegMRML.Results import StopInfo
from CompactSegMRML.Signal import Signal

__all__ = ["StopControls", "thresholdText"]


class StopControls:
    """The threshold field follows the model: it offers the units that the model can stop by.

    Args:
        unitBox: QComboBox.
        threshold: QDoubleSpinBox, in percent; the parameter node keeps its value.
        allLevels: QCheckBox; the parameter node keeps its value.

    Attributes:
        unitChosen: Signal with ``jaccard`` or ``dice``.
    """

    def __init__(self, unitBox, threshold, allLevels) -> None:
        self.unitChosen = Signal()
        self._unitBox, self._threshold, self._allLevels = unitBox, threshold, allLevels
        # With nothing below it, the rule as it reads would stop nothing: say so instead of "is below 0.00 %".
        threshold.specialValueText = _("never")
        unitBox.connect("activated(int)", self._onUnit)

    def setUnits(self, units: tuple[str, ...], current: str) -> None:
        """Offer these, and show which one is current."""
        if tuple(self._unitBox.itemData(n) for n in range(self._unitBox.count)) != units:
            self._unitBox.clear()
            for unit in units:
                name, explanation = unitTexts(unit)
                self._unitBox.addItem(name, unit)
                self._unitBox.setItemData(self._unitBox.count - 1, explanation, qt.Qt.ToolTipRole)
        self._unitBox.currentIndex = max(self._unitBox.findData(current), 0)

    def explain(self, stop: StopInfo | None, *, running: bool) -> None:
        """Say in tooltips what the fields mean, and why they take no input."""
        fixed = self._allLevels.checked or running or stop is None
        reason = ""
        if running:
            reason = _("Can be changed when the segmentation is finished or cancelled.")
        elif stop is None:
            reason = _("Choose a model first.")
        elif self._allLevels.checked:
            reason = _("Not used: all levels are computed. Clear “All levels” to use it.")
        unit = self._unitBox.currentData or "jaccard"
        self._threshold.enabled = not fixed
        never = _("Nothing is below 0 %: all levels are computed.")
        meaning = unitTexts(unit)[1]
        self._threshold.toolTip = reason or (
            meaning if self._threshold.value else f"{never} {meaning}"
        )
        self._unitBox.enabled = not fixed and self._unitBox.count > 1
        self._unitBox.toolTip = reason or unitTexts(unit)[1]
        self._allLevels.enabled = not running
        self._allLevels.toolTip = (
            reason
            if running
            else _("Compute every level of the model, whatever the deeper ones still change.")
        )

    def _onUnit(self, index: int) -> None:
        self.unitChosen(self._unitBox.itemData(index))


def thresholdText(threshold: float | None) -> str:
    """A threshold from 0 to 1 for people.

    >>> thresholdText(0.001)
    '0.1 %'
    """
    return f"{100 * (threshold or 0):g} %"


def unitTexts(unit: str) -> tuple[str, str]:
    """What a unit is called, and what it means."""
    if unit == "dice":
        return (
            _("expected gain"),
            _(
                "No deeper level is computed when it is expected to improve the overlap with an expert's "
                "segmentation (Dice) by less than this. How much is to be expected was measured when the "
                "model was made."
            ),
        )
    return (
        _("improvement"),
        _(
            "No deeper level is computed when the last one changed the segmentation by less than this. "
            "0 % means that nothing changed, 100 % that nothing stayed the same."
        ),
    )
