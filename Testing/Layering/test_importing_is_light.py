"""What an import may load: tried in a fresh process, counted in modules and not in seconds."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow

HEAVY = {
    "torch",
    "SimpleITK",
    "matplotlib",
    "monai",
    "highdicom",
    "pydicom",
    "scipy",
    "sklearn",
    "nilearn",
    "nibabel",
}


def loaded_by(code: str) -> set[str]:
    """Top-level modules in ``sys.modules`` after a fresh interpreter ran `code`."""
    report = "import sys; print(*{name.partition('.')[0] for name in sys.modules}, file=sys.stderr)"
    result = subprocess.run(
        [sys.executable, "-c", f"{code}\n{report}"], capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    return set(result.stderr.splitlines()[-1].split())


@pytest.mark.parametrize(
    "code",
    [
        "import CompactSegLib",
        "import CompactSegLib.cli.app",
        "from CompactSegLib import inference, model, network, output, serve, volume",
        "import CompactSegLib.network.config, CompactSegLib.network.cost, CompactSegLib.network.reach",
        "from CompactSegLib import list_models; list_models()",
        "import CompactSegLib.serve.worker",
    ],
    ids=["the library", "the command", "its rooms", "a configuration", "listing models", "worker"],
)
def test_no_heavy_package_is_loaded_by(code: str):
    assert not loaded_by(code) & HEAVY


def test_no_heavy_package_is_loaded_by_asking_for_help():
    code = (
        "import sys; sys.argv = ['compactseg', '--help']\n"
        "from CompactSegLib.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass"
    )
    assert not loaded_by(code) & HEAVY


def test_a_heavy_package_would_be_seen():
    assert "SimpleITK" in loaded_by("import SimpleITK")


def test_all_public_names_are_there():
    import CompactSegLib

    assert CompactSegLib.__all__
    for name in CompactSegLib.__all__:
        assert getattr(CompactSegLib, name) is not None
