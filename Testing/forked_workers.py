"""The module's own workers, with PyTorch imported when they begin (`forked`)."""

from __future__ import annotations

import os
import subprocess
import sys
from types import SimpleNamespace
from typing import Any

import pytest

from Testing import forked
from Testing.repository import REPOSITORY

# Heeded while an interpreter starts, or PyTorch; a test may set others.
_EARLY = {name: os.environ.get(name) for name in ("PYTHONPATH", "OMP_NUM_THREADS")}


def fork_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let each default worker of this checkout be forked; all other commands start as they do.

    That of a module that is loaded anew begins cold, as for a user (Testing/Qt/scenarios/test_scenes.py).
    """
    if sys.platform == "linux":
        begin = SimpleNamespace(**{**vars(subprocess), "Popen": _begin})
        monkeypatch.setattr("CompactSegMRML.WorkerProcess.subprocess", begin)


def _begin(command: Any, *, env: dict[str, str], **options: Any) -> Any:
    from CompactSegMRML.WorkerCommand import launchOf

    is_ours = command[-1] == str(REPOSITORY) and command == launchOf("").arguments
    if is_ours and all(env.get(name) == value for name, value in _EARLY.items()):
        return forked.start(command, env=env, **options)
    return subprocess.Popen(command, env=env, **options)
