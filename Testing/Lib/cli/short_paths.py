"""A system that takes no longer paths, as Windows where they are not switched on."""

from __future__ import annotations

import errno
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


def take_no_longer_paths_than(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The path itself fits; what is added while a file is written does not."""

    def refusing(function: Callable[..., Any]) -> Callable[..., Any]:
        def run(asked: Path, *given: Any, **named: Any) -> Any:
            if len(str(asked)) > len(str(path)):
                raise OSError(errno.ENAMETOOLONG, "File name too long", str(asked))
            return function(asked, *given, **named)

        return run

    for name in ("mkdir", "touch"):
        monkeypatch.setattr(Path, name, refusing(getattr(Path, name)))
