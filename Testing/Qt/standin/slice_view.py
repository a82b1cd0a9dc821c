"""A slice view: the image of a slice logic, and on it what the displayable managers draw."""

from __future__ import annotations

from typing import Any

import slicer
import vtk

from standin.render_view import ctkVTKAbstractView, managers_for
from standin.widget import signal, signals

# Those of what the module shows: each more has its part in every event of the scene, in every view.
MANAGERS = (
    "vtkMRMLCrosshairDisplayableManager",
    "vtkMRMLSegmentationsDisplayableManager2D",
    "vtkMRMLMarkupsDisplayableManager",
)


@signals("resized(QSize)")
class qMRMLSliceView(ctkVTKAbstractView):
    resized = signal("resized(QSize)")

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self._renderer.GetActiveCamera().ParallelProjectionOn()
        mapper = vtk.vtkImageMapper()
        mapper.SetColorWindow(255)
        mapper.SetColorLevel(127.5)
        self._picture = vtk.vtkActor2D()
        self._picture.SetMapper(mapper)
        self._picture.GetProperty().SetDisplayLocationToBackground()
        self._picture.VisibilityOff()
        self._renderer.AddViewProp(self._picture)
        self._managers = managers_for(
            slicer.vtkMRMLSliceViewDisplayableManagerFactory.GetInstance(), MANAGERS, self
        )
        self._style = slicer.vtkMRMLSliceViewInteractorStyle()
        self._style.SetDisplayableManagers(self._managers)
        self._interactor.SetInteractorStyle(vtk.vtkInteractorStyleUser())
        self._style.SetInteractor(self._interactor)
        self._node: Any = None

    def mrmlSliceNode(self) -> Any:
        return self._node

    def setMRMLSliceNode(self, node: Any) -> None:
        self._node = node
        self._managers.SetMRMLDisplayableNode(node)

    def setImageDataConnection(self, connection: Any) -> None:
        self._picture.GetMapper().SetInputConnection(connection)
        self._picture.SetVisibility(connection is not None)
        self.scheduleRender()

    def interactorObserver(self) -> Any:
        return self._style

    def resizeEvent(self, event: Any) -> None:
        super().resizeEvent(event)
        self.resized.emit(event.size())

    def _close(self) -> None:
        self._style.SetInteractor(None)
        self._managers.RemoveAllObservers()
        self._managers.SetMRMLDisplayableNode(None)
        super()._close()
