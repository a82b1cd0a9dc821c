"""``make demo``: the crops are where the hippocampi are, and the whole demo runs as a user runs it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import nibabel
import numpy as np
import pytest

from examples import demo


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


@pytest.mark.parametrize("name", demo.CENTRES_RAS_MM)
def test_a_crop_keeps_every_voxel_where_it_was(the_template, name: str):
    crop = demo.crop(the_template, centre_ras_mm=demo.CENTRES_RAS_MM[name], size_mm=demo.SIZE_MM)
    assert crop.shape == demo.SIZE_MM
    corner = nibabel.affines.apply_affine(crop.affine, (0, 0, 0))
    i, j, k = np.round(
        nibabel.affines.apply_affine(np.linalg.inv(the_template.affine), corner)
    ).astype(int)
    a, b, c = crop.shape
    np.testing.assert_array_equal(
        crop.get_fdata(), the_template.get_fdata()[i : i + a, j : j + b, k : k + c]
    )
    middle = nibabel.affines.apply_affine(crop.affine, (np.array(crop.shape) - 1) / 2)
    np.testing.assert_allclose(middle, demo.CENTRES_RAS_MM[name], atol=1.0)


def test_the_crops_mirror_each_other(the_template):
    # The template is symmetric, so the two boxes show the same anatomy if they lie right.
    left, right = (
        demo.crop(the_template, centre_ras_mm=centre, size_mm=demo.SIZE_MM).get_fdata()
        for centre in demo.CENTRES_RAS_MM.values()
    )
    # From -46 to -5 mm on the left and from 4 to 45 mm on the right: all but one slice have a partner.
    assert np.corrcoef(left[:0:-1].ravel(), right[1:].ravel())[0, 1] > 0.99


def test_a_box_beyond_the_image_is_cut_at_its_border(the_template):
    crop = demo.crop(the_template, centre_ras_mm=(-98.0, -134.0, -72.0), size_mm=(20.0, 20.0, 20.0))
    assert crop.shape == (10, 10, 10)


def test_the_whole_demo(tmp_path: Path):
    # What an earlier run left, which this one replaces.
    (tmp_path / "out").mkdir()
    stale = {"case": "left_hippocampus", "levels": [{"level": 9, "file": "nothing"}]}
    (tmp_path / "out" / "left_hippocampus_report.json").write_text(json.dumps(stale))
    result = subprocess.run(
        [sys.executable, Path(demo.__file__), "--output", tmp_path / "out"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    for name in demo.CENTRES_RAS_MM:
        levels = check_case(tmp_path / "out", name, said=result.stdout)
        # An adult's hippocampus: about 2 to 5 millilitres.
        assert 1.5 < sum(levels[-1]["millilitres"].values()) < 5.5
    levels = check_case(tmp_path / "out", demo.TEMPLATE, said=result.stdout)
    volumes = levels[-1]["millilitres"]
    assert len(volumes) == 26
    # The template's grey and white matter, cerebellum included, fill most of its 1890 ml.
    parts = [name for name in volumes if name.endswith(("white matter", "cortex"))]
    assert len(parts) == 8
    assert 1000 < sum(volumes[name] for name in parts) < 1890
    assert all(f"{name} (ml)" in result.stdout for name in demo.SHOWN)


def check_case(folder: Path, name: str, *, said: str) -> list[dict]:
    """All files of a case are there and were named; its levels."""
    report = json.loads((folder / f"{name}_report.json").read_text())
    assert len(report["levels"]) > 1
    for level in report["levels"]:
        assert (folder / f"{name}_level-{level['level']}.seg.nrrd").is_file()
    assert (folder / f"{name}_levels.png").is_file()
    assert f"{name}_report.json" in said
    return report["levels"]
