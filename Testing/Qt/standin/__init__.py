"""A desktop for the module without Slicer: real MRML scene and slice views (slicer-core), windows by PySide6.

`install` makes importable what Slicer offers to a module: ``qt``, ``ctk``, and in ``slicer`` the names that
slicer-core lacks because they need the application. Whatever is offered here has the name, the kind and the signature
that Slicer's own has, and nothing more; ``test_standin_is_honest.py`` compares. The module must
not know that it is here.
"""

from __future__ import annotations

import sys
from functools import cache
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent


def install() -> None:
    """Make the names importable; a second call does nothing. The application comes with `the_application`."""
    for folder in (HERE / "modules", HERE / "neighbours"):
        if str(folder) not in sys.path:
            sys.path.append(str(folder))
    import slicer

    if str(HERE / "slicer_names") in slicer.__path__:
        return
    slicer.__path__.append(str(HERE / "slicer_names"))

    from standin.pythonqt import follow_pythonqt

    follow_pythonqt()
    from standin.classes import SLICER

    for name, cls in SLICER.items():
        setattr(slicer, name, cls)
    import slicer.i18n
    import slicer.packaging
    import slicer.parameterNodeWrapper
    import slicer.ScriptedLoadableModule


@cache
def the_application() -> Any:
    """The one application of the process, made when it is first asked for."""
    from standin.application import qSlicerApplication

    return qSlicerApplication()
