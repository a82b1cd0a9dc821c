"""``slicer.app``: the one application of the process, over a scene that each test gets anew."""

from __future__ import annotations

import tempfile
from types import SimpleNamespace
from typing import Any

import slicer
from PySide6.QtCore import QProcessEnvironment, QSettings
from PySide6.QtWidgets import QApplication

from standin.input_output import qSlicerCoreIOManager
from standin.module_manager import qSlicerModuleManager
from standin.scene import SceneLogics, set_up
from standin.widget import Property, signal, signals

VERSION = "5.12.4"


@signals(
    "startupCompleted()",
    "mrmlSceneChanged(vtkMRMLScene*)",
    "renderPaused(bool)",
)
class qSlicerApplication(QApplication):
    startupCompleted = signal("startupCompleted()")
    mrmlSceneChanged = signal("mrmlSceneChanged(vtkMRMLScene*)")
    renderPaused = signal("renderPaused(bool)")

    def __init__(self) -> None:
        super().__init__(["Slicer"])
        self._folder = tempfile.TemporaryDirectory(prefix="slicer-")
        self.organizationName = "NA-MIC"
        self.applicationName = "Slicer"
        self.applicationVersion = VERSION
        # Its own, so that a test neither finds nor leaves choices of the person at the machine.
        QSettings.setDefaultFormat(QSettings.IniFormat)
        QSettings.setPath(QSettings.IniFormat, QSettings.UserScope, self._folder.name)
        self._modules = qSlicerModuleManager(self)
        self._io = qSlicerCoreIOManager(self)
        self._scene: Any = None
        self._logics: SceneLogics | None = None
        self._layouts: Any = None
        self._paused = self._restarts = 0

    slicerHome = Property("QString", read=lambda self: self._folder.name, writable=False)
    temporaryPath = Property("QString", read=lambda self: self._folder.name)
    majorVersion = Property("int", default=int(VERSION.split(".")[0]), writable=False)
    minorVersion = Property("int", default=int(VERSION.split(".")[1]), writable=False)
    revision = Property("QString", default="", writable=False)

    def mrmlScene(self) -> Any:
        return self._scene

    def applicationLogic(self) -> Any:
        return self._logics.application if self._logics else None

    def layoutManager(self) -> Any:
        return self._layouts

    def moduleManager(self) -> Any:
        return self._modules

    def coreIOManager(self) -> Any:
        return self._io

    def ioManager(self) -> Any:
        return self._io

    def moduleLogic(self, name: str) -> Any:
        return self._logics.modules.get(name) if self._logics else None

    def testingEnabled(self) -> bool:
        """Off, so that dialogs are shown as to a user, and tests answer them."""
        return False

    def settings(self) -> QSettings:
        return QSettings()

    def userSettings(self) -> QSettings:
        return QSettings()

    def startupEnvironment(self) -> QProcessEnvironment:
        return QProcessEnvironment.systemEnvironment()

    def pauseRender(self) -> None:
        self.setRenderPaused(True)

    def resumeRender(self) -> None:
        self.setRenderPaused(False)

    def setRenderPaused(self, pause: bool) -> None:
        self._paused += 1 if pause else -1
        if self._layouts is not None:
            self._layouts.pauseRender() if pause else self._layouts.resumeRender()
        self.renderPaused.emit(self._paused > 0)

    def restart(self) -> None:
        """What a test would not survive is counted."""
        self._restarts += 1

    # Of the stand-in

    def _open(self) -> None:
        """Begin as Slicer does when it starts; what scripts find in ``slicer`` is there from now on."""
        slicer.app = self
        self._restarts = 0
        slicer.modules = SimpleNamespace()
        slicer.selfTests = {}
        self._scene = slicer.vtkMRMLScene()
        self._logics = set_up(self._scene)
        slicer.mrmlScene = self._scene
        self._modules._load_cpp_modules()
        self.mrmlSceneChanged.emit(self._scene)

    def _close(self) -> None:
        """Leave nothing behind: outside of a desktop there is no application, as in slicer-core alone."""
        self._layouts = None
        self._scene.Clear(True)
        self._logics = self._scene = None
        for name in ("app", "modules", "selfTests", "mrmlScene"):
            delattr(slicer, name)

    def _clear_settings(self) -> None:
        QSettings().clear()
