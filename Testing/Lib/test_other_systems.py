"""What differs on Windows and macOS, tried here with their functions put in place of this system's."""

from __future__ import annotations

import ast
import errno
import io
import os
import pickle
import signal
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import psutil
import pytest
import torch

from CompactSegLib import InputError, OutputError, files
from CompactSegLib.cli.app import _Lasting
from CompactSegLib.cli.inputs import find_cases
from CompactSegLib.cli.signals import heed_signals
from CompactSegLib.datasets.dataset import PreparedCase
from CompactSegLib.files import write_text, written_together
from CompactSegLib.inference.threads import own_cores
from CompactSegLib.train.augmentation import RandomPatches
from CompactSegLib.train.synthetic_patches import SyntheticPatches
from CompactSegLib.train.training_plan import TrainingPlan
from CompactSegLib.volume import foreign
from CompactSegLib.volume.itk_child import _limit_memory
from CompactSegLib.volume.reading import read_volume
from Testing.Layering.imports import REPOSITORY, python_files
from Testing.Lib.full_disk import FullDisk
from Testing.Lib.synthesis.heads import a_head, a_plan


def test_macos_refuses_a_limit_of_memory_and_windows_knows_none(monkeypatch):
    asked = []

    def refuse(*limit: object) -> None:
        asked.append(limit)
        raise ValueError("current limit exceeds maximum limit")

    macos = ModuleType("resource")
    macos.RLIMIT_AS, macos.setrlimit = 5, refuse
    for module in (macos, None):
        monkeypatch.setitem(sys.modules, "resource", module)
        _limit_memory(2**30)
    assert asked == [(5, (2**30, 2**30))]


def test_ctrl_break_of_windows_ends_a_command_as_other_signals_do(monkeypatch):
    heeded: dict[int, object] = {}
    monkeypatch.setattr("signal.SIGBREAK", 21, raising=False)
    monkeypatch.setattr("signal.getsignal", lambda _: signal.SIG_DFL)
    monkeypatch.setattr("signal.signal", heeded.__setitem__)
    heed_signals()
    assert heeded[21] == heeded[signal.SIGTERM]


def test_cores_that_a_process_is_bound_to_are_known_where_the_system_tells_them(monkeypatch):
    monkeypatch.setattr(psutil.Process, "cpu_affinity", lambda _: [0, 2, 5], raising=False)
    assert own_cores() == 3
    monkeypatch.delattr(psutil.Process, "cpu_affinity")  # as on macOS
    monkeypatch.setattr("os.cpu_count", lambda: 8)
    assert own_cores() == 8


def test_what_itk_reads_opens_no_console_window(tmp_path: Path, monkeypatch):
    """As a program without a console would on Windows, such as Slicer."""

    class Started(Exception):
        pass

    def start(*_: object, creationflags: int, **__: object) -> None:
        raise Started(creationflags)

    monkeypatch.setattr("subprocess.CREATE_NO_WINDOW", 2**27, raising=False)
    monkeypatch.setattr("subprocess.Popen", start)
    (tmp_path / "a.gipl").write_bytes(b"x")
    with pytest.raises(Started, match=str(2**27)):
        read_volume(tmp_path / "a.gipl")


def test_what_itk_reads_is_read_by_the_same_library_wherever_that_lies(tmp_path: Path, monkeypatch):
    """In a folder whose name holds what separates folders."""
    package = tmp_path / f"Slicer{os.pathsep} 5.12" / "CompactSegLib" / "volume"
    package.mkdir(parents=True)
    (package.parent / "__init__.py").touch()
    (package / "__init__.py").touch()
    (package / "itk_child.py").write_text(
        """import sys\ndef main(): sys.stdin.read(); print('{"error": "damaged"}')""",
        encoding="utf-8",
    )
    monkeypatch.setattr(foreign, "__file__", str(package / "foreign.py"))
    (tmp_path / "a.gipl").write_bytes(b"x")
    with pytest.raises(InputError, match="it is damaged"):
        read_volume(tmp_path / "a.gipl")


