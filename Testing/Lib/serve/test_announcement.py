"""What a worker says of its devices, on machines that are not as they should be."""

from __future__ import annotations

import sys

import pytest
import torch

import CompactSegLib.inference.segmenter  # noqa: F401 - imported during a test, it would keep a replaced function
from CompactSegLib.errors import DeviceError
from CompactSegLib.inference import devices
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
