"""Each way a model folder can be wrong has one sentence, which names the file and what to do."""

from __future__ import annotations

import hashlib
import json
import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from CompactSegLib import ModelError
from CompactSegLib.model.folder import check_model

MODEL, WEIGHTS = "model.json", "weights.safetensors"
FIRST = "blocks.0.branches.0.layers.0.conv.weight"


def change_json(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    data = json.loads((folder / MODEL).read_text())
    change(data)
    (folder / MODEL).write_text(json.dumps(data))


def change_weights(folder: Path, content: bytes | None = None, **tensors: Any) -> None:
    """Put other weights in place and make the stated hash fit, so that what is inside is looked at."""
    path = folder / WEIGHTS
    if content is None:
        state = load_file(path)
        first = next(name for name in state if name.endswith("conv.weight"))
        for change, value in tensors.items():
            if change == "removed":
                del state[first]
            elif change == "added":
                state["foreign"] = value
            else:
                state[first] = value(state[first])
        save_file(state, path)
    else:
        path.write_bytes(content)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    change_json(folder, lambda data: data["weights"].update(sha256=digest))


def sentence_of(folder: Path) -> str:
    with pytest.raises(ModelError) as raised:
        check_model(folder)
    sentence = str(raised.value)
    assert "\n" not in sentence
    assert str(folder) in sentence
    assert sentence.endswith(".")
    return sentence


def put(*keys: str | int, value: Any) -> Callable[[dict[str, Any]], object]:
    def change(data: Any) -> None:
        for key in keys[:-1]:
            data = data[key]
        data[keys[-1]] = value

    return change


def drop(*keys: str | int) -> Callable[[dict[str, Any]], object]:
    def change(data: Any) -> None:
        for key in keys[:-1]:
            data = data[key]
        del data[keys[-1]]

    return change


def _expected(**changes: Any) -> dict[str, Any]:
    volume = {"mean": 1.0, "least": 0.5, "most": 2.0}
    return {"Anterior hippocampus": volume | changes, "Posterior hippocampus": volume}


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (put("schema", value=2), "made by a newer CompactSeg; update"),
        (put("schema", value="one"), 'got "one"'),
        (drop("schema"), "a file that states none"),
        (drop("labels"), "expected labels, a list, but it is missing"),
        (put("colour", value=3), "expected only name"),
        (
            put("name", value=3),
            "name: expected lower-case letters, digits, '-', '_' and '.', got 3",
        ),
        (put("name", value="../evil"), "name: expected lower-case letters"),
        (put("spacing_mm", value=[1, 1]), "spacing_mm: expected a list of 3, got [1, 1]"),
        (
            put("spacing_mm", 0, value="1"),
            'spacing_mm[0]: expected a length from 0.05 to 100 mm, got "1"',
        ),
        (
            put("field_mm", value=[40, 0, 40]),
            "field_mm[1]: expected a length above 0 mm, at most 10 m, got 0",
        ),
        (put("field_mm", value=40), "field_mm: expected a list of 3, got 40"),
        (put("orientation", value="XYZ"), "orientation: expected three letters"),
        (put("intensity", "rule", value="magic"), "intensity: expected a rule of zscore"),
        (put("refinement", value={"weight": 1}), "refinement: expected mm, a number above 0"),
        (
            put("refinement", value={"mm": 0, "weight": 1}),
            "refinement.mm: expected a number above 0, at most 10, got 0",
        ),
        (put("labels", 0, "value", value=7), "labels: expected the values 1 to 2"),
        (
            put("labels", 0, "color", value=[1, 2]),
            "labels[0].color: expected a list of 3, got [1, 2]",
        ),
        (drop("labels", 1), "labels: expected the values 1 to 2"),
        (put("labels", value={}), "labels: expected a list, got {}"),
        (
            put(
                "expected_millilitres",
                value={"Anterior hippocampus": _expected()["Posterior hippocampus"]},
            ),
            'expected an entry for each label (Anterior hippocampus, Posterior hippocampus), got "Anterior',
        ),
        (
            put("expected_millilitres", value=_expected(most=0.5)),
            "expected_millilitres.Anterior hippocampus: expected least <= mean <= most, got [0.5, 1.0, 0.5]",
        ),
        (
            put("expected_millilitres", value=_expected(mean="1")),
            'Anterior hippocampus.mean: expected a number from 0 to 1000000, got "1"',
        ),
        (
            put("expected_millilitres", value=_expected(middle=1)),
            'Anterior hippocampus: expected only mean, least, most, got "middle"',
        ),
        (put("expected_millilitres", value=7), "expected_millilitres: expected an object, got 7"),
        (put("net", "blocks", 0, "pool", value=3), "net.blocks[0].pool: expected one of"),
        (
            put("net", "depth", value=3),
            "net: expected only in_channels, classes, blocks",
        ),
        (drop("levels", 0), "levels: expected a list of 3, got a list of 2"),
        (put("levels", 0, "parameters", value=True), "parameters: expected a whole number"),
        (put("levels", 0, "parameters", value=12), "levels[0].parameters: expected"),
        (put("levels", 1, "validation", "dice", value=80), "dice: expected a number from 0 to 1"),
        (
            put("stop", "threshold", value=None),
            "stop.threshold: expected a number from 0 to 1, got null",
        ),
        (put("stop", "threshold", value=10**400), "threshold: expected a number from 0 to 1"),
        (put("stop", "levels", value=2), 'stop: expected only threshold, got "levels"'),
        (put("provenance", value=[]), "provenance: expected an object, got []"),
        (put("weights", "sha256", value="abc"), "sha256: expected 64 hexadecimal digits"),
        (put("weights", "file", value="weights.pt"), "file: expected weights.safetensors"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_wrong_field_is_named(a_model_folder: Path, change, sentence: str):
    change_json(a_model_folder, change)
    assert sentence in sentence_of(a_model_folder)


@pytest.mark.parametrize("content", [b"{", b"", b"\xff\xfe\x00", b"[1, 2]", b"null", b"[" * 10**5])
def test_a_model_json_that_is_none(a_model_folder: Path, content: bytes):
    (a_model_folder / MODEL).write_bytes(content)
    assert "expected" in sentence_of(a_model_folder)


def test_numbers_that_json_does_not_know(a_model_folder: Path):
    text = (a_model_folder / MODEL).read_text().replace('"threshold": 0.01', '"threshold": NaN')
    (a_model_folder / MODEL).write_text(text)
    assert "threshold: expected a number" in sentence_of(a_model_folder)


@pytest.mark.parametrize("name", [MODEL, WEIGHTS])
def test_a_missing_file(a_model_folder: Path, name: str):
    (a_model_folder / name).unlink()
    assert name in sentence_of(a_model_folder)


def test_a_missing_card_is_no_reason_to_refuse(a_model_folder: Path):
    (a_model_folder / "README.md").unlink()
    check_model(a_model_folder)


def test_a_missing_folder(tmp_path: Path):
    assert "there is no such folder" in sentence_of(tmp_path / "nowhere")


def test_a_folder_without_a_model(tmp_path: Path):
    assert "it holds no model.json" in sentence_of(tmp_path)


def test_a_folder_in_place_of_a_file(a_model_folder: Path):
    (a_model_folder / WEIGHTS).unlink()
    (a_model_folder / WEIGHTS).mkdir()
    assert "could not be read" in sentence_of(a_model_folder)


def test_a_single_flipped_bit_in_the_weights(a_model_folder: Path):
    path = a_model_folder / WEIGHTS
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    assert "the file is damaged or of another model" in sentence_of(a_model_folder)


@pytest.mark.parametrize(
    ("tensors", "sentence"),
    [
        ({"removed": True}, "tensors are missing"),
        ({"added": np.zeros(3, np.float32)}, "got 'foreign'"),
        ({"reshaped": lambda tensor: tensor[:1].copy()}, "of shape (3, 1, 3, 3, 3)"),
        ({"retyped": lambda tensor: tensor.astype(np.float64)}, "of type float32, got float64"),
        ({"spoilt": lambda tensor: tensor * np.float32("inf")}, "expected finite numbers"),
    ],
    ids=["missing", "foreign", "of another shape", "of another type", "not finite"],
)
@pytest.mark.filterwarnings("ignore:invalid value encountered")
def test_a_tensor_that_is_not_the_nets(a_model_folder: Path, tensors: dict, sentence: str):
    change_weights(a_model_folder, **tensors)
    assert sentence in sentence_of(a_model_folder)


@pytest.mark.parametrize("content", [b"not safetensors at all", b"\xff"])
def test_weights_in_another_format(a_model_folder: Path, content: bytes):
    change_weights(a_model_folder, content * 10**4)
    assert "expected a file in safetensors format" in sentence_of(a_model_folder)


def test_weights_too_small_for_the_net_are_told_before_it_is_built(a_model_folder: Path):
    change_weights(a_model_folder, b"")
    assert "expected at least" in sentence_of(a_model_folder)


class Bomb:
    """Leaves a trace when it is unpickled."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self):
        return os.mkdir, (str(self.trace),)


def test_a_pickle_is_never_loaded(a_model_folder: Path, tmp_path: Path):
    change_weights(a_model_folder, pickle.dumps(Bomb(tmp_path / "exploded")) + b"\0" * 10**5)
    assert "expected a file in safetensors format" in sentence_of(a_model_folder)
    assert not (tmp_path / "exploded").exists()
