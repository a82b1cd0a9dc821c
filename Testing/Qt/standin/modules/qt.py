"""What Slicer calls ``qt``: all classes of Qt in one module, as PythonQt shows them."""

from __future__ import annotations

from standin.loader import SlicerUiLoader
from standin.pythonqt import MODULES, follow_pythonqt

follow_pythonqt()

for _module in MODULES:
    for _name in dir(_module):
        if _name.startswith("Q"):
            globals()[_name] = getattr(_module, _name)

QUiLoader = SlicerUiLoader
