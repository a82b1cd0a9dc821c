"""What is for people who carry this on: workflows, forms, the site and the package's page say what is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import tomllib
import yaml

import CompactSegLib
import CompactSegLib.errors
from Testing.repository import REPOSITORY

WORKFLOWS = sorted((REPOSITORY / ".github/workflows").glob("*.yml"))
FORMS = sorted((REPOSITORY / ".github/ISSUE_TEMPLATE").glob("*.yml"))
PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
PYTHONS = {
    words.rpartition(" ")[2] for words in PROJECT["classifiers"] if re.search(r":: 3\.\d+$", words)
}


def contents(path: Path) -> dict:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def commands(workflow: Path) -> str:
    steps = [step for job in contents(workflow)["jobs"].values() for step in job["steps"]]
    return "\n".join(step["run"] for step in steps if "run" in step)


def test_what_workflows_run_is_there():
    text = "\n".join(map(commands, WORKFLOWS))
    makefile = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
    targets = re.findall(r"\bmake ([a-z-]+)", text)
    paths = re.findall(r"\b(?:Testing|CompactSegLib)(?:/[\w.]+)*", text)
    extras = re.findall(r"\.\[([\w,-]+)\]", text)
    assert targets
    assert paths
    assert extras
    for target in targets:
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
    for path in paths:
        assert (REPOSITORY / path).exists(), path
    for names in extras:
        assert set(names.split(",")) <= set(PROJECT["optional-dependencies"]), names


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_may_only_read_unless_a_job_says_so(workflow: Path):
    assert contents(workflow)["permissions"] == {"contents": "read"}


def test_the_library_is_tried_on_three_systems_and_the_stated_pythons():
    matrix = contents(REPOSITORY / ".github/workflows/tests.yml")["jobs"]["library"]["strategy"]
    systems = {system.partition("-")[0] for system in matrix["matrix"]["os"]}
    assert systems == {"ubuntu", "windows", "macos"}
    tried = set(matrix["matrix"]["python"])
    assert tried <= PYTHONS
    oldest = PROJECT["requires-python"].removeprefix(">=")
    newest = max(PYTHONS, key=lambda version: int(version.partition(".")[2]))
    assert {oldest, newest} <= tried


@pytest.mark.parametrize("form", FORMS, ids=lambda path: path.stem)
def test_a_form_asks_for_something(form: Path):
    if form.name == "config.yml":
        links = contents(form)["contact_links"]
        assert all(set(link) == {"name", "url", "about"} for link in links)
        return
    data = contents(form)
    assert {"name", "description", "body"} <= set(data)
    assert any(field.get("validations", {}).get("required") for field in data["body"])


def test_every_document_has_its_place_on_the_site():
    site = yaml.safe_load((REPOSITORY / "mkdocs.yml").read_text(encoding="utf-8"))
    named = [
        page
        for section in site["nav"]
        for entry in section.values()
        for page in ([entry] if isinstance(entry, str) else [next(iter(e.values())) for e in entry])
    ]
    assert sorted(named) == sorted(path.name for path in (REPOSITORY / "docs").glob("*.md"))


def test_the_site_has_every_public_name():
    told = (REPOSITORY / "docs/api.md").read_text(encoding="utf-8")
    named = {line.rpartition(".")[2] for line in told.splitlines() if line.startswith("::: ")}
    errors = {name for name in CompactSegLib.__all__ if hasattr(CompactSegLib.errors, name)}
    assert "errors" in named
    assert set(CompactSegLib.__all__) - errors == named - {"errors"}


def test_pictures_of_the_package_s_page_are_shown_from_anywhere():
    text = (REPOSITORY / PROJECT["readme"]).read_text(encoding="utf-8")
    pictures = re.findall(r"!\[[^\]]*\]\(([^)]+)\)", text)
    home = PROJECT["urls"]["Homepage"].replace("github.com", "raw.githubusercontent.com") + "/main/"
    assert pictures
    for picture in pictures:
        assert picture.startswith(home)
        assert (REPOSITORY / picture.removeprefix(home)).is_file()


def test_the_version_is_said_alike():
    text = (REPOSITORY / "CompactSegLib/__init__.py").read_text(encoding="utf-8")
    assert f'__version__ = "{PROJECT["version"]}"' in text
    assert str(contents(REPOSITORY / "CITATION.cff")["version"]) == PROJECT["version"]
