"""What a run tells, where there is no terminal."""

from __future__ import annotations

import io

from CompactSegLib.train.runlog import tell


def test_a_training_tells_names_in_the_letters_that_the_output_has(monkeypatch):
    """A pipe of Windows has a few; a program without a console has no output."""
    written = io.BytesIO()
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(written, "cp1252", newline=""))
    tell("Note: no training case has 脑 – or ä")
    assert written.getvalue() == "Note: no training case has ? – or ä\n".encode("cp1252")
    monkeypatch.setattr("sys.stdout", None)
    tell("a line")
