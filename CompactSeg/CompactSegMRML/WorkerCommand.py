"""What starts the worker: arguments, environment and whether it is the one of this CompactSeg."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import CompactSegLib
from CompactSegLib.errors import InputError
from CompactSegMRML.Translation import tr

__all__ = ["Launch", "launchOf"]

# Not `-m CompactSegLib.cli worker`: that needs packages (typer) which Slicer's Python does not have at first, and
# without them not even the models could be listed. Not PYTHONPATH: a folder's name may hold its separator.
_START = "import sys; sys.path[0] = sys.argv[1]; from CompactSegLib.serve.worker import run_worker; run_worker()"


@dataclass(frozen=True)
class Launch:
    """How a process is started.

    Attributes:
        arguments: The program and what it is given.
        environment: All variables of the process.
        isDefault: Whether it is the Python that runs this module, with this CompactSeg.
    """

    arguments: tuple[str, ...]
    environment: Mapping[str, str]
    isDefault: bool

    @property
    def program(self) -> str:
        return self.arguments[0]


def launchOf(command: str, extra: Mapping[str, str] | None = None) -> Launch:
    """How to start the worker.

    Args:
        command: As a user typed it; "" for the default.
        extra: Variables of the environment that are added.

    Raises:
        InputError: The command can not be taken apart.
    """
    if not command.strip():
        root = str(Path(CompactSegLib.__file__).resolve().parent.parent)
        environment = {**os.environ, "PYTHONIOENCODING": "utf-8", **(extra or {})}
        return Launch((_python(), "-c", _START, root), environment, isDefault=True)
    try:
        arguments = shlex.split(command, posix=os.name != "nt")
    except ValueError as error:
        raise InputError(
            tr(
                "worker command: expected a command as in a terminal, got {command!r} ({error}); close its "
                "quotes, or leave it empty for Slicer's own Python."
            ).format(command=command, error=error)
        ) from None
    if (
        os.name == "nt"
    ):  # there a backslash is part of a path, and quotes stay around what they hold
        arguments = [argument.strip('"') for argument in arguments]
    environment = {**_outsideEnvironment(), **(extra or {})}
    # Windows looks a program up by the parent's PATH, not by the child's.
    found = shutil.which(os.path.expanduser(arguments[0]), path=environment.get("PATH"))  # noqa: PTH111
    return Launch((found or arguments[0], *arguments[1:]), environment, isDefault=False)


def _python() -> str:
    """The Python that runs this module, as a program.

    In Slicer ``sys.executable`` is PythonSlicer, a launcher that sets up what this process already has and does not
    hand standard input on everywhere (commontk/AppLauncher#100); python-real is what it would launch.
    """
    if _slicerApplication() is None:
        return sys.executable
    return shutil.which("python-real") or shutil.which("PythonSlicer") or sys.executable


def _outsideEnvironment() -> dict[str, str]:
    """The environment without what Slicer's launcher added: its libraries would break ssh and other Pythons."""
    if _slicerApplication() is None:
        return dict(os.environ)
    import slicer.util

    return {str(name): str(value) for name, value in slicer.util.startupEnvironment().items()}


def _slicerApplication() -> object | None:
    """Slicer's application object; None under the slicer-core wheel, which has none."""
    import slicer

    application = getattr(slicer, "app", None)
    return application if hasattr(application, "startupEnvironment") else None
