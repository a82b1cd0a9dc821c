"""How much of the machine's main memory this process may still take."""

from __future__ import annotations

import ctypes
import platform
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import psutil

_CGROUPS = Path("/sys/fs/cgroup")
_OWN_CGROUPS = Path("/proc/self/cgroup")
_V2 = ("memory.max", "memory.current", "inactive_file")
_V1 = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")


def free_main_memory() -> int:
    """Bytes: what the machine has left, or a container allows, and what malloc keeps of this process's own."""
    available = int(psutil.virtual_memory().available)
    return min(available, *_left_in_cgroups(_CGROUPS, _OWN_CGROUPS)) + _kept_by_malloc()


def _left_in_cgroups(mounted: Path, own: Path) -> Iterator[int]:
    """What each control group around this process leaves it; in a container, `psutil` sees the whole machine."""
    yield 2**63 - 1
    try:
        lines = own.read_text(encoding="utf-8").splitlines()
    except OSError:  # not Linux
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers and "memory" not in controllers.split(","):
            continue
        base, names = (mounted / "memory", _V1) if controllers else (mounted, _V2)
        # In a container the path may be the host's, of which only the root is mounted.
        group = base / path.strip("/")
        for folder in (group, *group.parents):
            if base not in (folder, *folder.parents):
                break
            left = _left_in(folder, names)
            if left is not None:
                yield left


def _left_in(folder: Path, names: tuple[str, str, str]) -> int | None:
    limit_name, used_name, reclaimable_name = names
    try:
        limit = int(
            (folder / limit_name).read_text(encoding="utf-8")
        )  # "max" is no number: no limit
        used = int((folder / used_name).read_text(encoding="utf-8"))
        stat = dict(
            line.split()
            for line in (folder / "memory.stat").read_text(encoding="utf-8").splitlines()
        )
        return max(0, limit - used + int(stat.get(reclaimable_name, 0)))
    except (OSError, ValueError):
        return None


def _kept_by_malloc() -> int:
    """Freed memory that glibc did not give back, as it does not after ``keep_freed_memory``."""
    mallinfo = _mallinfo()
    return int(mallinfo().fordblks) if mallinfo else 0


@cache
def _mallinfo() -> Any:
    if platform.libc_ver()[0] != "glibc":
        return None
    names = "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost"

    class MallInfo2(ctypes.Structure):
        _fields_ = [(name, ctypes.c_size_t) for name in names.split()]

    function = getattr(ctypes.CDLL(None), "mallinfo2", None)  # glibc 2.33 and later
    if function is not None:
        function.restype = MallInfo2
    return function
