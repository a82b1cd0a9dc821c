"""What starts the worker, and sentences about one that can not be started, is none, or is gone."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import CompactSegLib
from CompactSegLib.errors import InputError
from CompactSegMRML.Signal import tr as _

if TYPE_CHECKING:
    from CompactSegMRML.WorkerProcess import Ended

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


def launchOf(command: str) -> Launch:
    """How to start the worker.

    Args:
        command: As a user typed it; "" for the default.

    Raises:
        InputError: The command can not be taken apart.
    """
    if not command.strip():
        root = str(Path(CompactSegLib.__file__).resolve().parent.parent)
        environment = {**os.environ, "PYTHONIOENCODING": "utf-8"}
        return Launch((_python(), "-c", _START, root), environment, isDefault=True)
    try:
        arguments = _takenApart(command)
    except ValueError as error:
        raise InputError(
            _(
                "worker command: expected a command as in a terminal, got {command!r} ({error}); close its "
                "quotes, or leave it empty for Slicer's own Python."
            ).format(command=command, error=error)
        ) from None
    environment = _outsideEnvironment()
    # Windows looks a program up by the parent's PATH, not by the child's.
    found = shutil.which(os.path.expanduser(arguments[0]), path=environment.get("PATH"))  # noqa: PTH111
    if found is not None and found == _python():
        # Slicer's own, which without what the launcher added finds neither its libraries nor its modules.
        environment = dict(os.environ)
    return Launch((found or arguments[0], *arguments[1:]), environment, isDefault=False)


def _takenApart(command: str) -> list[str]:
    if sys.platform != "win32":
        return shlex.split(command)
    # There a backslash is part of a path, an apostrophe of a name, and only double quotes hold spaces together.
    if command.count('"') % 2:
        raise ValueError("No closing quotation")
    return [word.replace('"', "") for word in re.findall(r'(?:[^\s"]|"[^"]*")+', command)]


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

    # Windows looks for "Path" under any case; Python knows it as "PATH" alone.
    asKnown = str.upper if sys.platform == "win32" else str
    return {asKnown(name): str(value) for name, value in slicer.util.startupEnvironment().items()}


def _slicerApplication() -> object | None:
    """Slicer's application object; None under the slicer-core wheel, which has none."""
    import slicer

    application = getattr(slicer, "app", None)
    return application if hasattr(application, "startupEnvironment") else None


_HEARD_LINES = 3
_MOST_HEARD = 300
_OWN_LINE = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} ")
"""How a line of the worker's own log begins, which says nothing to most people; those of ssh do."""
_LOG = "Advanced ▸ Log"
"""Where the panel shows what the worker wrote."""


def didNotStart(launch: Launch, error: OSError) -> str:
    """The program could not even be started."""
    if launch.isDefault:
        return _(
            "The worker could not be started with {program} ({reason}); reinstall the extension."
        ).format(program=launch.program, reason=_reason(error))
    return _(
        "The worker command could not be started: {program} ({reason}); correct it under Advanced, or "
        "leave it empty for Slicer's own Python."
    ).format(program=launch.program, reason=_reason(error))


def endedBeforeReady(launch: Launch, ended: Ended, heard: Sequence[str]) -> str:
    """The process ended without a word of a worker's."""
    if launch.isDefault:
        how = f"({_end(ended)}){_said(heard)}"
        return _(
            "The worker ended before it was ready {how} Reinstall the extension if this stays so."
        ).format(how=how)
    if ended.wasNoise:
        return _(
            "The worker command {program} is no CompactSeg worker: it wrote something else; it should end "
            "in 'compactseg worker'."
        ).format(program=launch.program)
    return _(
        "The worker command {program} ended before it was ready ({end}){said} It should start "
        "'compactseg worker'; try it in a terminal."
    ).format(program=launch.program, end=_end(ended), said=_said(heard))


def endedLater(launch: Launch, ended: Ended, heard: Sequence[str]) -> str:
    """The worker was there and is gone; what it wrote is its log, which says nothing to most people."""
    if not launch.isDefault:
        return _(
            "The connection to the worker was lost: {program} ended ({end}){said} The next Segment starts it again."
        ).format(program=launch.program, end=_end(ended), said=_said(heard))
    likely = (
        _(
            "It was ended from outside, perhaps since memory ran out: a region of interest or less kept "
            "memory needs less."
        )
        if ended.code == -_SIGKILL
        else _("{log} says more.").format(log=_LOG)
    )
    return _(
        "The process that segments ended unexpectedly ({end}). {likely} The next Segment starts it again."
    ).format(end=_end(ended), likely=likely)


def isLate(launch: Launch, seconds: float) -> str:
    """The process runs but says nothing."""
    advice = (
        _("{log} says more.").format(log=_LOG)
        if launch.isDefault
        else _(
            "Try it in a terminal; ssh must log in without asking for a password, and start 'compactseg worker'."
        )
    )
    return _(
        "The worker did not report within {seconds:.0f} s and was ended ({program}). {advice}"
    ).format(seconds=seconds, program=launch.program, advice=advice)


def speaksAnother(launch: Launch, theirs: object, *, ours: int, version: str) -> str:
    """The worker is of another version of CompactSeg."""
    return _(
        "The worker ({program}) speaks protocol {theirs}, this module speaks {ours}: install CompactSeg "
        "{version} where the worker runs."
    ).format(program=launch.program, theirs=theirs, ours=ours, version=version)


def tellsOtherwise(launch: Launch, error: InputError, *, version: str) -> str:
    """What the worker says of itself can not be understood."""
    return _(
        "The worker ({program}) does not tell what it has as this module expects ({error}); install CompactSeg "
        "{version} where the worker runs."
    ).format(program=launch.program, error=str(error).rstrip("."), version=version)


_SIGKILL = 9
_FAULT_OF_WINDOWS = 0xC0000000  # such as 0xC0000005: by these figures its users look for help


def _end(ended: Ended) -> str:
    if ended.code >= _FAULT_OF_WINDOWS:
        return _("exit code {code}").format(code=f"0x{ended.code:08X}")
    if ended.code >= 0:
        return _("exit code {code}").format(code=ended.code)
    try:
        return f"signal {signal.Signals(-ended.code).name}"
    except ValueError:
        return f"signal {-ended.code}"


def _said(heard: Sequence[str]) -> str:
    said = [line.strip() for line in heard if not _OWN_LINE.match(line)]
    text = " / ".join(said[-_HEARD_LINES:])[-_MOST_HEARD:]
    return f": {text}{'' if text.endswith('.') else '.'}" if text else "."


def _reason(error: OSError) -> str:
    if isinstance(error, FileNotFoundError):
        return _("command not found")
    return error.strerror or os.strerror(error.errno or 0)
