"""Commands that are sent signals."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

with_signals = pytest.mark.skipif(os.name != "posix", reason="signals are sent as POSIX has them")
each_signal = pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)


def heeds_signals() -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


def scripted(script: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    """What came of a script that is sent signals."""
    return subprocess.run(
        [sys.executable, "-c", script, *map(str, arguments)],
        capture_output=True,
        text=True,
        preexec_fn=heeds_signals,
    )


_TOLD_IN_A_FINALIZER = """
import importlib, signal, sys
from CompactSegLib.cli.app import main

number, module, owner, name = sys.argv[1:5]
del sys.argv[1:5]

class Finalized:
    def __del__(self):
        signal.raise_signal(int(number))

owner = getattr(importlib.import_module(module), owner)
method = getattr(owner, name)

def told_before(self, *arguments):
    Finalized()
    return method(self, *arguments)

setattr(owner, name, told_before)
main()
"""


def told_in_a_finalizer(number: int, place: str, *arguments: object) -> int:
    """The exit code of a command that gets a signal at a method, in a finalizer: Python drops what that raises."""
    done = scripted(_TOLD_IN_A_FINALIZER, int(number), *place.split(), *arguments)
    assert "Exception ignored" in done.stderr
    return done.returncode
