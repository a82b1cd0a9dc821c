"""What people who write Python meet: `segment` takes what they have, and the types say so."""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
from pathlib import Path

import nibabel
import numpy as np
import pytest
import SimpleITK

import CompactSegLib
from CompactSegLib import InputError, as_volume, load_model, read_volume, segment
from Testing.repository import REPOSITORY

TEN_LINES = """
import numpy as np
from CompactSegLib import Level, Run, Segmenter, load_model, read_volume, segment

def volumes(path: str) -> dict[str, float]:
    last: Level | None = None
    for last in segment(path, "brain-mr", precision="fp32", levels=2):
        last.save(f"level-{last.number}.seg.nrrd")
    for last in segment(np.zeros((9, 9, 9)), load_model("brain-mr"), affine=np.eye(4), threshold=0.1):
        print(last.improvement, last.labels.sum(), last.to_sitk())
    run: Run = Segmenter(load_model("brain-mr"), device="cpu").start(read_volume(path))
    print(run.level(1).seconds, run.info.messages)
    return last.millilitres if last else {}
"""


@pytest.fixture
def the_labels(a_volume_file: Path, the_tiny_model) -> np.ndarray:
    volume = read_volume(a_volume_file)
    (level,) = segment(volume, the_tiny_model, levels=1, device="cpu", precision="fp32")
    assert level.labels.any()
    return level.labels


@pytest.mark.parametrize("kind", ["path", "text", "SimpleITK", "nibabel", "array"])
def test_whatever_holds_the_volume_the_labels_are_the_same(
    kind: str, a_volume_file: Path, the_labels: np.ndarray, the_tiny_model
):
    image = nibabel.load(a_volume_file)
    given = {
        "path": (a_volume_file, None),
        "text": (str(a_volume_file), None),
        "SimpleITK": (SimpleITK.ReadImage(str(a_volume_file)), None),
        "nibabel": (image, None),
        "array": (image.get_fdata(), image.affine),
    }
    source, affine = given[kind]
    options = {"affine": affine, "levels": 1, "device": "cpu", "precision": "fp32"}
    (level,) = segment(source, str(the_tiny_model.folder), **options)
    np.testing.assert_array_equal(level.labels, the_labels)
    np.testing.assert_allclose(level.geometry.ijk_to_ras, image.affine, atol=1e-4)


def test_a_volume_is_taken_as_it_is_and_names_are_kept(an_oblique_volume, a_volume_file: Path):
    assert as_volume(an_oblique_volume) is an_oblique_volume
    assert as_volume(nibabel.load(a_volume_file)).name == "brain"


def test_channels_of_an_image_of_simpleitk_come_first():
    image = SimpleITK.GetImageFromArray(
        np.random.default_rng(0).random((3, 4, 5, 2)), isVector=True
    )
    volume = as_volume(image)
    assert (volume.channels, volume.shape_kji) == (2, (3, 4, 5))


@pytest.mark.parametrize(
    ("source", "affine", "sentence"),
    [
        (np.zeros((4, 4, 4)), None, "expected affine= together with an array"),
        (np.zeros((4, 4)), np.eye(4), r"expected an array (I, J, K), got one of shape (4, 4)"),
        (np.zeros((4, 4, 4)), np.eye(3), "affine: expected 4x4 finite numbers"),
        (np.zeros((4, 4, 4)), np.zeros((4, 4)), "expected a matrix with three axes of"),
        ("brain.nii", np.eye(4), "affine: expected one with an array only, got it with str"),
        ([[1, 2], [3, 4]], None, "or an array with affine=, got list"),
        ([[1, 2], [3, 4]], np.eye(4), "or an array with affine=, got list"),
        (None, None, "or an array with affine=, got NoneType"),
        (SimpleITK.Image(4, 4, SimpleITK.sitkUInt8), None, "expected a 3D image, got one of 2"),
    ],
    ids=[
        "no affine",
        "two axes",
        "3x3",
        "no length",
        "a path",
        "a list",
        "a list with an affine",
        "nothing",
        "a slice",
    ],
)
def test_what_is_missing_is_said_in_one_sentence(source, affine, sentence: str):
    with pytest.raises(InputError) as raised:
        segment(source, "brain-mr", affine=affine)
    assert sentence in str(raised.value)
    assert "\n" not in str(raised.value)


def test_an_image_of_one_frame_is_its_frame(a_volume_file: Path):
    volume, image = read_volume(a_volume_file), nibabel.load(a_volume_file)
    framed = nibabel.Nifti1Image(np.asanyarray(image.dataobj)[..., None, None], image.affine)
    for one in (framed, SimpleITK.JoinSeries([SimpleITK.ReadImage(str(a_volume_file))])):
        taken = as_volume(one)
        np.testing.assert_array_equal(taken.array, volume.array)
        np.testing.assert_allclose(taken.geometry.ijk_to_ras, volume.geometry.ijk_to_ras, atol=1e-4)
    two = nibabel.Nifti1Image(np.zeros((4, 4, 4, 2), np.int16), np.eye(4))
    with pytest.raises(InputError, match="got one of shape"):
        as_volume(two)


