"""Sentences about a worker that can not be started, is none, or is gone."""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence

from CompactSegMRML.Translation import tr
from CompactSegMRML.WorkerCommand import Launch
from CompactSegMRML.WorkerProcess import Ended

__all__ = ["didNotStart", "endedBeforeReady", "endedLater", "isLate", "speaksAnother"]

_HEARD_LINES = 3
_MOST_HEARD = 300
_LOG = "Advanced ▸ Log"
"""Where the panel shows what the worker wrote."""


def didNotStart(launch: Launch, error: OSError) -> str:
    """The program could not even be started."""
    if launch.isDefault:
        return tr(
            "The worker could not be started with {program} ({reason}); reinstall the extension."
        ).format(program=launch.program, reason=_reason(error))
    return tr(
        "The worker command could not be started: {program} ({reason}); correct it under Advanced, or "
        "leave it empty for Slicer's own Python."
    ).format(program=launch.program, reason=_reason(error))


def endedBeforeReady(launch: Launch, ended: Ended, heard: Sequence[str]) -> str:
    """The process ended without a word of a worker's."""
    if launch.isDefault:
        how = f"({_end(ended)}){_said(heard)}"
        return tr(
            "The worker ended before it was ready {how} Reinstall the extension if this stays so."
        ).format(how=how)
    if ended.wasNoise:
        return tr(
            "The worker command {program} is no CompactSeg worker: it wrote something else; it should end "
            "in 'compactseg worker'."
        ).format(program=launch.program)
    return tr(
        "The worker command {program} ended before it was ready ({end}){said} It should start "
        "'compactseg worker'; try it in a terminal."
    ).format(program=launch.program, end=_end(ended), said=_said(heard))


def endedLater(launch: Launch, ended: Ended, heard: Sequence[str]) -> str:
    """The worker was there and is gone; what it wrote is its log, which says nothing to most people."""
    if not launch.isDefault:
        return tr(
            "The connection to the worker was lost: {program} ended ({end}){said} The next Segment starts it again."
        ).format(program=launch.program, end=_end(ended), said=_said(heard))
    likely = (
        tr(
            "It was ended from outside, perhaps since memory ran out: a region of interest or less kept "
            "memory needs less."
        )
        if ended.code == -_SIGKILL
        else tr("{log} says more.").format(log=_LOG)
    )
    return tr(
        "The process that segments ended unexpectedly ({end}). {likely} The next Segment starts it again."
    ).format(end=_end(ended), likely=likely)


def isLate(launch: Launch, seconds: float) -> str:
    """The process runs but says nothing."""
    advice = (
        tr("{log} says more.").format(log=_LOG)
        if launch.isDefault
        else "try it in a terminal; ssh must log in without asking for a password, and start 'compactseg worker'."
    )
    return tr(
        "The worker did not report within {seconds:.0f} s and was ended ({program}); {advice}"
    ).format(seconds=seconds, program=launch.program, advice=advice)


def speaksAnother(launch: Launch, theirs: object, *, ours: int, version: str) -> str:
    """The worker is of another version of CompactSeg."""
    return tr(
        "The worker ({program}) speaks protocol {theirs}, this module speaks {ours}: install CompactSeg "
        "{version} where the worker runs."
    ).format(program=launch.program, theirs=theirs, ours=ours, version=version)


_SIGKILL = 9


def _end(ended: Ended) -> str:
    if ended.code >= 0:
        return tr("exit code {code}").format(code=ended.code)
    try:
        return f"signal {signal.Signals(-ended.code).name}"
    except ValueError:
        return f"signal {-ended.code}"


def _said(heard: Sequence[str]) -> str:
    text = " / ".join(line.strip() for line in list(heard)[-_HEARD_LINES:])[-_MOST_HEARD:]
    return f": {text}{'' if text.endswith('.') else '.'}" if text else "."


def _reason(error: OSError) -> str:
    if isinstance(error, FileNotFoundError):
        return "command not found"
    return error.strerror or os.strerror(error.errno or 0)
