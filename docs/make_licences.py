"""Write ``docs/licences.md``: the licence of each package that CompactSeg needs when it runs, as the package states it.

``python docs/make_licences.py`` in an environment with all extras.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

import tomllib
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
DOCUMENT = ROOT / "docs" / "licences.md"
FOR_DEVELOPMENT = ("docs", "lint", "test")
# What Windows alone needs, which nothing installs here.
ON_WINDOWS = {"colorama": ("colorama", "BSD License", "command")}
_LONGEST = 60

_HEAD = """# Licences of what CompactSeg needs

CompactSeg is under the Apache License 2.0, its models and their data under what `compactseg info` says. These packages
are needed when it runs (colorama on Windows alone); the extra is the first that brings a package (`core` comes with
`pip install compactseg`). The list is written by `python docs/make_licences.py` from what the packages state, in the
versions of `constraints.txt`, and held by a test. Builds of torch for CUDA also bring NVIDIA's libraries, under
NVIDIA's licences.

| Package | Licence, as stated | Needed for |
| --- | --- | --- |
"""


def rows() -> list[tuple[str, str, str]]:
    """Package, licence and extra, in the order of their names."""
    found = {**ON_WINDOWS}
    for extra, wanted in extras():
        for package in needed(wanted):
            name = str(package.metadata["Name"])
            found.setdefault(canonicalize_name(name), (name, licence_of(package), extra))
    return [found[name] for name in sorted(found)]


def licence_of(package: Distribution) -> str:
    """In a word or two; many packages have the whole text where its name should be."""
    about = package.metadata
    named = [
        line.rpartition("::")[2].strip()
        for line in about.get_all("Classifier") or ()
        if line.startswith("License ::")
    ]
    stated = (about.get("License") or "").strip()
    short = stated if 0 < len(stated) <= _LONGEST and "\n" not in stated else ""
    return about.get("License-Expression") or ", ".join(named) or short or "not stated"


def document() -> str:
    """The whole text."""
    return _HEAD + "".join(f"| {' | '.join(row)} |\n" for row in rows())


def extras() -> Iterator[tuple[str, list[str]]]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    yield "core", project["dependencies"]
    for extra, wanted in project["optional-dependencies"].items():
        if not extra.startswith(FOR_DEVELOPMENT):
            yield extra, [line for line in wanted if not line.startswith("compactseg[")]


def needed(
    wanted: Iterable[str], *, system: Mapping[str, str] | None = None
) -> Iterator[Distribution]:
    """Packages that meet requirements, and what these need in turn, on this machine or on a system by its markers."""
    waiting = [Requirement(line) for line in wanted]
    seen: set[tuple[str, str]] = set()
    while waiting:
        requirement = waiting.pop()
        for extra in requirement.extras or {""}:
            key = (canonicalize_name(requirement.name), extra)
            if key in seen or key[0] in ON_WINDOWS:
                continue
            seen.add(key)
            package = distribution(requirement.name)
            yield package
            every = map(Requirement, package.requires or ())
            where = {"extra": extra, **(system or {})}
            waiting += [r for r in every if not r.marker or r.marker.evaluate(where)]


if __name__ == "__main__":
    try:
        DOCUMENT.write_text(document(), encoding="utf-8")
    except PackageNotFoundError as error:
        raise SystemExit(
            f"{error.name}: expected all extras to be installed (make lint does that), this package is not."
        ) from error
