"""What a worker says of its models, and of its devices on machines that are not as they should be."""

from __future__ import annotations

import io
import json
import shutil
import sys

import pytest
import torch

import CompactSegLib.inference.segmenter  # noqa: F401 - imported during a test, it would keep a replaced function
from CompactSegLib.errors import DeviceError
from CompactSegLib.inference import devices
from CompactSegLib.serve.events import announced, ready
from CompactSegLib.serve.protocol import LARGEST_LINE, Frame, encode_frame, read_frames
from CompactSegLib.serve.session import Session
from Testing.Lib.serve.worker_process import WorkerProcess

SEEN_BUT_UNUSABLE = """
import torch
torch.cuda.device_count, torch.cuda.is_available = lambda: 1, lambda: False
"""
NOTHING_CAN_BE_TOLD = """
from CompactSegLib.serve.session import Session
def fail(self): raise RuntimeError("no such driver")
Session.devices = fail
"""
NAMES = [f"m{number:02}" for number in range(30)]
RUN = "from CompactSegLib.serve.worker import run_worker\nrun_worker()"


def test_a_gpu_that_nvml_sees_and_cuda_can_not_use_is_not_offered():
    with WorkerProcess(command=[sys.executable, "-c", SEEN_BUT_UNUSABLE + RUN]) as worker:
        assert worker.next().message["event"] == "ready"
        devices = worker.next().message
        assert devices["event"] == "devices"
        assert [device["name"] for device in devices["devices"]] == ["cpu"]


def test_a_worker_that_can_not_tell_its_devices_says_so_and_goes_on():
    with WorkerProcess(command=[sys.executable, "-c", NOTHING_CAN_BE_TOLD + RUN]) as worker:
        assert worker.next().message["event"] == "ready"
        error = worker.next().message
        assert (error["event"], error["id"], error["kind"]) == ("error", None, "fault")
        assert "no such driver" in error["sentence"]
        worker.ask("hello", id="after")
        (ready,) = worker.until_last("after")
        assert ready.message["event"] == "ready"
        worker.ask("shutdown")
        assert worker.wait() == 0
        assert b"Traceback" in worker.log


@pytest.mark.parametrize("trouble", [DeviceError("gone"), RuntimeError("no kernel image")])
@pytest.mark.parametrize("place", ["select", "name"])
def test_a_device_that_fails_when_asked_is_left_out_and_the_others_stay(
    monkeypatch, trouble, place
):
    class Runtime(devices.Runtime):
        @property
        def name(self) -> str:
            if place == "name" and self.device == torch.device("cuda:0"):
                raise trouble
            return f"the {self.device}"

    def select(name: str, precision: str = "auto") -> Runtime:
        if place == "select" and name == "cuda:0":
            raise trouble
        return Runtime(torch.device(name), "fp32")

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    monkeypatch.setattr(devices, "select_runtime", select)
    titles = [device["title"] for device in Session().devices()["devices"]]
    assert titles == ["the cuda:1", "the cpu"]


def test_a_model_tells_its_data_figures_limits_and_volumes(tmp_path, write_tiny_model):
    dataset = {"name": "Brains", "reference": "A. Body", "licence": "CC0", "cases": 20}
    model = write_tiny_model(
        tmp_path / "new",
        provenance={"dataset": dataset, "limits": ["Adults only."]},
        validation=[{}, {}, {"dice": 0.7, "cases": 8}],
    )
    card = announced(model)["card"]
    assert card["made_from"] == "Brains (A. Body; CC0), 20 cases"
    assert (card["dice"], card["cases"], card["is_synthetic"]) == (0.7, 8, False)
    assert card["limits"][0].startswith(f"It is made for {model.modality} only")
    assert "Adults only." in card["limits"]


@pytest.mark.parametrize(
    ("dataset", "told"),
    [
        (None, ""),
        ("a name", ""),
        ({"cases": 3}, ""),
        ({"name": "Brains", "cases": "x"}, "Brains"),
        ({"name": "Brains", "cases": 1}, "Brains, 1 case"),
    ],
)
def test_provenance_of_any_form_is_no_error(tmp_path, write_tiny_model, dataset, told):
    provenance = {"dataset": dataset, "limits": 5, "plan": None}
    card = announced(write_tiny_model(tmp_path / "new", provenance=provenance))["card"]
    assert card["made_from"] == told
    assert (card["dice"], card["is_synthetic"]) == (None, False)
    assert "5" not in " ".join(card["limits"][:1])


def test_a_model_of_endless_texts_does_not_take_the_others_away(
    tmp_path, write_tiny_model, monkeypatch
):
    """All models are told in one line, which is not read where it is too long."""
    monkeypatch.setenv("COMPACTSEG_MODELS", str(tmp_path))
    write_tiny_model(tmp_path / "good")
    write_tiny_model(tmp_path / "bad", description="x" * LARGEST_LINE)
    told = ready()
    (frame,) = read_frames(io.BytesIO(b"".join(map(bytes, encode_frame(told)))))
    assert isinstance(frame, Frame)
    names = [model["name"] for model in frame.message["models"]]
    assert "good" in names
    assert "bad" not in names
    assert [str(tmp_path / "bad") in sentence for sentence in told["damaged"]] == [True]


def test_many_models_of_long_texts_do_not_take_each_other_away(
    tmp_path, write_tiny_model, monkeypatch
):
    """Each for itself may be told, all together would not be read."""
    monkeypatch.setenv("COMPACTSEG_MODELS", str(tmp_path))
    first = write_tiny_model(tmp_path / "m00", description="x" * 250_000)
    for number in range(1, 30):
        shutil.copytree(first.folder, tmp_path / f"m{number:02}")
    told = ready()
    (frame,) = read_frames(io.BytesIO(b"".join(map(bytes, encode_frame(told)))))
    assert isinstance(frame, Frame)
    names = [model["name"] for model in frame.message["models"] if model["name"] in NAMES]
    assert NAMES[0] in names
    assert len(names) + len(told["damaged"]) == 30
    assert str(tmp_path / "m29") in told["damaged"][-1]


def test_many_damaged_models_are_told_in_few_sentences(tmp_path, monkeypatch):
    monkeypatch.setenv("COMPACTSEG_MODELS", str(tmp_path))
    for number in range(300):
        (tmp_path / f"m{number}").mkdir()
        (tmp_path / f"m{number}" / "model.json").write_text("[]")
    told = ready()["damaged"]
    assert len(told) == 51
    assert told[-1].startswith("250 more")


def test_a_sentence_on_a_damaged_model_is_no_longer_than_people_read(
    tmp_path, write_tiny_model, monkeypatch
):
    monkeypatch.setenv("COMPACTSEG_MODELS", str(tmp_path))
    write_tiny_model(tmp_path / "bad")
    file = tmp_path / "bad" / "model.json"
    data = json.loads(file.read_text(encoding="utf-8"))
    data["labels"][0]["name"] = "x" * LARGEST_LINE
    data["expected_millilitres"] = {
        "x" * LARGEST_LINE: {"mean": 1, "least": 1, "most": 1},
        "y": {"mean": 1, "least": 1, "most": 1},
    }
    file.write_text(json.dumps(data), encoding="utf-8")
    (sentence,) = ready()["damaged"]
    assert len(sentence) <= 2000