def test_what_is_infinite_in_half_precision_is_told():
    array = np.arange(64, dtype=np.float16).reshape(4, 4, 4)
    array[1, 1, 1] = np.inf
    volume = as_volume(array, affine=np.eye(4))
    assert np.isfinite(volume.array).all()
    assert "1 voxels (1.56%) are not finite numbers" in volume.warnings[0]


def test_a_level_says_what_the_run_noticed(an_oblique_volume, the_tiny_model):
    flat = np.zeros_like(an_oblique_volume.array[0])
    flat[0, 0, 0] = np.nan if flat.dtype.kind == "f" else 0
    levels = segment(
        flat.T, the_tiny_model, affine=an_oblique_volume.geometry.ijk_to_ras, device="cpu"
    )
    said = [" ".join(level.messages) for level in levels]
    assert all("all voxels have the value 0" in each for each in said)
    assert all("Nothing was found" in each for each in said)


def test_a_tilde_is_the_home_folder(
    a_volume_file: Path, the_tiny_model, tmp_path: Path, monkeypatch
):
    home = tmp_path / "home"
    for variable in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(variable, str(home))
    monkeypatch.chdir(tmp_path)
    shutil.copytree(the_tiny_model.folder, home / "models" / "mine")
    shutil.copy(a_volume_file, home)
    (level,) = segment("~/brain.nii.gz", "~/models/mine", levels=1, device="cpu")
    level.save("~/new/labels.nii.gz")
    assert (home / "new" / "labels.nii.gz").is_file()
    assert not Path("~").exists()
    Path("~nobody.nii.gz").write_bytes(a_volume_file.read_bytes())
    assert read_volume("~nobody.nii.gz").name == "~nobody"


def test_a_level_is_an_image_and_a_file(a_volume_file: Path, the_tiny_model, tmp_path: Path):
    (level,) = segment(a_volume_file, the_tiny_model, levels=1, device="cpu")
    image = level.to_sitk()
    np.testing.assert_array_equal(SimpleITK.GetArrayFromImage(image), level.labels)
    assert image.GetOrigin() == level.geometry.origin_lps_mm
    level.save(tmp_path / "new" / "labels.nii.gz")
    level.save(str(tmp_path / "labels.seg.nrrd"))
    for name in ("new/labels.nii.gz", "labels.seg.nrrd"):
        read = SimpleITK.ReadImage(str(tmp_path / name))
        np.testing.assert_array_equal(SimpleITK.GetArrayFromImage(read), level.labels)
    assert b"Anterior hippocampus" in (tmp_path / "labels.seg.nrrd").read_bytes()
    with pytest.raises(
        CompactSegLib.OutputError, match=r"expected a name that ends in \.seg\.nrrd"
    ):
        level.save(tmp_path / "labels.png")


def test_the_precision_can_be_asked_for(a_volume_file: Path, the_tiny_model):
    with pytest.raises(CompactSegLib.DeviceError, match="precision: expected one of auto, fp32"):
        segment(a_volume_file, the_tiny_model, precision="int8")
    run = CompactSegLib.Segmenter(load_model(the_tiny_model.folder), precision="bf16", device="cpu")
    assert run.runtime.precision == "bf16"


def test_the_names_with_types_are_those_that_there_are():
    file = Path(CompactSegLib.__file__).with_name("__init__.pyi")
    imported = [
        alias.name
        for node in ast.parse(file.read_text("utf-8")).body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    ]
    assert sorted(imported) == sorted(CompactSegLib.__all__)
    assert file.with_name("py.typed").is_file()


def test_ten_lines_of_a_user_pass_mypy_strict(tmp_path: Path):
    (tmp_path / "ten_lines.py").write_text(TEN_LINES)
    (tmp_path / "wrong.py").write_text(
        "from CompactSegLib import segment\n"
        "for level in segment('head.nii.gz', 3):\n    print(level.volumes)\n"
    )

    # What it knows of PyTorch and NumPy is kept, as by mypy in the repository: it takes half a minute to find out.
    cache = f"--cache-dir={REPOSITORY / '.mypy_cache' / 'strict'}"
    command = [sys.executable, "-m", "mypy", "--strict", cache, "ten_lines.py", "wrong.py"]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    *errors, _count = run.stdout.splitlines()
    assert errors
    assert not [line for line in errors if not line.startswith("wrong.py:")]
    for words in ('"Level" has no attribute "volumes"', 'Argument 2 to "segment" has incompatible'):
        assert words in run.stdout
