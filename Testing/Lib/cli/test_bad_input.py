"""What cannot be used ends with 2 and one sentence on stderr, before anything is written."""

from __future__ import annotations

from pathlib import Path

import pytest

from CompactSegLib import ConfigurationError
from Testing.Lib.cli.conftest import refusal_of


def test_a_missing_file(segment, tmp_path: Path):
    sentence = refusal_of(segment(volume=tmp_path / "nothing.nii.gz"), tmp_path)
    assert sentence.startswith(f"{tmp_path / 'nothing.nii.gz'}: expected an image file")


@pytest.mark.parametrize("content", [b"", b"\x1f\x8b\x08 broken", b"hello"])
def test_a_corrupt_file(segment, tmp_path: Path, content: bytes):
    (tmp_path / "bad.nii.gz").write_bytes(content)
    sentence = refusal_of(segment(volume=tmp_path / "bad.nii.gz"), tmp_path)
    assert sentence.startswith(f"{tmp_path / 'bad.nii.gz'}: expected")


def test_a_file_cut_short(segment, a_volume_file: Path, tmp_path: Path):
    (tmp_path / "cut.nii.gz").write_bytes(a_volume_file.read_bytes()[:2000])
    sentence = refusal_of(segment(volume=tmp_path / "cut.nii.gz"), tmp_path)
    assert "cut.nii.gz: expected a complete image" in sentence


def test_a_folder_with_nothing_in_it(segment, tmp_path: Path):
    (tmp_path / "empty").mkdir()
    sentence = refusal_of(segment(volume=tmp_path / "empty"), tmp_path)
    assert sentence.startswith(f"{tmp_path / 'empty'}: expected DICOM images, image files")


def test_an_unknown_model(segment, tmp_path: Path):
    sentence = refusal_of(segment("--model", "tyni"), tmp_path)
    assert sentence == "tyni: expected the name of a model (tiny) or its folder; did you mean tiny?"


def test_a_damaged_model(segment, a_model_folder: Path, tmp_path: Path):
    (a_model_folder / "weights.safetensors").write_bytes(b"junk")
    sentence = refusal_of(segment("--model", a_model_folder), tmp_path)
    assert "weights.safetensors: expected the weights with SHA-256" in sentence


def test_a_model_for_more_channels(segment, tmp_path, write_tiny_model):
    from dataclasses import replace

    import torch

    from CompactSegLib import MultiLevelNet

    config = replace(write_tiny_model(tmp_path / "one").net_config, in_channels=2)
    with torch.random.fork_rng(devices=[]):
        write_tiny_model(tmp_path / "two", net=MultiLevelNet(config))
    sentence = refusal_of(segment("--model", tmp_path / "two"), tmp_path)
    assert "expected 2 channel(s)" in sentence


@pytest.mark.parametrize("where", ["file", "file/deeper"])
def test_an_output_that_is_no_folder(compactseg, a_volume_file: Path, tmp_path: Path, where: str):
    (tmp_path / "file").write_text("mine")
    result = compactseg("segment", a_volume_file, "--model", "tiny", "--output", tmp_path / where)
    sentence = refusal_of(result, tmp_path)
    assert sentence.startswith(f"{tmp_path / where}: expected a folder to write to")
    assert (tmp_path / "file").read_text() == "mine"


def test_a_folder_in_place_of_a_result(segment, tmp_path: Path):
    (tmp_path / "out" / "brain_levels.png").mkdir(parents=True)
    result = segment()
    assert result.exit_code == 2
    assert "brain_levels.png: expected a file name to write to" in result.stderr
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["brain_levels.png"]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (
            ["--format", "nifti"],
            "--format: expected one of seg.nrrd, nii.gz, dicom-seg, got 'nifti'",
        ),
        (
            ["--format", "dicom-seg"],
            "brain.nii.gz: a DICOM SEG refers to the DICOM images it was made from",
        ),
        (["--level", "4"], "level: expected 1 to 3, the levels of model tiny, got 4"),
        (["--level", "0"], "level: expected 1 to 3"),
        (["--threshold", "-0.1"], "threshold: expected a number from 0 to 1, got -0.1"),
        (["--threshold", "1.5"], "got 1.5"),
        (["--threshold", "nan"], "got nan"),
        (
            ["--threshold", "0.1", "--all-levels"],
            "--threshold: cannot be combined with --all-levels",
        ),
        (["--device", "tpu"], "device: expected one of auto, cpu, cuda, mps"),
        (["--tile", "0"], "tile: expected"),
        (["--tile", "9" * 400], "tile: expected a whole number of voxels from 1"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_an_option_that_makes_no_sense(segment, tmp_path: Path, options: list[str], sentence: str):
    assert sentence in refusal_of(segment(*options), tmp_path)


def test_with_debug_the_error_comes_as_it_is(segment):
    result = segment("--threshold", "2", "--debug")
    assert isinstance(result.exception, ConfigurationError)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["segment"], "Missing option"),
        (["segment", "x.nii", "--model", "tiny"], "--output"),
        (["segment", "x.nii", "--model", "tiny", "--output", "o", "--level", "two"], "--level"),
        (
            ["segment", "x.nii", "--model", "tiny", "--output", "o", "--threshold", ""],
            "--threshold",
        ),
        (["segment", "x.nii", "--modle", "tiny"], "--modle"),
        (["segmnt"], "segmnt"),
    ],
)
def test_a_slip_in_the_command_line_is_told_by_its_name(compactseg, arguments, words: str):
    result = compactseg(*arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert words in result.stderr
    assert "Traceback" not in result.stderr
