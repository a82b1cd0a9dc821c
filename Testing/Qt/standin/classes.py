"""Which classes the stand-in offers, by the names that Slicer has for them."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from standin.application import qSlicerApplication
from standin.collapsible_button import ctkCollapsibleButton
from standin.ctk_widgets import ctkMessageBox, ctkSearchBox
from standin.input_output import qSlicerCoreIOManager
from standin.layout_manager import qSlicerLayoutManager
from standin.main_window import qSlicerMainWindow, qSlicerModuleSelectorToolBar
from standin.module_manager import (
    qSlicerAbstractModuleWidget,
    qSlicerLoadableModule,
    qSlicerModuleFactoryManager,
    qSlicerModuleManager,
    qSlicerScriptedLoadableModule,
    qSlicerScriptedLoadableModuleWidget,
)
from standin.node_combo_box import qMRMLNodeComboBox
from standin.qmrml_widget import qMRMLWidget, qSlicerWidget
from standin.render_view import ctkVTKAbstractView
from standin.segment_editor_widget import qMRMLSegmentEditorWidget
from standin.show_3d_button import ctkMenuButton, qMRMLSegmentationShow3DButton
from standin.slice_view import qMRMLSliceView
from standin.slice_widget import qMRMLSliceControllerWidget, qMRMLSliceWidget
from standin.three_d_view import qMRMLThreeDView, qMRMLThreeDWidget


def _by_name(*classes: type) -> dict[str, type]:
    return {cls.__name__: cls for cls in classes}


CTK = _by_name(ctkCollapsibleButton, ctkMenuButton, ctkMessageBox, ctkSearchBox, ctkVTKAbstractView)
SLICER = _by_name(
    qMRMLNodeComboBox,
    qMRMLSegmentationShow3DButton,
    qMRMLSegmentEditorWidget,
    qMRMLSliceControllerWidget,
    qMRMLSliceView,
    qMRMLSliceWidget,
    qMRMLThreeDView,
    qMRMLThreeDWidget,
    qMRMLWidget,
    qSlicerAbstractModuleWidget,
    qSlicerApplication,
    qSlicerCoreIOManager,
    qSlicerLayoutManager,
    qSlicerLoadableModule,
    qSlicerMainWindow,
    qSlicerModuleFactoryManager,
    qSlicerModuleManager,
    qSlicerModuleSelectorToolBar,
    qSlicerScriptedLoadableModule,
    qSlicerScriptedLoadableModuleWidget,
    qSlicerWidget,
)
# Those that a .ui file may name.
WIDGETS: dict[str, type[QWidget]] = {
    cls.__name__: cls
    for cls in (
        ctkCollapsibleButton,
        ctkMenuButton,
        ctkSearchBox,
        qMRMLNodeComboBox,
        qMRMLSegmentationShow3DButton,
        qMRMLWidget,
        qSlicerWidget,
    )
}
