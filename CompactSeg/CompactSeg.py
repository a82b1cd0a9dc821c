"""CompactSeg in 3D Slicer: the module's entry, which joins the scene's events to the panel."""

import sys
from pathlib import Path

import qt
import slicer
from slicer.i18n import tr as _
from slicer.i18n import translate
from slicer.ScriptedLoadableModule import (
    ScriptedLoadableModule,
    ScriptedLoadableModuleLogic,
    ScriptedLoadableModuleTest,
    ScriptedLoadableModuleWidget,
)
from slicer.util import VTKObservationMixin

# Installed, all packages are beside this file. In a checkout the library is one folder up.
for folder in (Path(__file__).resolve().parent, Path(__file__).resolve().parents[1]):
    if any(folder.glob("CompactSeg*/__init__.py")) and str(folder) not in sys.path:
        sys.path.append(str(folder))

from CompactSegLib.resources import find_resource  # noqa: E402

DOCUMENTATION = "https://github.com/CompactSeg/SlicerCompactSeg#readme"
SAMPLES = {"MRHead, brain structures": "brain-mr", "MRHead, hippocampus": "hippocampus-mr"}
"""What each model can be tried on, and the picture that shows what it finds."""
MRHEAD_SHA256 = "cc211f0dfd9a05ca3841ce1141b292898b2dd2d3f08286affadf823a7e58df93"
OUR_PACKAGES = ("CompactSegQt", "CompactSegMRML", "CompactSegLib")


class CompactSeg(ScriptedLoadableModule):
    """What Slicer shows of the module before it is opened."""

    def __init__(self, parent):
        super().__init__(parent)
        parent.title = _("CompactSeg")
        parent.categories = [translate("qSlicerAbstractCoreModule", "Segmentation")]
        parent.dependencies = ["Segmentations", "SubjectHierarchy", "Markups", "Tables"]
        parent.contributors = ["CompactSeg contributors"]
        parent.helpText = _(
            "Segments an image level by level: the first level is there almost at once, deeper levels refine it. "
            "Levels can be compared side by side, and the one you like can be edited in the Segment Editor. "
            "See the <a href={address}>documentation</a>."
        ).format(address=f'"{DOCUMENTATION}"')
        parent.acknowledgementText = _(
            "The net follows US patent 10,783,640, a scalable and compact multi-level convolutional neural network."
        )
        # The base class looks beside this file, where the resources are only once installed.
        parent.icon = qt.QIcon(str(find_resource("Icons/CompactSeg.png")))
        slicer.app.connect("startupCompleted()", registerSampleData)


def registerSampleData():
    """List MRHead under CompactSeg in the Sample Data module, once for each model; called once that module is there.

    It is the very file that Slicer itself offers under General, checked by the same sum, so that nothing has to be
    hosted, and what was downloaded once serves all.
    """
    import SampleData

    for name, model in SAMPLES.items():
        SampleData.SampleDataLogic.registerCustomSampleDataSource(
            category="CompactSeg",
            sampleName=name,
            uris=f"https://github.com/Slicer/SlicerTestingData/releases/download/SHA256/{MRHEAD_SHA256}",
            fileNames="MR-head.nrrd",
            checksums=f"SHA256:{MRHEAD_SHA256}",
            nodeNames="MRHead",
            thumbnailFileName=str(find_resource(f"Icons/{model}.png")),
        )


class CompactSegWidget(ScriptedLoadableModuleWidget, VTKObservationMixin):
    """The module's panel, told of what happens to the scene."""

    def __init__(self, parent=None):
        ScriptedLoadableModuleWidget.__init__(self, parent)
        VTKObservationMixin.__init__(self)
        self.panel = None

    def resourcePath(self, filename):
        """In a checkout too, where the resources are one folder up: developer mode's Edit UI opens the form there."""
        return str(find_resource(filename))

    def setup(self):
        super().setup()
        from CompactSegMRML.CompactSegLogic import CompactSegLogic
        from CompactSegQt.Advanced import Settings
        from CompactSegQt.Panel import Panel

        uiWidget = slicer.util.loadUI(self.resourcePath("UI/CompactSeg.ui"))
        self.layout.addWidget(uiWidget)
        self.ui = slicer.util.childWidgetVariables(uiWidget)
        uiWidget.setMRMLScene(slicer.mrmlScene)
        self.logic = CompactSegLogic(slicer.mrmlScene, workerCommand=Settings().workerCommand)
        self.panel = Panel(self.ui, uiWidget, self.logic)
        scene = slicer.mrmlScene
        self.addObserver(scene, scene.StartCloseEvent, self.onSceneStartClose)
        self.addObserver(scene, scene.EndCloseEvent, self.onSceneEndClose)
        self.addObserver(scene, scene.EndImportEvent, self.onSceneEndImport)
        self.initializeParameterNode()
        if self.parent.isEntered:  # after a reload; else Slicer calls enter() next
            self.enter()

    def enter(self):
        """The user opens the module: have a worker warm before the first click."""
        self.initializeParameterNode()
        self.panel.enter()

    def exit(self):
        """The user goes to another module: the views are theirs again."""
        if self.panel is not None:
            self.panel.exit()

    def cleanup(self):
        self.removeObservers()
        if self.panel is not None:
            self.panel.close()
            self.panel = None

    def onReload(self):
        """Also our packages are read anew; the base class reads only this file."""
        self.cleanup()
        for name in [name for name in sys.modules if name.partition(".")[0] in OUR_PACKAGES]:
            del sys.modules[name]
        super().onReload()

    def initializeParameterNode(self):
        from CompactSegQt.ParameterNode import choicesIn

        holder = ScriptedLoadableModuleLogic()
        holder.moduleName = "CompactSeg"
        node = holder.getParameterNode()
        # Each wrapper observes the node for as long as that lives.
        if self.panel.parameters is None or self.panel.parameters.parameterNode is not node:
            self.panel.setParameterNode(choicesIn(node))

    def onSceneStartClose(self, _caller, _event):
        self.panel.setParameterNode(None)

    def onSceneEndClose(self, _caller, _event):
        if self.parent.isEntered:
            self.initializeParameterNode()

    def onSceneEndImport(self, _caller, _event):
        # When the node selectors have the scene's nodes, too.
        qt.QTimer.singleShot(0, self.refresh)

    def refresh(self):
        if self.panel is not None and self.parent.isEntered:
            self.panel.setParameterNode(None)
            self.initializeParameterNode()


class CompactSegTest(ScriptedLoadableModuleTest):
    """What can be tested inside Slicer."""

    def runTest(self):
        from CompactSegQt.SelfTest import runSelfTest

        runSelfTest(self)
