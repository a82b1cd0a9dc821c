"""A desktop for the module without Slicer: real MRML scene and slice views (slicer-core), windows by PySide6.

`install` makes importable what Slicer offers to a module: ``qt``, ``ctk``, and in ``slicer`` the names that
slicer-core lacks because they need the application. Whatever is offered here has the name, the kind and the signature
that Slicer's own has, and nothing more; ``test_standin_is_honest.py`` compares. The module must
not know that it is here.
"""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

HERE = Path(__file__).resolve().parent


def install() -> Any:
    """Put the names in place, start the application; a second call gives the same one."""
    for folder in (HERE / "modules", HERE / "neighbours"):
        if str(folder) not in sys.path:
            sys.path.append(str(folder))
    import slicer

    if getattr(slicer, "app", None) is not None:
        return slicer.app
    if str(HERE / "slicer_names") not in slicer.__path__:
        slicer.__path__.append(str(HERE / "slicer_names"))

    from standin.pythonqt import follow_pythonqt

    follow_pythonqt()
    from standin.classes import SLICER

    for name, cls in SLICER.items():
        setattr(slicer, name, cls)
    slicer.mrmlScene = None
    slicer.modules = SimpleNamespace()
    slicer.selfTests = {}

    from standin.application import qSlicerApplication

    slicer.app = qSlicerApplication()
    import slicer.i18n
    import slicer.packaging
    import slicer.parameterNodeWrapper
    import slicer.ScriptedLoadableModule

    return slicer.app
