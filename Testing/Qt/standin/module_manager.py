"""Modules: found by name, loaded from a file, shown in the panel at the left."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import slicer
from PySide6.QtCore import QObject
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QVBoxLayout

from standin.qmrml_widget import qSlicerWidget
from standin.scene import LOGICS
from standin.widget import Property, signal, signals

NEIGHBOURS = Path(__file__).resolve().parent / "neighbours"


class qSlicerAbstractModuleWidget(qSlicerWidget):
    isEntered = Property("bool", default=False, read=lambda self: self._entered, writable=False)

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self._entered = False

    def enter(self) -> None:
        self._entered = True

    def exit(self) -> None:
        self._entered = False


class qSlicerScriptedLoadableModuleWidget(qSlicerAbstractModuleWidget):
    moduleName = Property("QString", read=lambda self: self._module.name, writable=False)

    def __init__(self, module: Any) -> None:
        super().__init__()
        self._module = module
        self._python: Any = None
        QVBoxLayout(self)

    def self(self) -> Any:
        return self._python

    def reload(self) -> bool:
        """Make the Python widget anew; a module that was entered stays so, and is not told again."""
        cls = getattr(sys.modules[self._module.name], f"{self._module.name}Widget")
        self._python = cls(self)
        setattr(slicer.modules, f"{self._module.name}Widget", self._python)
        self._python.setup()
        return True

    def enter(self) -> None:
        super().enter()
        if hasattr(self._python, "enter"):
            self._python.enter()

    def exit(self) -> None:
        super().exit()
        if hasattr(self._python, "exit"):
            self._python.exit()


class qSlicerLoadableModule(QObject):
    """A module in C++, of which there is only the logic here."""

    def __init__(self, name: str, parent: QObject) -> None:
        super().__init__(parent)
        self._name = name

    name = Property("QString", read=lambda self: self._name, writable=False)

    def logic(self) -> Any:
        return slicer.app.moduleLogic(self.name)


class qSlicerScriptedLoadableModule(qSlicerLoadableModule):
    def __init__(self, path: Path, parent: QObject) -> None:
        super().__init__(path.stem, parent)
        self._path = path
        self._widget: qSlicerScriptedLoadableModuleWidget | None = None
        self._python: Any = None

    path = Property("QString", read=lambda self: str(self._path), writable=False)
    title = Property("QString", default="")
    categories = Property("QStringList", default=())
    contributors = Property("QStringList", default=())
    dependencies = Property("QStringList", default=())
    associatedNodeTypes = Property("QStringList", default=())
    helpText = Property("QString", default="")
    acknowledgementText = Property("QString", default="")
    icon = Property("QIcon", default=QIcon())
    hidden = Property("bool", default=False)
    index = Property("int", default=-1)

    def widgetRepresentation(self) -> Any:
        """The module's widget, made when it is first asked for."""
        if self._widget is None:
            self._widget = qSlicerScriptedLoadableModuleWidget(self)
            self._widget.setMRMLScene(slicer.mrmlScene)
            self._widget.reload()
        return self._widget

    def _load(self) -> None:
        """Read the file as Slicer does: under the module's name, its folder among those of Python."""
        folder = str(self._path.parent)
        if folder not in sys.path:
            sys.path.append(folder)
        known = sys.modules.get(self.name)
        if known is None or getattr(known, "__file__", None) != str(self._path):
            known = _executed(self.name, self._path)
        self._python = getattr(known, self.name)(self)


def _executed(name: str, path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise RuntimeError(f"{path} is no Python module")
    python = importlib.util.module_from_spec(spec)
    sys.modules[name] = python
    spec.loader.exec_module(python)
    return python


class qSlicerModuleFactoryManager(QObject):
    def loadedModuleNames(self) -> list[str]:
        return list(self.parent()._loaded)


@signals("moduleLoaded(QString)", "moduleAboutToBeUnloaded(QString)")
class qSlicerModuleManager(QObject):
    moduleLoaded = signal("moduleLoaded(QString)")
    moduleAboutToBeUnloaded = signal("moduleAboutToBeUnloaded(QString)")

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._loaded: dict[str, Any] = {}
        self._factories = qSlicerModuleFactoryManager(self)

    def module(self, name: str) -> Any:
        if name not in self._loaded and (NEIGHBOURS / f"{name}.py").is_file():
            self._load(NEIGHBOURS / f"{name}.py")
        return self._loaded.get(name)

    def factoryManager(self) -> Any:
        return self._factories

    def _load_cpp_modules(self) -> None:
        for name in LOGICS:
            self._loaded[name] = qSlicerLoadableModule(name, self)
            setattr(slicer.modules, name.lower(), self._loaded[name])

    def _load(self, path: Path) -> Any:
        module = qSlicerScriptedLoadableModule(path, self)
        module._load()
        self._loaded[module.name] = module
        setattr(slicer.modules, module.name.lower(), module)
        setattr(slicer.modules, f"{module.name}Instance", module._python)
        self.moduleLoaded.emit(module.name)
        return module

    def _unload_all(self) -> None:
        for name, module in self._loaded.items():
            self.moduleAboutToBeUnloaded.emit(name)
            if getattr(module, "_widget", None) is not None:
                module._widget.setParent(None)
                module._widget.deleteLater()
            module.deleteLater()
            sys.modules.pop(name, None)
        sys.modules.pop("SampleData", None)  # whoever registers imports it, loaded or not
        self._loaded.clear()
