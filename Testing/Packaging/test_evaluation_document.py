"""The script that ``docs/evaluation.md`` gives for label maps of other values does what it is given for."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import numpy as np
import SimpleITK

from Testing.repository import REPOSITORY


def test_label_maps_of_freesurfer_get_the_values_of_brain_mr(tmp_path: Path, monkeypatch):
    document = (REPOSITORY / "docs/evaluation.md").read_text("utf-8")
    (script,) = re.findall(r"```python\n(.*?)```", document, re.DOTALL)
    image = SimpleITK.GetImageFromArray(np.array([[[0, 2, 41, 53, 24, 60, 511]]], np.int16))
    image.SetOrigin((3, -4, 5))
    files = [str(tmp_path / name) for name in ("aseg.nii.gz", "labels.nii.gz")]
    SimpleITK.WriteImage(image, files[0])
    monkeypatch.chdir(REPOSITORY)
    monkeypatch.setattr("sys.argv", ["remap.py", *files])
    (tmp_path / "remap.py").write_text(script, "utf-8")
    runpy.run_path(str(tmp_path / "remap.py"))
    labels = SimpleITK.ReadImage(files[1])
    assert SimpleITK.GetArrayFromImage(labels).ravel().tolist() == [0, 1, 2, 22, 26, 28, 0]
    assert labels.GetOrigin() == (3, -4, 5)
