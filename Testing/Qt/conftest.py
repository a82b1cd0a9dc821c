"""The desktop that the tests of the panel drive (see `driver.session.Desktop`)."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

# Before Qt is imported: no screen is needed. A person who wants to watch sets the platform.
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ.setdefault("QT_LOGGING_RULES", "qt.qpa.*=false")
sys.path.append(str(Path(__file__).resolve().parent))

import standin

standin.install()

if TYPE_CHECKING:
    from driver.session import Desktop


def our_modules() -> dict[str, Any]:
    ours = ("CompactSegLib", "CompactSegMRML", "CompactSegQt")
    return {name: each for name, each in sys.modules.items() if name.partition(".")[0] in ours}


@pytest.fixture(scope="session", autouse=True)
def forked_workers() -> Iterator[None]:
    from Testing.forked_workers import fork_workers

    with pytest.MonkeyPatch.context() as monkeypatch:
        fork_workers(monkeypatch)
        yield


@pytest.fixture
def desktop(tmp_path: Path) -> Iterator[Desktop]:
    """A fresh scene in a fresh window; what failed unseen (slots, dialogs nobody expected) fails the test."""
    from driver.session import Desktop

    before = our_modules()
    made = Desktop(Path(os.environ.get("COMPACTSEG_SCREENSHOTS", tmp_path / "screenshots")))
    yield made
    problems = made.close()
    if any(sys.modules.get(name) is not module for name, module in before.items()):
        # A test loaded the module anew. What other tests imported is to be what the next window has.
        for name in our_modules():
            del sys.modules[name]
        sys.modules.update(before)
    assert not problems, "\n\n".join(problems)
