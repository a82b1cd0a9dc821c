"""Resources are found where they are installed."""

from __future__ import annotations

import shutil
import subprocess
import sys

import pytest

from CompactSegLib import paths, resources
from CompactSegLib.resources import find_resource


@pytest.mark.parametrize("place", ["Resources", "CompactSegLib/Resources"])
def test_resources_are_found_beside_the_package_and_in_it(tmp_path, place):
    """Beside it in a checkout and where Slicer installs it, inside it in a wheel."""
    package = tmp_path / "some folder with é" / "CompactSegLib"
    package.mkdir(parents=True)
    for module in (resources, paths):
        shutil.copy(module.__file__, package)
    (package / "__init__.py").write_text("")
    wanted = package.parent / place / "Models" / "tiny"
    wanted.mkdir(parents=True)
    code = "from CompactSegLib.resources import find_resource; print(ascii(str(find_resource('Models/tiny'))))"
    found = subprocess.run(
        [sys.executable, "-c", code], cwd=package.parent, capture_output=True, text=True, check=True
    )
    assert found.stdout.strip() == ascii(str(wanted))


def test_a_resource_that_is_nowhere_is_named():
    with pytest.raises(FileNotFoundError, match="no-such-thing"):
        find_resource("no-such-thing")
