"""Files are written whole or not at all, and resources are found where they are installed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import CompactSegLib.files
from CompactSegLib.errors import OutputError
from CompactSegLib.files import find_resource, written_whole


def test_a_file_appears_under_its_name_only_when_it_is_complete(tmp_path):
    target = tmp_path / "new" / "folder" / "case.1.seg.nrrd"
    with written_whole(target) as temporary:
        temporary.write_text("all of it")
        assert not target.exists()
        assert temporary.parent == target.parent
        assert temporary.name.endswith(".seg.nrrd")
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


@pytest.mark.parametrize("place", ["Resources", "CompactSegLib/Resources"])
def test_resources_are_found_beside_the_package_and_in_it(tmp_path, place):
    """Beside it in a checkout and where Slicer installs it, inside it in a wheel."""
    package = tmp_path / "some folder with é" / "CompactSegLib"
    package.mkdir(parents=True)
    for name in ("files.py", "errors.py"):
        shutil.copy(Path(CompactSegLib.files.__file__).parent / name, package)
    (package / "__init__.py").write_text("")
    wanted = package.parent / place / "Models" / "tiny"
    wanted.mkdir(parents=True)
    code = "from CompactSegLib.files import find_resource; print(ascii(str(find_resource('Models/tiny'))))"
    found = subprocess.run(
        [sys.executable, "-c", code], cwd=package.parent, capture_output=True, text=True, check=True
    )
    assert found.stdout.strip() == ascii(str(wanted))


def test_a_resource_that_is_nowhere_is_named():
    with pytest.raises(FileNotFoundError, match="no-such-thing"):
        find_resource("no-such-thing")