@pytest.mark.parametrize("number", [errno.EPIPE, errno.EINVAL])
def test_output_that_nobody_reads_is_let_go_as_each_system_says_it(number: int):
    read, write = os.pipe()

    class Unread(io.RawIOBase):
        def writable(self) -> bool:
            return True

        def fileno(self) -> int:
            return write

        def write(self, _: bytes) -> int:
            raise OSError(number, os.strerror(number))

    stdout = _Lasting(io.BufferedWriter(Unread(), 4), "utf-8", line_buffering=True)
    stdout.write("level 1\n")
    os.write(write, b"goes nowhere")
    os.close(read)
    os.write(write, b"and breaks no pipe")


def test_a_full_disk_under_the_output_is_still_told():
    stdout = _Lasting(io.BufferedWriter(FullDisk(), 4), "utf-8", line_buffering=True)
    with pytest.raises(OSError, match="No space left"):
        stdout.write("level 1\n")


@pytest.mark.parametrize(
    ("system", "is_refused"), [("linux", False), ("win32", True), ("darwin", True)]
)
@pytest.mark.parametrize("names", [("Head.nii.gz", "head.nrrd"), ("\u00e9.nii.gz", "e\u0301.nrrd")])
def test_names_that_the_file_system_takes_for_one_are_refused(
    tmp_path: Path, monkeypatch, system: str, is_refused: bool, names: tuple[str, str]
):
    for name in names:
        (tmp_path / name).write_bytes(b"x")
    monkeypatch.setattr("sys.platform", system)
    if not is_refused:
        assert len(find_cases(tmp_path).cases) == 2
        return
    with pytest.raises(InputError, match="would write the same files"):
        find_cases(tmp_path)


@pytest.mark.parametrize(
    "name",
    ["NUL", "con", "aux.json", "COM1.nii.gz", "nul .txt", "ends.", "ends ", "ab:c.json", "a?"],
)
def test_what_windows_takes_for_a_device_or_another_name_is_no_file_to_write_to(
    tmp_path: Path, monkeypatch, name: str
):
    """There it would be written into nothing, or under a name that nobody asked for."""
    monkeypatch.setattr("sys.platform", "win32")
    with pytest.raises(OutputError, match="no file can have it"):
        write_text(tmp_path / name, "text")
    with (
        pytest.raises(OutputError, match="no file can have it"),
        written_together(tmp_path, last=name),
    ):
        pass
    for other in ("null.json", "com0", "console.txt", "é a.b.json"):
        write_text(tmp_path / other, "text")


def test_a_file_that_is_open_elsewhere_is_named(tmp_path: Path, monkeypatch):
    """Windows replaces no open file."""

    def refuse(source: Path, target: Path) -> None:
        raise PermissionError(errno.EACCES, "Access denied", str(source), None, str(target))

    (tmp_path / "a.json").write_text("old", encoding="utf-8")
    monkeypatch.setattr("os.replace", refuse)
    with pytest.raises(OutputError, match=r"Access denied; a\.json may be open in another program"):
        write_text(tmp_path / "a.json", "new")
    assert [path.read_text(encoding="utf-8") for path in tmp_path.iterdir()] == ["old"]


def test_a_file_that_another_program_has_for_a_moment_is_waited_for(tmp_path: Path, monkeypatch):
    """On Windows scanners for viruses have what was just written."""
    replace, refused, waited = os.replace, [], []

    def refuse_twice(source: Path, target: Path) -> None:
        if len(refused) < 2:
            refused.append(target)
            raise PermissionError(errno.EACCES, "Access denied", str(source), None, str(target))
        replace(source, target)

    monkeypatch.setattr("os.replace", refuse_twice)
    monkeypatch.setattr(files, "_PAUSES_SECONDS", (0.1, 0.2, 0.4))
    monkeypatch.setattr("time.sleep", waited.append)
    write_text(tmp_path / "a.json", "new")
    assert (tmp_path / "a.json").read_text(encoding="utf-8") == "new"
    assert waited == [0.1, 0.2]


