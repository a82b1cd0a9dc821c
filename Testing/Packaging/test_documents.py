"""What the documents name is there: pictures, files, and the words on the panel."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import typer.main

from CompactSegLib.cli.app import app
from Testing.repository import REPOSITORY

DOCUMENTS = [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").glob("*.md"))]
LARGEST_PICTURE = 300 * 1024
# The README is read on other sites too, which show no picture of a path.
HOME = "https://raw.githubusercontent.com/CompactSeg/SlicerCompactSeg/main/"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_each_picture_is_there_and_no_larger_than_it_has_to_be(document: Path):
    pictures = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", document.read_text("utf-8"))
    for name in pictures:
        path = REPOSITORY / name.removeprefix(HOME) if HOME in name else document.parent / name
        assert path.stat().st_size <= LARGEST_PICTURE, name
    assert len(pictures) == document.read_text("utf-8").count("!["), (
        "each needs words for the blind"
    )


def test_no_picture_is_there_for_nothing():
    shown = {
        Path(name).name
        for document in DOCUMENTS
        for name in re.findall(r"\]\(([^)]+\.(?:png|svg))\)", document.read_text("utf-8"))
    }
    assert {file.name for file in (REPOSITORY / "docs/pictures").iterdir()} == shown


def test_each_file_of_the_repository_that_is_named_is_there():
    file = r"`((?:docs|Testing|Resources|benchmarks|examples)/[\w./-]+)`"
    named = {
        name for document in DOCUMENTS for name in re.findall(file, document.read_text("utf-8"))
    }
    assert len(named) > 20
    assert [name for name in named if not (REPOSITORY / name).exists()] == []


def test_the_tutorial_calls_the_controls_by_their_names():
    panel = (REPOSITORY / "Resources/UI/CompactSeg.ui").read_text("utf-8")
    panel += "".join(
        file.read_text("utf-8") for file in (REPOSITORY / "CompactSeg/CompactSegQt").rglob("*.py")
    )
    panel = panel.replace("&amp;", "").replace("&", "")
    tutorial = (REPOSITORY / "docs/tutorial.md").read_text("utf-8")
    named = set(re.findall(r"\*\*([^*]+)\*\*", tutorial)) - {"level slider"}
    assert len(named) >= 6
    assert not {name for name in named if name not in panel}


def test_the_script_takes_the_pictures_of_the_tutorial():
    script = (REPOSITORY / "docs/make_screenshots.py").read_text("utf-8")
    taken = set(re.findall(r'_picture\(desktop, "(\w+)"\)', script))
    tutorial = (REPOSITORY / "docs/tutorial.md").read_text("utf-8")
    assert taken == set(re.findall(r"pictures/(\w+)\.png", tutorial))


def test_each_command_that_is_shown_has_the_options_that_it_is_shown_with():
    commands = typer.main.get_command(app).commands
    known = {
        name: {"--help", *(option for each in command.params for option in each.opts)}
        for name, command in commands.items()
    }
    cards = sorted((REPOSITORY / "Resources").rglob("*.md"))
    shown = [command for file in [*DOCUMENTS, *cards] for command in commands_in(file)]
    assert {command[1] for command in shown} >= {"segment", "info", "train", "evaluate"}
    assert [
        command
        for command in shown
        if not {word for word in command if word.startswith("-")} <= known[command[1]]
    ] == []


def commands_in(document: Path) -> list[list[str]]:
    """The words of each command that stands in a block, or as code in a sentence."""
    text = document.read_text("utf-8").replace("\\\n", " ")
    blocks = re.findall(r"^```\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    lines = [line for block in blocks for line in block.splitlines()]
    lines += re.findall(r"`(compactseg [a-z]+ [^`]+)`", text)
    words = [shlex.split(line, comments=True) for line in lines if line.startswith("compactseg ")]
    return [each for each in words if not each[1].startswith("-")]
