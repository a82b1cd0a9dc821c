"""Many cases on many machines, through a scheduler of dask.distributed.

Each task is one case, from its file to its results, on a worker that sees the same folders. A worker that is lost loses
nothing: its case is given to another, and what it left half done is in no result.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import lru_cache

from CompactSegLib.cli.batch import ProcessedCase, run_alone
from CompactSegLib.cli.inputs import Case
from CompactSegLib.cli.options import SegmentOptions
from CompactSegLib.cli.runner import Runner, runner_for
from CompactSegLib.errors import ConfigurationError, InputError
from CompactSegLib.paths import given, is_folder

_SECONDS_TO_CONNECT = 20
_TIMES_TRIED = 5
# A worker may have several threads; memory and device are planned for one case.
_ONE_AT_A_TIME = threading.Lock()


def processed_by_workers(wanted: SegmentOptions, cases: Sequence[Case]) -> Iterator[ProcessedCase]:
    """Have the workers of a scheduler segment cases; what became of each, as it comes.

    Raises:
        ConfigurationError: dask.distributed is not installed.
        InputError: There is no such scheduler.
    """
    options = _for_workers(wanted)
    try:
        from distributed import Client, as_completed
    except ImportError as error:
        raise ConfigurationError(
            "--dask: expected dask.distributed, which is not installed; install it with pip install 'compactseg[dask]'."
        ) from error
    try:
        client = Client(options.dask, timeout=_SECONDS_TO_CONNECT)
    except (OSError, ValueError) as error:
        raise InputError(
            f"--dask: expected the address of a scheduler such as tcp://host:8786, but none answers at "
            f"{options.dask!r}; start one with dask scheduler."
        ) from error
    with client:
        case_of = {
            client.submit(_segmented, options, case, pure=False, retries=_TIMES_TRIED): case
            for case in (replace(case, path=case.path.absolute()) for case in cases)
        }
        for future in as_completed(case_of):
            lost = future.exception()
            if lost is None:
                yield future.result()
            else:  # the workers that took it were lost, time after time
                told = f"{case_of[future].path}: the workers that took it were lost ({lost})."
                yield ProcessedCase(case_of[future], "failed", error=told[:1000])


def _segmented(options: SegmentOptions, case: Case) -> ProcessedCase:
    """Segment a case, in a worker's process."""
    with _ONE_AT_A_TIME:
        return run_alone(_runner(options), case)


@lru_cache(maxsize=1)
def _runner(options: SegmentOptions) -> Runner:
    return runner_for(options)


def _for_workers(options: SegmentOptions) -> SegmentOptions:
    """The same options wherever the worker was started."""
    folder = given(options.model)
    model = str(folder.absolute()) if is_folder(folder) else options.model
    return replace(options, output=options.output.absolute(), model=model)
