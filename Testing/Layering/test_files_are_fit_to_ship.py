"""What no file may hold: too many lines, a machine's paths, a registry's host, a pickle."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from Testing.Layering.imports import python_files
from Testing.repository import REPOSITORY, repository_files

CODE = ("CompactSeg", "CompactSegLib", "CompactSegMRML", "CompactSegQt", "benchmarks", "examples")
MOST_LINES = 300

# In parts, so that this file does not hold them itself. The home of "me" is made up, for tests about paths.
MACHINE_PATH = re.compile(r"(?<![\w.}~/-])/" + r"(?:work|root|opt|home|Users|mnt)/(?!me/)\w")
REGISTRY_HOST = re.compile(
    "|".join(
        [
            r"pypi\." + "org",
            r"python" + "hosted",
            r"download\.py" + "torch",
            r"anaconda\." + "org",
            r"index" + "-url",
        ]
    )
)


def text_of(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return ""


def test_files_hold_one_idea():
    too_long = {
        str(file.relative_to(REPOSITORY)): lines
        for file in repository_files()
        if file.suffix == ".py" and (lines := text_of(file).count("\n")) > MOST_LINES
    }
    assert not too_long


def test_files_are_asked_for_where_no_name_raises():
    """`Path.is_dir` and its like raise for names that are too long; `paths.is_folder` and its like do not."""
    offences = [
        f"{file.relative_to(REPOSITORY)}:{node.lineno} .{node.func.attr}()"
        for file in python_files(REPOSITORY / "CompactSegLib")
        for node in ast.walk(ast.parse(text_of(file)))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in ("exists", "is_dir", "is_file", "resolve")
        and "__file__" not in ast.unparse(node)
    ]
    assert not offences


@pytest.mark.parametrize(
    "pattern", [MACHINE_PATH, REGISTRY_HOST], ids=["a machine's path", "a registry's host"]
)
def test_no_file_names(pattern: re.Pattern[str]):
    offences = [
        f"{file.relative_to(REPOSITORY)}:{number} {match.group()}"
        for file in repository_files()
        for number, line in enumerate(text_of(file).splitlines(), start=1)
        if (match := pattern.search(line))
    ]
    assert not offences


@pytest.mark.parametrize(
    ("line", "is_found"),
    [
        ("open('" + "/" + "home/someone/x')", True),
        ("cd /" + "work/main", True),
        ("results/home/x", False),
        ("https://example.org/home/page", False),
    ],
)
def test_machine_paths_are_told_from_others(line: str, is_found: bool):
    assert bool(MACHINE_PATH.search(line)) is is_found


def pickle_loads(source: str, *, is_training: bool) -> list[int]:
    """Lines that could load a pickle; training may read its own checkpoint, weights only."""
    lines = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [alias.name for alias in node.names] + [getattr(node, "module", None) or ""]
            if {name.partition(".")[0] for name in names} & {
                "pickle",
                "dill",
                "joblib",
                "shelve",
                "cloudpickle",
            }:
                lines.append(node.lineno)
        elif isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            arguments = {keyword.arg: ast.unparse(keyword.value) for keyword in node.keywords}
            weights_only = is_training and arguments.get("weights_only") == "True"
            if called == "torch.load" and not weights_only:
                lines.append(node.lineno)
            if arguments.get("allow_pickle") == "True":
                lines.append(node.lineno)
    return lines


def test_no_pickle_is_loaded():
    offences = [
        f"{file.relative_to(REPOSITORY)}:{line}"
        for folder in CODE
        for file in sorted((REPOSITORY / folder).rglob("*.py"))
        for line in pickle_loads(text_of(file), is_training="train" in file.parts)
    ]
    assert not offences


@pytest.mark.parametrize(
    ("source", "is_training", "is_found"),
    [
        ("import pickle", False, True),
        ("torch.load(path)", True, True),
        ("torch.load(path, weights_only=True)", True, False),
        ("torch.load(path, weights_only=True)", False, True),
        ("numpy.load(path, allow_pickle=True)", False, True),
        ("safetensors.torch.load_file(path)", False, False),
    ],
)
def test_pickles_are_told_from_others(source: str, is_training: bool, is_found: bool):
    assert bool(pickle_loads(source, is_training=is_training)) is is_found
