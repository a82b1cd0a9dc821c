"""Paths that others name: asked after without anything being raised."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from CompactSegLib.paths import is_file, is_folder, is_there, read_file, resolved


@pytest.mark.skipif(os.name == "nt", reason="Windows asks for permission to make links")
def test_questions_about_names_that_no_file_can_have(tmp_path: Path):
    (tmp_path / "circle").symlink_to("circle")
    (tmp_path / "file").touch()
    for name in ("circle", "x" * 300, "a\0b", "\ud800", "file/below", "none"):
        assert not any(ask(tmp_path / name) for ask in (is_file, is_folder, is_there))
        assert resolved(tmp_path / name).name
    assert is_there(tmp_path / "file")
    assert is_file(tmp_path / "file")
    assert is_folder(tmp_path)


_TOO_LONG = r"WinError" if os.name == "nt" else "too long"


@pytest.mark.parametrize(("name", "told"), [("x" * 300, _TOO_LONG), ("a\0b", "no file can have")])
def test_what_cannot_be_read_is_an_error_of_the_system(tmp_path: Path, name: str, told: str):
    with pytest.raises(OSError, match=told):
        read_file(tmp_path / name, most_bytes=1)
