"""What installs Python packages in Slicer. Here nothing is installed: what was asked for is noted.

`record` belongs to the tests, and says whether the user agrees.
"""

from __future__ import annotations

import importlib.metadata
from typing import Any

from standin.packages import record


def pip_check(req: Any, _seen: Any = None) -> bool:
    """Whether all the requirements are met by what is installed."""
    if isinstance(req, (list, tuple)):
        return all(pip_check(each) for each in req)
    if req.name in record.installed:
        return True
    try:
        version = importlib.metadata.version(req.name)
    except importlib.metadata.PackageNotFoundError:
        return False
    return bool(req.specifier.contains(version, prereleases=True))


def pip_ensure(
    requirements: Any,
    constraints: Any = None,
    skip_packages: Any = None,
    prompt_install: bool = True,
    prompt_restart: bool = True,
    requester: str | None = None,
    skip_in_testing: bool = True,
    show_progress: bool = True,
) -> list[str]:
    """Install those that are missing, after asking."""
    missing = [each for each in requirements if not pip_check(each)]
    record.install("pip_ensure", [str(each) for each in missing], asks=prompt_install)
    return []


def pip_install(
    requirements: Any,
    constraints: Any = None,
    no_deps_requirements: Any = None,
    skip_packages: Any = None,
    blocking: bool = True,
    show_progress: bool = True,
    requester: str | None = None,
    logCallback: Any = None,
    completedCallback: Any = None,
) -> Any:
    asked = [requirements] if isinstance(requirements, str) else [str(r) for r in requirements]
    record.install("pip_install", asked, asks=False)