def test_an_obsolete_file_that_is_open_elsewhere_leaves_all_as_it_was(tmp_path: Path, monkeypatch):
    """Windows removes no open file; beside new files the old one would pass for one of them."""
    replace = os.replace

    def refuse(source: Path, target: Path) -> None:
        if Path(source) == tmp_path / "level-3":
            raise PermissionError(errno.EACCES, "Access denied", str(source), None, str(target))
        replace(source, target)

    def write() -> None:
        obsolete: list[str] = []
        with written_together(tmp_path, last="report", obsolete=obsolete) as folder:
            for name in ("level-1", "report"):
                (folder / name).write_text("new", encoding="utf-8")
            obsolete.append("level-3")

    old = dict.fromkeys(("level-1", "level-3", "report"), "old")
    for name in old:
        (tmp_path / name).write_text("old", encoding="utf-8")
    with monkeypatch.context() as open_elsewhere:
        open_elsewhere.setattr("os.replace", refuse)
        with pytest.raises(OutputError, match="level-3 may be open in another program"):
            write()
    assert {path.name: path.read_text(encoding="utf-8") for path in tmp_path.iterdir()} == old
    write()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["level-1", "report"]


@pytest.mark.parametrize("is_long", [True, False])
def test_a_path_that_is_too_long_for_windows_is_said_to_be(
    tmp_path: Path, monkeypatch, is_long: bool
):
    def not_found(path: Path, *_: object, **__: object) -> None:
        raise FileNotFoundError(errno.ENOENT, "The system cannot find the path", str(path))

    monkeypatch.setattr("sys.platform", "win32")
    monkeypatch.setattr(Path, "mkdir", not_found)
    with pytest.raises(OutputError, match="cannot find the path") as raised:
        write_text(tmp_path / ("x" * 240 if is_long else "x") / "a.json", "text")
    assert ("Windows takes 247" in str(raised.value)) == is_long
    assert ("choose a shorter name" in str(raised.value)) == is_long


def test_processes_that_prepare_batches_need_no_fork(tmp_path: Path):
    """Windows and macOS start them anew and hand them a copy of what they are to do."""
    image = torch.arange(12**3, dtype=torch.float32).reshape(1, 12, 12, 12)
    case = PreparedCase("a", image, (image[0] > 800).to(torch.uint8))
    for patches in (
        RandomPatches([case], TrainingPlan(patch=(8, 8, 8), batch=2), classes=2),
        SyntheticPatches([a_head(tmp_path)], a_plan(patch=(8, 8, 8))),
    ):
        copy = pickle.loads(pickle.dumps(patches))  # noqa: S301 - its own
        for mine, copied in zip(patches[3], copy[3], strict=True):
            assert np.array_equal(mine.numpy(), copied.numpy())


def test_every_text_file_is_read_and_written_in_a_stated_encoding():
    """Windows takes another one by default."""
    offences = [
        f"{file.relative_to(REPOSITORY)}:{call.lineno} {ast.unparse(call)[:80]}"
        for folder in ("CompactSegLib", "CompactSeg")
        for file in python_files(REPOSITORY / folder)
        for call in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(call, ast.Call) and _opens_text_without_encoding(call)
    ]
    assert not offences


def _opens_text_without_encoding(call: ast.Call) -> bool:
    function = call.func
    if isinstance(function, ast.Attribute):
        opens = function.attr in ("read_text", "write_text") or (
            function.attr == "open" and call.args
        )
        if not opens or ast.unparse(function.value) in ("os", "gzip", "bz2"):
            return False
    elif not (isinstance(function, ast.Name) and function.id == "open"):
        return False
    modes = [a.value for a in call.args if isinstance(a, ast.Constant) and isinstance(a.value, str)]
    is_binary = any("b" in mode and len(mode) <= 3 for mode in modes)
    return not is_binary and "encoding" not in {keyword.arg for keyword in call.keywords}


def test_a_file_without_a_stated_encoding_would_be_found():
    wrong = ["open(path)", "path.read_text()", "path.open('w')"]
    right = ["open(path, 'rb')", "open(path, encoding='utf-8')", "os.open(path, 1)", "panel.open()"]
    calls = [ast.parse(source).body[0].value for source in (*wrong, *right)]
    assert [_opens_text_without_encoding(call) for call in calls] == [True] * 3 + [False] * 4
