"""A worker command as a user types it: the program and its arguments, as each system takes them apart."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from CompactSegLib.errors import InputError
from CompactSegMRML.WorkerCommand import launchOf


@pytest.mark.parametrize(
    ("system", "command", "arguments"),
    [
        ("linux", "'my env/python' -m it\\ x", ("my env/python", "-m", "it x")),
        (
            "win32",
            r""" "C:\Users\O'Brien\my env\compactseg.exe"  worker --largest-array=9 """,
            (r"C:\Users\O'Brien\my env\compactseg.exe", "worker", "--largest-array=9"),
        ),
        ("win32", r"\\server\share\python.exe -m X", (r"\\server\share\python.exe", "-m", "X")),
        (
            "win32",
            r"""C:\"Program Files"\a.exe --at="a b" "" """,
            (r"C:\Program Files\a.exe", "--at=a b", ""),
        ),
    ],
)
def test_a_command_is_taken_apart_as_its_system_does(monkeypatch, system, command, arguments):
    monkeypatch.setattr("sys.platform", system)
    monkeypatch.setattr("shutil.which", lambda *_, **__: None)
    assert launchOf(command).arguments == arguments


def test_quotes_without_an_end_are_told_on_windows_too(monkeypatch):
    monkeypatch.setattr("sys.platform", "win32")
    with pytest.raises(InputError, match="close its quotes"):
        launchOf('"C:\\Program Files\\a.exe worker')


def test_a_command_is_looked_for_where_it_was_before_slicer_was_started_on_windows_too(monkeypatch):
    """There the variable is mostly called Path, which Slicer hands on as it is."""
    started = {"Path": "C:\\outside", "SystemRoot": "C:\\Windows"}
    looked = []
    monkeypatch.setattr("sys.platform", "win32")
    monkeypatch.setattr("slicer.app", SimpleNamespace(startupEnvironment=None), raising=False)
    monkeypatch.setattr("slicer.util.startupEnvironment", lambda: started, raising=False)
    monkeypatch.setattr("shutil.which", lambda _, path: looked.append(path))
    launch = launchOf("ssh host compactseg worker")
    assert looked == ["C:\\outside"]
    assert launch.environment == {"PATH": "C:\\outside", "SYSTEMROOT": "C:\\Windows"}


def test_slicers_own_python_keeps_slicers_environment_and_other_programs_do_not(
    monkeypatch, tmp_path
):
    """As the self-test's fake worker, which is a command: python-real needs LD_LIBRARY_PATH and PYTHONHOME."""
    for name in ("python-real", "ssh"):
        program = tmp_path / (f"{name}.exe" if os.name == "nt" else name)
        program.write_text("")
        program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("PYTHONHOME", "Slicer/lib/Python")
    outside = {"PATH": str(tmp_path), "LANG": "C"}
    environment = SimpleNamespace(keys=outside.keys, value=outside.get)
    app = SimpleNamespace(startupEnvironment=lambda: environment)
    monkeypatch.setattr("slicer.app", app, raising=False)
    default = launchOf("")
    assert Path(default.program).stem == "python-real"
    own = launchOf(f'"{default.program}" FakeWorker.py')
    assert own.environment["PYTHONHOME"] == default.environment["PYTHONHOME"]
    elsewhere = launchOf("ssh gpu-host compactseg worker")
    assert Path(elsewhere.program).stem == "ssh"
    assert dict(elsewhere.environment) == outside
