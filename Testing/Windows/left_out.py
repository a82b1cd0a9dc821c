"""What is not run with Python for Windows under Wine, by name, and why: pytest tells each as skipped.

A plugin for pytest, which `windows_python` names.
"""

from __future__ import annotations

import pytest

_HEAP = "an error that torch raises breaks the heap of Wine 8's C library, which ends the process"
_JOINING = "torch.distributed.init_process_group, with gloo, ends a process in the heap of Wine 8"

LEFT_OUT = {
    "Testing/Lib/cli/test_dask.py": "the processes of dask hang under Wine 8",
    "Testing/Lib/output/test_dicom_seg_dcmqi.py": "the programs of dcmqi are not put beside this Python",
    "Testing/Lib/synthesis/test_acquisition.py": _HEAP,
    "test_the_list_of_licences_is_what_packages_state": "NumPy 1, which Wine 8 needs, states another licence",
    "test_ten_lines_of_a_user_pass_mypy_strict": "mypy is not put beside this Python",
    "test_the_cpus_own_allocator_is_understood": _HEAP,
    "test_what_a_device_cannot_refine_the_cpu_does_and_it_is_told": _HEAP,
    "test_two_processes_say_an_error_once": _JOINING,
    "test_two_processes_take_the_steps_that_one_takes_on_their_mean_gradient": _JOINING,
    "test_it_needs_nothing_but_numpy": "NumPy 1, which Wine 8 needs, brings modules of Cython",
}
"""Files and functions."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        file, _, function = item.nodeid.partition("[")[0].rpartition("::")
        reason = LEFT_OUT.get(function) or LEFT_OUT.get(file)
        if reason:
            item.add_marker(pytest.mark.skip(reason=f"left out under Wine: {reason}"))
