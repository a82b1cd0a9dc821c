"""The files of this repository, for tests that look at all of them."""

from __future__ import annotations

import subprocess
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]


def repository_files() -> list[Path]:
    """All files that git keeps or would keep; all there are where git is not (a source archive)."""
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    if listing.returncode == 0:
        files = [REPOSITORY / name for name in listing.stdout.split("\0") if name]
    else:
        files = [
            file
            for file in REPOSITORY.rglob("*")
            if not set(file.parts) & {".venv", ".git", "__pycache__"}
        ]
    return [file for file in files if file.is_file()]
