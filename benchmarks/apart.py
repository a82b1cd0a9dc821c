"""Settings of a benchmark, each measured in a process of its own: peak memory is told of a process's whole life."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping


def measure_apart(script: str, setting: Mapping[str, object], **environment: str) -> dict:
    """Run ``script --setting JSON`` and read the row that it prints last; `environment` is added to its own."""
    result = subprocess.run(
        [sys.executable, script, "--setting", json.dumps(setting)],
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return json.loads(result.stdout.splitlines()[-1])
