"""``make demo`` runs as a user runs it: a brain and its hippocampi, from one head."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import nibabel
import pytest

from examples import demo
from Testing import forked


@pytest.fixture(scope="module")
def the_template() -> nibabel.Nifti1Image:
    return demo.load_template()


def test_the_template_needs_no_network(monkeypatch: pytest.MonkeyPatch):
    from nilearn.datasets import load_mni152_template

    def refuse(*_):
        raise OSError("the demo must not need the network")

    monkeypatch.setattr("socket.socket.connect", refuse)
    load_mni152_template.cache_clear()
    assert demo.load_template().shape == (197, 233, 189)


@pytest.mark.timeout(600)
def test_the_whole_demo(tmp_path: Path, capfd, monkeypatch):
    """The two commands that it runs begin with PyTorch imported."""

    def run(command: list[str], *, check: bool) -> subprocess.CompletedProcess[str]:
        code = forked.start(command, stdout=1, stderr=2).wait()
        return subprocess.CompletedProcess(command, code)

    monkeypatch.setattr(demo, "subprocess", SimpleNamespace(run=run))
    # What an earlier run left, which this one replaces.
    (tmp_path / "out" / "brain-mr").mkdir(parents=True)
    stale = {"case": demo.TEMPLATE, "levels": [{"level": 9, "file": "nothing"}]}
    (tmp_path / "out" / "brain-mr" / f"{demo.TEMPLATE}_report.json").write_text(json.dumps(stale))
    code = demo.main(["--output", str(tmp_path / "out")])
    said, errors = capfd.readouterr()
    assert code == 0, said + errors
    levels = check_case(tmp_path / "out" / "hippocampus-mr", said=said)
    volumes = levels[-1]["millilitres"]
    assert len(volumes) == 4
    for side in ("Left", "Right"):
        # An adult's hippocampus: about 2 to 5 millilitres.
        assert 1.5 < sum(ml for name, ml in volumes.items() if name.startswith(side)) < 5.5
    levels = check_case(tmp_path / "out" / "brain-mr", said=said)
    volumes = levels[-1]["millilitres"]
    assert len(volumes) == 30
    # The template's grey and white matter, cerebellum included, fill most of its 1890 ml.
    parts = [name for name in volumes if name.endswith(("white matter", "cortex"))]
    assert len(parts) == 8
    assert 1000 < sum(volumes[name] for name in parts) < 1890
    assert all(f"{name} (ml)" in said for name in demo.SHOWN)


def test_it_is_a_script():
    command = [sys.executable, demo.__file__, "--help"]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "MNI152" in told


def check_case(folder: Path, *, said: str) -> list[dict]:
    """All files of a case are there and were named; its levels."""
    name = demo.TEMPLATE
    report = json.loads((folder / f"{name}_report.json").read_text())
    assert len(report["levels"]) > 1
    for level in report["levels"]:
        assert (folder / f"{name}_level-{level['level']}.seg.nrrd").is_file()
    assert (folder / f"{name}_levels.png").is_file()
    assert f"{name}_report.json" in said
    return report["levels"]
