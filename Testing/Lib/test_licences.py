"""Each package that CompactSeg needs is pinned, and its licence is the one of the list."""

from __future__ import annotations

import re
from types import ModuleType

import pytest
from packaging.utils import canonicalize_name

from Testing.conftest import REPOSITORY

SHARED_ALIKE = re.compile(r"\bA?GPL|General Public Licen[cs]e", re.IGNORECASE)


@pytest.fixture(scope="module")
def make_licences() -> ModuleType:
    import importlib.util

    place = REPOSITORY / "docs" / "make_licences.py"
    spec = importlib.util.spec_from_file_location("make_licences", place)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def needed(make_licences) -> dict[str, tuple[str, str, str]]:
    return {canonicalize_name(row[0]): row for row in make_licences.rows()}


@pytest.fixture(scope="module")
def listed() -> dict[str, tuple[str, ...]]:
    lines = (REPOSITORY / "docs" / "licences.md").read_text("utf-8").splitlines()
    table = [line.strip("| ").split(" | ") for line in lines if line.startswith("| ")]
    return {canonicalize_name(row[0]): tuple(row) for row in table[2:]}


def test_the_list_of_licences_is_what_packages_state(needed, listed):
    """Other systems may need fewer packages, and none that is not listed."""
    assert {"torch", "numpy", "simpleitk", "pydicom", "highdicom"} <= set(needed)
    assert {name: listed.get(name) for name in needed} == needed


@pytest.mark.parametrize(
    "system",
    [
        {"platform_system": "Windows", "sys_platform": "win32", "os_name": "nt"},
        {"platform_system": "Darwin", "sys_platform": "darwin", "os_name": "posix"},
    ],
)
def test_what_other_systems_need_is_listed_too(make_licences, listed, system):
    """A package that is not installed here and is needed there is an error of its own."""
    for _, wanted in make_licences.extras():
        names = [
            package.metadata["Name"] for package in make_licences.needed(wanted, system=system)
        ]
        assert {*map(canonicalize_name, names)} <= set(listed)


def test_no_licence_asks_for_the_same_licence(needed):
    assert not [row for row in needed.values() if SHARED_ALIKE.search(row[1])]
    assert not [row for row in needed.values() if row[1] == "not stated"]


def test_the_lock_names_each_package(needed, listed):
    lock = (REPOSITORY / "constraints.txt").read_text("utf-8")
    pinned = {canonicalize_name(name) for name in re.findall(r"^([\w.-]+)==", lock, re.MULTILINE)}
    assert set(needed) <= pinned
    assert set(listed) <= pinned, "the list is older than the lock"
