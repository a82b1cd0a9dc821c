"""Sentences about a worker that can not be started, is none, or is gone."""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence

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
        return f"The worker could not be started with {launch.program} ({_reason(error)}); reinstall the extension."
    return (
        f"The worker command could not be started: {launch.program} ({_reason(error)}); correct it under Advanced, "
        "or leave it empty for Slicer's own Python."
    )


def endedBeforeReady(launch: Launch, ended: Ended, heard: Sequence[str]) -> str:
    """The process ended without a word of a worker's."""
    if launch.isDefault:
        how = f"({_end(ended)}){_said(heard)}"
        return (
            f"The worker ended before it was ready {how} Reinstall the extension if this stays so."
        )
    if ended.wasNoise:
        return (
            f"The worker command {launch.program} is no CompactSeg worker: it wrote something else; it should end in "
            "'compactseg worker'."
        )
    return (
        f"The worker command {launch.program} ended before it was ready ({_end(ended)}){_said(heard)} It should start "
        "'compactseg worker'; try it in a terminal."
    )


def endedLater(launch: Launch, ended: Ended, heard: Sequence[str]) -> str:
    """The worker was there and is gone; what it wrote is its log, which says nothing to most people."""
    if not launch.isDefault:
        return (
            f"The connection to the worker was lost: {launch.program} ended ({_end(ended)}){_said(heard)} "
            "The next Segment starts it again."
        )
    likely = (
        "It was ended from outside, perhaps since memory ran out: a region of interest or less kept memory needs less."
        if ended.code == -_SIGKILL
        else f"{_LOG} says more."
    )
    return f"The process that segments ended unexpectedly ({_end(ended)}). {likely} The next Segment starts it again."


def isLate(launch: Launch, seconds: float) -> str:
    """The process runs but says nothing."""
    advice = (
        f"{_LOG} says more."
        if launch.isDefault
        else "try it in a terminal; ssh must log in without asking for a password, and start 'compactseg worker'."
    )
    return f"The worker did not report within {seconds:.0f} s and was ended ({launch.program}); {advice}"


def speaksAnother(launch: Launch, theirs: object, *, ours: int, version: str) -> str:
    """The worker is of another version of CompactSeg."""
    return (
        f"The worker ({launch.program}) speaks protocol {theirs}, this module speaks {ours}: install CompactSeg "
        f"{version} where the worker runs."
    )


_SIGKILL = 9


def _end(ended: Ended) -> str:
    if ended.code >= 0:
        return f"exit code {ended.code}"
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
