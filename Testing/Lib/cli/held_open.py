"""A file that another program has open."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def held_open(path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As it is on Windows, and elsewhere as if it were."""
    replace = os.replace

    def refuse(source: Path, target: Path) -> None:
        if path in (Path(source), Path(target)):
            raise PermissionError(errno.EACCES, "Access denied", str(source), None, str(target))
        replace(source, target)

    with path.open("rb"), monkeypatch.context() as patched:
        if os.name != "nt":
            patched.setattr("os.replace", refuse)
        yield
