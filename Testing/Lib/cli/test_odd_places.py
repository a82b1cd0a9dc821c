"""Inputs and outputs that are no files, or whose names are too long: told in a sentence, and nothing waits for ever."""

from __future__ import annotations

import errno
import json
import os
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import SimpleITK

of_unix = pytest.mark.skipif(
    os.name == "nt", reason="Windows has neither pipes with names nor devices, nor names of bytes"
)

LONG = "x" * 300


def is_told(result) -> bool:
    return result.exit_code == 2 and result.stderr.count("\n") == 1 and "fault" not in result.stderr


@of_unix
@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz", "a.dcm", "a.mhd", "a"])
def test_a_pipe_as_input(segment, tmp_path: Path, name):
    os.mkfifo(tmp_path / name)
    result = segment(volume=tmp_path / name)
    assert is_told(result)
    assert "expected a file, got a pipe, a device or a socket" in result.stderr


@of_unix
def test_a_link_to_a_device_as_input(segment, tmp_path: Path):
    (tmp_path / "a.nii").symlink_to("/dev/zero")
    assert is_told(segment(volume=tmp_path / "a.nii"))


@of_unix
def test_a_pipe_and_a_link_that_leads_nowhere_among_cases(segment, a_folder_of_cases: Path):
    os.mkfifo(a_folder_of_cases / "d.nii")
    (a_folder_of_cases / "e.nii").symlink_to("nowhere")
    result = segment("--level", 1, volume=a_folder_of_cases)
    assert result.stdout.splitlines()[-1] == "2 done, 0 skipped, 3 failed"


@of_unix
def test_a_pipe_in_the_place_of_a_report(segment, a_folder_of_cases: Path, tmp_path: Path):
    (tmp_path / "out").mkdir()
    os.mkfifo(tmp_path / "out" / "a_report.json")
    result = segment("--level", 1, volume=a_folder_of_cases)
    assert result.stdout.splitlines()[-1] == "2 done, 0 skipped, 1 failed"
    assert (tmp_path / "out" / "a_report.json").is_file()


@of_unix
@pytest.mark.parametrize("name", ["model.json", "weights.safetensors"])
def test_a_pipe_in_a_model(segment, the_tiny_model, tmp_path: Path, name):
    shutil.copytree(the_tiny_model.folder, tmp_path / "model")
    (tmp_path / "model" / name).unlink()
    os.mkfifo(tmp_path / "model" / name)
    result = segment("--model", tmp_path / "model")
    assert is_told(result)
    assert name in result.stderr


@pytest.mark.parametrize("path", [f"{LONG}.nii", "x/" * 3000], ids=["name", "path"])
def test_an_input_of_an_impossible_name(segment, tmp_path: Path, path):
    assert is_told(segment(volume=tmp_path / path))


@pytest.mark.parametrize("name", [LONG, f"{LONG}.nii.gz"], ids=["folder", "file"])
def test_an_output_of_an_impossible_name(segment, tmp_path: Path, name):
    result = segment("--output", str(tmp_path / name))
    assert is_told(result)
    told = "Windows takes 247" if os.name == "nt" else "--output: expected a folder to write to"
    assert told in result.stderr


