"""Commands that are sent signals."""

from __future__ import annotations

import os
import signal
import sys
from typing import Any

import pytest

from Testing import forked

with_signals = pytest.mark.skipif(os.name != "posix", reason="signals are sent as POSIX has them")
_HANGUP = 1  # without a name on Windows
each_signal = pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (_HANGUP, 129)]
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


def told_in_a_finalizer(number: int, place: str, *arguments: object, **options: Any) -> int:
    """The exit code of a command that gets a signal at a method, in a finalizer: Python drops what that raises."""
    script = [sys.executable, "-c", _TOLD_IN_A_FINALIZER, int(number), *place.split()]
    done = forked.run([*script, *arguments], **options)
    assert "Exception ignored" in done.stderr
    return done.returncode
