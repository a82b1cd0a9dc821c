"""Files are written whole or not at all."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import CompactSegLib.files
from CompactSegLib.errors import OutputError
from CompactSegLib.files import (
    _host,
    check_writable,
    temporary_folder,
    write_table,
    write_text,
    written_together,
    written_whole,
)
from Testing.conftest import REPOSITORY


def test_a_file_appears_under_its_name_only_when_it_is_complete(tmp_path):
    target = tmp_path / "new" / "folder" / "case.1.seg.nrrd"
    with written_whole(target) as temporary:
        temporary.write_text("all of it")
        assert not target.exists()
        assert temporary.parent.parent == target.parent
        assert temporary.name == target.name
    assert target.read_text() == "all of it"
    assert list(target.parent.iterdir()) == [target]


@pytest.mark.parametrize("failure", [RuntimeError("net"), KeyboardInterrupt(), OSError(28, "full")])
def test_after_a_failure_nothing_is_left_and_the_old_file_is_untouched(tmp_path, failure):
    target = tmp_path / "labels.nii.gz"
    target.write_text("old")
    expected = OutputError if isinstance(failure, OSError) else type(failure)

    def write_half() -> None:
        with written_whole(target) as new:
            new.write_text("half")
            raise failure

    with pytest.raises(expected):
        write_half()
    assert [path.name for path in tmp_path.iterdir()] == ["labels.nii.gz"]
    assert target.read_text() == "old"


def test_folders_made_for_a_file_that_failed_are_removed(tmp_path):
    with pytest.raises(RuntimeError), written_whole(tmp_path / "a" / "b" / "c.json"):
        raise RuntimeError
    assert not list(tmp_path.iterdir())


def test_a_full_disk_is_one_sentence(tmp_path):
    target = tmp_path / "labels.nii.gz"
    with (
        pytest.raises(OutputError, match=r"labels.nii.gz: could not be written \(No space left"),
        written_whole(target),
    ):
        raise OSError(28, os.strerror(28))


def test_a_folder_in_the_way_is_said(tmp_path):
    with pytest.raises(OutputError, match="this is a folder"), written_whole(tmp_path):
        pass


def test_a_file_in_place_of_a_folder_is_said(tmp_path):
    (tmp_path / "a").write_text("")
    with (
        pytest.raises(OutputError, match="could not be written"),
        written_whole(tmp_path / "a" / "b.json"),
    ):
        pass


def test_a_killed_writer_leaves_the_old_file(tmp_path):
    target = tmp_path / "labels.json"
    target.write_text("old")
    code = (
        "import os, sys; from CompactSegLib.files import written_whole\n"
        "with written_whole(sys.argv[1]) as new: new.write_text('half'); os._exit(9)"
    )
    root = Path(CompactSegLib.files.__file__).parent.parent
    killed = subprocess.run([sys.executable, "-c", code, str(target)], cwd=root, check=False)
    assert killed.returncode == 9
    assert target.read_text() == "old"
    assert len([*tmp_path.iterdir()]) == 2
    with written_whole(target) as new:
        new.write_text("new")
    assert [path.name for path in tmp_path.iterdir()] == ["labels.json"], "the next one cleans up"


def test_files_move_together_at_the_end_and_replace_what_was_there(tmp_path: Path):
    (tmp_path / "a").write_text("old")
    with written_together(tmp_path, last="z") as folder:
        for name in "zab":
            (folder / name).write_text("new")
        assert (tmp_path / "a").read_text() == "old"
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == dict.fromkeys(
        "abz", "new"
    )


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_after_a_failure_none_of_several_files_is_left(tmp_path: Path, error: type[BaseException]):
    def write_and_fail() -> None:
        with written_together(tmp_path / "x" / "y", last="a") as folder:
            (folder / "a").write_text("new")
            raise error

    with pytest.raises(error):
        write_and_fail()
    assert not list(tmp_path.iterdir())


def test_folders_that_were_there_before_stay(tmp_path: Path):
    (tmp_path / "x").mkdir()
    with pytest.raises(ValueError, match="no"), written_together(tmp_path / "x", last="a"):
        raise ValueError("no")
    assert [path.name for path in tmp_path.iterdir()] == ["x"]


def test_the_report_of_an_earlier_run_goes_before_the_first_file_moves(tmp_path: Path, monkeypatch):
    """A kill between two files would otherwise leave a new level 1 beside old others, and all would look done."""
    (tmp_path / "a").write_text("old")
    (tmp_path / "report").write_text("old")
    seen = []
    replace = os.replace

    def look_and_replace(source, target):
        if Path(target).parent == tmp_path:
            seen.append((tmp_path / "report").exists())
        replace(source, target)

    monkeypatch.setattr("os.replace", look_and_replace)
    with written_together(tmp_path, last="report") as folder:
        for name in ("a", "b", "report"):
            (folder / name).write_text("new")
    assert seen == [False, False, False]
    assert (tmp_path / "report").read_text() == "new"


def test_what_a_killed_run_left_is_removed_by_the_next(tmp_path: Path):
    code = (
        "import os, sys; from pathlib import Path; from CompactSegLib.files import written_together\n"
        "with written_together(Path(sys.argv[1]), last='z') as folder:\n"
        "    (folder / 'half').write_text('x'); os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], cwd=REPOSITORY)
    (left,) = tmp_path.iterdir()
    assert (left / "half").read_text() == "x"
    (tmp_path / left.name.replace(left.name.split("-")[1], "0" * 8)).mkdir()  # of another host
    with written_together(tmp_path, last="z") as mine, written_together(tmp_path, last="y"):
        assert not left.exists()
        assert mine.exists(), "that of a living run stays"
    assert len(list(tmp_path.iterdir())) == 1


def test_a_failure_while_moving_takes_back_what_was_moved(tmp_path: Path, monkeypatch):
    replace = os.replace

    def fail_for_b(source, target):
        if Path(target).name == "b":
            raise OSError(28, "No space left on device")
        replace(source, target)

    monkeypatch.setattr("os.replace", fail_for_b)

    def write_three() -> None:
        with written_together(tmp_path / "out", last="a") as folder:
            for name in "abc":
                (folder / name).write_text("new")

    with pytest.raises(OutputError, match="No space left on device"):
        write_three()
    assert not list(tmp_path.iterdir())


def test_a_failure_while_moving_leaves_what_was_there_before(tmp_path: Path, monkeypatch):
    for name in "abc":
        (tmp_path / name).write_text("old")
    replace = os.replace

    def fail_for_b(source, target):
        if Path(source).read_text() == "new" and Path(target).name == "b":
            raise PermissionError(13, "in use by another program")
        replace(source, target)

    monkeypatch.setattr("os.replace", fail_for_b)

    def write_three() -> None:
        with written_together(tmp_path, last="a") as folder:
            for name in "abc":
                (folder / name).write_text("new")

    with pytest.raises(OutputError, match="in use by another program"):
        write_three()
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == dict.fromkeys(
        "abc", "old"
    )


@pytest.mark.skipif(os.name == "nt", reason="names end elsewhere on Windows")
@pytest.mark.parametrize("name", ["x" * 300, "x/" * 3000 + "x", "a\0b", "\ud800"])
def test_a_name_that_no_file_can_have_is_told(tmp_path: Path, name):
    with pytest.raises(OutputError, match=r"expected|could not be written"):
        write_text(tmp_path / name, "text")
    with (
        pytest.raises(OutputError, match=r"expected|could not be written"),
        written_together(tmp_path / name, last="a"),
    ):
        pass
    assert not list(tmp_path.iterdir())


def test_a_check_leaves_nothing_and_all_as_it_was(tmp_path: Path):
    check_writable(tmp_path / "x" / "y", "a.json", "ab.json")
    assert not list(tmp_path.iterdir())
    (tmp_path / "a.json").write_text("old")
    check_writable(tmp_path, "a.json")
    assert [path.read_text() for path in tmp_path.iterdir()] == ["old"]


@pytest.mark.skipif(os.name == "nt", reason="on Windows it is the path that is too long")
def test_a_check_tells_the_longest_of_several_names(tmp_path: Path):
    told = r"x: could not be written \(File name too long\).*choose a shorter name"
    with pytest.raises(OutputError, match=told):
        check_writable(tmp_path, "a", "x" * 300, "b")
    assert not list(tmp_path.iterdir())


def test_what_is_written_together_is_staged_once(tmp_path: Path):
    """A second folder for each file would be as many characters of a path that may be too long for Windows."""
    with written_together(tmp_path, last="a") as folder:
        with written_whole(folder / "a") as path:
            assert path == folder / "a"
            path.write_text("new")
        with written_whole(tmp_path / "b") as path:
            assert path.parent.parent == tmp_path
            path.write_text("new")


@pytest.mark.skipif(
    not Path("/proc/self").is_dir(), reason="needs a file system that is not written to"
)
def test_a_place_that_is_not_written_to_is_told():
    with pytest.raises(OutputError, match="could not be written"):
        write_text("/proc/self/a.json", "text")


@pytest.mark.skipif(os.name == "nt", reason="Windows has no limit for the size of files")
def test_a_text_that_does_not_fit_is_told(tmp_path: Path):
    code = (
        "import resource, signal, sys; from CompactSegLib.files import write_text\n"
        "from CompactSegLib.errors import OutputError\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN); resource.setrlimit(resource.RLIMIT_FSIZE, (9, 9))\n"
        "try: write_text(sys.argv[1], 'x' * 100)\n"
        "except OutputError as error: print(error)"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "a.json")]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert "a.json: could not be written (File too large)" in done.stdout
    assert not list(tmp_path.iterdir())


def test_without_a_place_for_temporary_files_that_is_told(monkeypatch):
    def none() -> str:
        raise FileNotFoundError(2, "No usable temporary directory found")

    monkeypatch.setattr("tempfile.gettempdir", none)
    with pytest.raises(OutputError, match="No usable temporary"), temporary_folder():
        pass


@pytest.mark.parametrize("process", ["9" * 10, "9" * 100, "9" * 5000, "٣", "-1", ""])
def test_a_folder_that_is_only_called_like_a_leftover_stops_nothing(tmp_path: Path, process):
    """It goes where its number is that of a process that can be, and is not; else nobody knows whose it is."""
    name = f".partial-{_host()}-{process}-{'0' * 8}"
    if len(name.encode()) > 255:
        name = name[:255]
    (tmp_path / name).mkdir()
    write_text(tmp_path / "a.json", "text")
    assert (tmp_path / "a.json").read_text() == "text"
    assert (tmp_path / name).exists() == (process != "9" * 10)


def test_tables_have_the_same_bytes_everywhere(tmp_path: Path):
    write_table(tmp_path / "a.csv", ("case", "ml"), [{"case": "é, b", "ml": 1.5}, {"case": "c"}])
    assert (tmp_path / "a.csv").read_bytes() == 'case,ml\n"é, b",1.5\nc,\n'.encode()
