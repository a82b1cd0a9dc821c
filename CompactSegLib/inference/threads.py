"""With how many threads to compute on the CPU: with what other programs leave, and one core less for who sits there."""

from __future__ import annotations

import os
import time

import psutil
import torch

_LOOK_SECONDS = 0.1
# Of smaller machines each core is needed.
_CORES_WITHOUT_A_SPARE = 2


def use_free_cores() -> None:
    """Let torch use the cores that are free now, unless the environment says how many it may use.

    For processes of our own only. Threads that have to share a core wait for each other at the end of every operation:
    on two busy cores two threads take several times as long as one.
    """
    if "OMP_NUM_THREADS" not in os.environ:
        torch.set_num_threads(free_cores())


def free_cores() -> int:
    """How many cores other programs leave, at least one; it looks for a tenth of a second."""
    cores = own_cores()
    begin, busy, own = time.perf_counter(), _busy_seconds(), time.process_time()
    time.sleep(_LOOK_SECONDS)
    others = (_busy_seconds() - busy) - (time.process_time() - own)
    taken = round(others / (time.perf_counter() - begin))
    # Bound to some of the machine's cores, a process cannot tell who uses these.
    is_bound = cores != psutil.cpu_count()
    spare = int(cores > _CORES_WITHOUT_A_SPARE)
    return max(1, cores - max(spare, 0 if is_bound else taken))


def own_cores() -> int:
    """Cores that this process may use."""
    if hasattr(psutil.Process, "cpu_affinity"):  # not on macOS
        return len(psutil.Process().cpu_affinity())
    return os.cpu_count() or 1


def _busy_seconds() -> float:
    """Seconds that the machine's cores have worked since it started, all together."""
    times = psutil.cpu_times()._asdict()
    waiting = ("idle", "iowait", "guest", "guest_nice")  # guests are part of user and nice
    return sum(seconds for name, seconds in times.items() if name not in waiting)