@pytest.mark.parametrize("name", [LONG, "x" * 6000, "x/" * 3000], ids=["300", "6000", "path"])
@pytest.mark.parametrize(
    "command",
    [
        "info {}",
        "segment {image} --output {out} --model {}",
        "train --data {} --config {net} --output {out}",
        "train --data {data} --labels {} --config {net} --output {out}",
        "train --data {data} --config {} --output {out}",
        "train --data {data} --config {net} --plan {} --output {out}",
        "train --data {data} --start-from {} --output {out}",
        "train --data {data} --labels {data} --config {net} --output {}",
        "evaluate --model tiny --data {}",
        "evaluate --model tiny --data {data} --labels {}",
        "evaluate --model tiny --data {data} --labels {data} --output {}",
    ],
)
def test_a_name_that_nothing_can_have(
    compactseg, a_volume_file: Path, the_tiny_model, tmp_path: Path, command, name
):
    (tmp_path / "data").mkdir()
    image = SimpleITK.GetImageFromArray(np.ones((24, 24, 24), np.uint8))
    SimpleITK.WriteImage(image, tmp_path / "data" / "a.nii.gz")
    net = tmp_path / "net.json"
    net.write_text(json.dumps(the_tiny_model.net_config.to_dict()))
    own = {"image": a_volume_file, "data": tmp_path / "data", "net": net, "out": tmp_path / "out"}
    words = [word.format(tmp_path / name, **own) for word in command.split()]
    result = compactseg(*words)
    assert result.exit_code == 2, result.stderr
    assert result.stderr.count("\n") <= 4, "a list of what is wrong with a dataset has more lines"
    assert "fault of CompactSeg" not in result.stderr
    assert not (tmp_path / "out").exists()


def test_a_place_of_models_of_an_impossible_name(compactseg, monkeypatch):
    monkeypatch.setenv("COMPACTSEG_MODELS", f"{LONG}{os.pathsep}{'x/' * 3000}")
    assert compactseg("models").exit_code == 0
    assert is_told(compactseg("info", "tiny"))


def test_what_the_system_refuses_in_the_middle_is_no_fault_of_ours(segment, monkeypatch):
    def refuse(*_, **__):
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr("CompactSegLib.output.report.write_report", refuse)
    result = segment()
    assert is_told(result)
    assert os.strerror(errno.EIO) in result.stderr


def test_a_listed_case_of_an_impossible_name(segment, tmp_path: Path):
    (tmp_path / "cases.csv").write_text(f"path\n{LONG}.nii\n")
    assert is_told(segment(volume=tmp_path / "cases.csv"))


def test_cases_deep_in_folders_of_long_names(segment, a_volume_file: Path, tmp_path: Path):
    """Their names are made of all folders above, and are cut where a file's could not hold them."""
    folder = tmp_path / "cases" / ("a" * 120) / ("b" * 120)
    folder.mkdir(parents=True)
    shutil.copy(a_volume_file, folder / f"{'c' * 100}.nii.gz")
    result = segment("--level", 1, "--recursive", volume=tmp_path / "cases")
    assert result.stdout.splitlines()[-1] == "1 done, 0 skipped, 0 failed"


@pytest.mark.skipif(sys.platform == "darwin", reason="counts characters, not bytes")
def test_an_output_whose_name_is_as_long_as_may_be(segment, tmp_path: Path):
    name = f"o.{'n' * 246}.nii.gz"
    assert len(name) == 255
    assert segment("--level", 1, "--output", tmp_path / name).exit_code == 0
    assert (tmp_path / name).is_file()


@of_unix
@pytest.mark.skipif(sys.platform == "darwin", reason="takes names in UTF-8 alone")
@pytest.mark.usefixtures("drawn_pictures")
def test_cases_whose_names_are_in_other_encodings(segment, a_volume_file: Path, tmp_path: Path):
    """Two of them have as many bytes that are no letters: each has results of its own."""
    folder = tmp_path / "cases"
    folder.mkdir()
    names = ["\N{BRAIN}".encode(), "脳一".encode("shift_jis"), "脳二".encode("shift_jis")]
    for name in [*names, "脑部".encode("utf-16-le")]:
        shutil.copy(a_volume_file, os.fsencode(folder) + b"/" + name + b".nii.gz")
    result = segment("--level", 1, volume=folder)
    assert result.stdout.splitlines()[-1] == "4 done, 0 skipped, 0 failed"
    assert len([*(tmp_path / "out").glob("*_level-1.seg.nrrd")]) == 4
    assert not result.stderr


def test_a_name_is_no_command_to_the_terminal(segment, tmp_path: Path):
    result = segment(volume=tmp_path / "a\x1b[2J\x07.nii")
    assert is_told(result)
    assert "a?[2J?.nii" in result.stderr
