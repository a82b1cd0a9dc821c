"""CMakeLists.txt, CompactSeg.s4ext and CompactSeg.json say the same of the extension."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import tomllib
from PIL import Image

from Testing.repository import REPOSITORY

CATALOG = "https://raw.githubusercontent.com/Slicer/Slicer/main/Schemas/slicer-extension-catalog-entry-schema-v1.0.1.json#"
OPTIONAL = {
    "scm_type",
    "scm_revision",
    "build_dependencies",
    "build_subdirectory",
    "enabled",
    "tier",
}


def s4ext(path: Path) -> dict[str, str]:
    """Keyword and value of each line."""
    lines = path.read_text(encoding="utf-8").splitlines()
    pairs = [line.partition(" ") for line in lines if line.strip() and not line.startswith("#")]
    assert len({key for key, _, _ in pairs}) == len(pairs), "a keyword is there twice"
    return {key: value.strip() for key, _, value in pairs}


@pytest.fixture(scope="module")
def described() -> dict[str, str]:
    return s4ext(REPOSITORY / "CompactSeg.s4ext")


@pytest.fixture(scope="module")
def entry() -> dict[str, object]:
    return json.loads((REPOSITORY / "CompactSeg.json").read_text(encoding="utf-8"))


def test_the_description_is_what_the_build_makes_of_cmakelists(described, the_installed_extension):
    made = s4ext(the_installed_extension.build / "CompactSeg.s4ext")
    assert made
    assert {key: described[key] for key in made} == made


def test_the_catalog_entry_says_the_same(described, entry):
    assert entry["scm_url"] == described["scmurl"]
    assert entry["scm_revision"] == described["scmrevision"]
    assert entry["build_dependencies"] == described["depends"].split()
    assert entry["build_subdirectory"] == described["build_subdirectory"]
    assert entry["category"] == described["category"]
    assert str(entry["tier"]) == described["tier"]
    assert entry.get("scm_type", "git") == described["scm"]


def test_the_catalog_entry_has_the_fields_of_its_schema(entry):
    assert entry["$schema"] == CATALOG
    assert {"category", "scm_url"} <= set(entry)
    assert set(entry) - {"$schema", "category", "scm_url"} <= OPTIONAL


def test_the_index_would_take_it(described, entry):
    """What its own check asks for."""
    project = re.search(r"project\((\w+)", (REPOSITORY / "CMakeLists.txt").read_text("utf-8"))
    assert project is not None
    assert project.group(1) == "CompactSeg" == Path("CompactSeg.json").stem
    assert str(entry["scm_url"]).startswith("https://")
    assert "slicer" in str(entry["scm_url"]).rpartition("/")[2].lower()
    for key in ("homepage", "iconurl"):
        assert described[key].startswith("https://")
    assert (REPOSITORY / "LICENSE.txt").is_file()


@pytest.mark.parametrize("key", ["iconurl", "screenshoturls"])
def test_each_picture_that_is_named_is_there(described, key):
    repository = described["homepage"].replace("github.com", "raw.githubusercontent.com") + "/main/"
    urls = described[key].split()
    assert urls
    for url in urls:
        assert url.startswith(repository)
        with Image.open(REPOSITORY / url.removeprefix(repository)) as picture:
            assert picture.format == "PNG"


def test_the_icon_is_128_pixels_wide_and_high_and_has_no_square_corners():
    with Image.open(REPOSITORY / "Resources/Icons/CompactSeg.png") as icon:
        assert icon.size == (128, 128)
        assert icon.mode == "RGBA"
        assert icon.getpixel((0, 0))[3] == 0


def test_the_requirements_of_slicer_are_those_of_the_library():
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text("utf-8"))["project"]
    lines = (REPOSITORY / "Resources/requirements.txt").read_text("utf-8").splitlines()
    listed = [line for line in lines if line and not line.startswith("#")]
    assert listed
    assert set(listed) <= set(project["dependencies"])
