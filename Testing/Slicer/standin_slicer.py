"""A stand-in for the program Slicer: the desktop of Testing/Qt, started with Slicer's switches.

It loads the module from a folder as Slicer does, executes the script that it is given once the window is up, and ends
with the status that ``slicer.util.exit`` asked for. No folder of this checkout but that of the stand-in is on
``sys.path``, so that a module that was installed has to bring all it needs.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace

REPOSITORY = Path(__file__).resolve().parents[2]


def main() -> int:
    options = _options()
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
    os.environ.setdefault("QT_LOGGING_RULES", "qt.qpa.*=false")
    sys.path[0] = str(REPOSITORY / "Testing" / "Qt")
    sys.path[:] = [each for each in sys.path if Path(each).resolve() != REPOSITORY]

    import standin

    standin.install()
    import slicer
    from driver.session import Desktop
    from PySide6.QtCore import QTimer
    from standin.application import qSlicerApplication

    answers = SimpleNamespace(runPythonAndExit=False)
    qSlicerApplication.commandOptions = lambda _self: answers
    qSlicerApplication.testingEnabled = lambda _self: options.testing

    with tempfile.TemporaryDirectory() as folder:
        desktop = Desktop(Path(folder))
        file = options.additional_module_path / "CompactSeg.py"
        if file.is_file():
            slicer.app.moduleManager()._load(file)
            slicer.app.startupCompleted.emit()
        QTimer.singleShot(0, lambda: _execute(options.python_script))
        status = slicer.app.exec_()
        problems = desktop.close()
    print("\n".join(problems), file=sys.stderr, end="")
    foreign = [] if file.is_relative_to(REPOSITORY) else _of_this_checkout()
    if foreign:
        print(f"Loaded from the checkout: {', '.join(foreign)}", file=sys.stderr)
    return status or (1 if problems or foreign else 0)


def _options() -> argparse.Namespace:
    """Slicer's switches, as far as they are used."""
    parser = argparse.ArgumentParser(allow_abbrev=False)
    for switch in ("--testing", "--no-splash", "--disable-cli-modules"):
        parser.add_argument(switch, action="store_true")
    parser.add_argument("--additional-module-path", type=Path)
    parser.add_argument("--python-script", type=Path)
    return parser.parse_args()


def _execute(script: Path) -> None:
    code = compile(script.read_text(encoding="utf-8"), str(script), "exec")
    exec(code, {"__name__": "__main__"})  # noqa: S102 - as Slicer does


def _of_this_checkout() -> list[str]:
    return sorted(
        name
        for name, module in sys.modules.items()
        if name.startswith("CompactSeg")
        and Path(getattr(module, "__file__", None) or "/").is_relative_to(REPOSITORY)
    )


if __name__ == "__main__":
    sys.exit(main())
