"""Accelerators without memory or an operator, and devices and precisions that are wrong."""

from __future__ import annotations

import weakref

import numpy as np
import pytest
import torch

from benchmarks.accelerator import accelerator
from CompactSegLib import Segmenter
from CompactSegLib.inference.devices import Runtime, release_cached
from CompactSegLib.inference.prepared import PreparedImage
from CompactSegLib.volume.resampling import GridMap
from Testing.Lib.inference.models_in_memory import (
    a_volume,
    gives_what_the_cpu_gives,
    model_in_memory,
    out_of_memory_above,
    run_for,
)
from Testing.Lib.nets import POOLED, layer, net_config, serial

CONFIG = net_config(serial(layer(4)), POOLED, POOLED)


@pytest.fixture
def a_model():
    return model_in_memory(CONFIG)


def last_layer(run, block: int) -> torch.nn.Module:
    """Of a block's first branch."""
    return run.processor.net.blocks[block].branches[0].layers[-1]


@pytest.fixture
def a_pretended_accelerator():
    with accelerator("cuda", free_bytes=2**30):
        yield Runtime(torch.device("cuda", 0), "fp32")


def test_an_accelerator_without_memory_gives_way_to_the_cpu(a_model, a_pretended_accelerator):
    run = run_for(a_model, a_volume((16, 15, 14)), runtime=a_pretended_accelerator)
    out_of_memory_above(run, 0)  # the net that moves to the CPU later is another copy
    gives_what_the_cpu_gives(run)
    assert run.info.device == "cpu"
    assert run.info.messages[0].startswith("Level 1: out of memory on cuda:0, going on")
    assert "going on with the CPU" in run.info.messages[-1]


def test_after_memory_ran_out_the_next_volume_is_tried_on_the_accelerator_again(
    a_model, a_pretended_accelerator, monkeypatch
):
    monkeypatch.setattr(
        "CompactSegLib.inference.segmenter.select_runtime", lambda *_: a_pretended_accelerator
    )
    segmenter = Segmenter(a_model)
    first = segmenter.start(a_volume((8, 8, 8)))
    out_of_memory_above(first, 0)
    first.level(1)
    assert first.info.device == "cpu"
    second = segmenter.start(a_volume((8, 8, 8), seed=1))
    second.level(1)
    assert (second.info.device, second.info.messages) == ("cuda:0", ())
    assert first.level(2).number == 2


def test_an_accelerator_that_lacks_an_operator_gives_way_to_the_cpu(
    a_model, a_pretended_accelerator
):
    run = run_for(a_model, a_volume((16, 15, 14)), tile=8, runtime=a_pretended_accelerator)

    def refuse(*_):
        raise NotImplementedError("The operator 'aten::max_pool3d' is not implemented\nfor MPS")

    run.processor.net.blocks[1].register_forward_pre_hook(refuse)
    gives_what_the_cpu_gives(run)
    assert run.info.device == "cpu"
    assert run.info.messages == (
        "Level 1: cuda:0 failed (The operator 'aten::max_pool3d' is not implemented), going on with the CPU.",
    )


@pytest.mark.parametrize("trouble", ["memory", "operator", "nonsense"])
def test_the_device_that_is_left_gets_its_memory_back_when_nothing_is_there_any_more(
    a_model, a_pretended_accelerator, monkeypatch, trouble
):
    run = run_for(a_model, a_volume((16, 15, 14)), tile=8, runtime=a_pretended_accelerator)
    net, happened = weakref.ref(run.processor.net), []
    to_cpu = PreparedImage.to_cpu

    def note_move(image):
        happened.append("image and maps moved")
        to_cpu(image)

    def note_release(device):
        happened.append(f"{device} released with{'' if net() else 'out'} net")

    def refuse(*_):
        raise NotImplementedError

    monkeypatch.setattr(PreparedImage, "to_cpu", note_move)
    monkeypatch.setattr("CompactSegLib.inference.tiled_level.release_cached", note_release)
    if trouble == "memory":
        out_of_memory_above(run, 0)
    elif trouble == "operator":
        run.processor.net.blocks[1].register_forward_pre_hook(refuse)
    else:
        last_layer(run, 1).register_forward_hook(lambda _m, _i, output: output * np.nan)
    run.level(1)
    assert run.info.device == "cpu"
    assert happened[-2:] == ["image and maps moved", "cuda:0 released without net"]


def test_a_device_that_takes_no_memory_back_stops_nobody(monkeypatch):
    asked = []

    def fail():
        asked.append("to empty its cache")
        raise RuntimeError("CUDA error: an illegal memory access was encountered")

    monkeypatch.setattr(torch.cuda, "empty_cache", fail)
    release_cached(torch.device("cuda"))
    assert asked


def test_an_accelerator_that_can_not_prepare_the_image_leaves_it_to_the_cpu(
    a_model, a_pretended_accelerator, monkeypatch
):
    volume = a_volume((9, 8, 7))
    expected = run_for(a_model, volume).level(1)
    run = run_for(a_model, volume, runtime=a_pretended_accelerator)
    monkeypatch.setattr(GridMap, "prepare", prepare_on_the_cpu_only)
    level = run.level(1)
    np.testing.assert_array_equal(level.labels, expected.labels)
    assert run.info.device == "cuda:0"


prepare = GridMap.prepare


def prepare_on_the_cpu_only(self, array, device):
    if device != torch.device("cpu"):
        raise NotImplementedError("not implemented for the MPS device")
    return prepare(self, array, device)


def test_an_accelerator_that_computes_nonsense_is_not_believed(a_model, a_pretended_accelerator):
    run = run_for(a_model, a_volume((16, 15, 14)), runtime=a_pretended_accelerator)
    last_layer(run, 2).register_forward_hook(lambda _m, _i, output: output.flip(-1))
    gives_what_the_cpu_gives(run)
    (message,) = run.info.messages
    assert message == (
        "Labels on cuda:0 in fp32 did not agree with the CPU in fp32, going on with cpu in fp32."
    )


def test_reduced_precision_that_is_wrong_gives_way_to_fp32(a_model):
    run = run_for(a_model, a_volume((16, 15, 14)), precision="bf16")
    last_layer(run, 0).register_forward_hook(lambda _m, _i, output: output.flip(-1))
    gives_what_the_cpu_gives(run)
    assert run.info.precision == "fp32"


def test_in_reduced_precision_the_last_convolution_of_each_head_stays_in_fp32(a_model):
    """Rounded to bf16, scores tie so often that the first class would win voxels it should not."""
    run = run_for(a_model, a_volume((16, 15, 14)), precision="bf16")
    net, scores = run.processor.net, []
    assert {block.branches[0].layers[0].conv.weight.dtype for block in net.blocks} == {
        torch.bfloat16
    }
    assert {head.classifier.weight.dtype for head in net.heads} == {torch.float32}
    net.heads[0].register_forward_hook(lambda _m, _i, output: scores.append(output))
    run.level(1)
    assert scores[0].dtype == torch.float32
    best, second = scores[0].topk(2, dim=1).values.unbind(dim=1)
    assert (best == second).float().mean() < 1e-3


def test_values_that_are_not_finite_are_noticed_wherever_they_are(a_model):
    """They would pass for background; the small box that is compared with the CPU may be elsewhere."""
    run = run_for(a_model, a_volume((24, 6, 6)), precision="bf16", tile=8)

    def overflow(_module, _inputs, output):
        output[:, :, -2:] = float("nan")
        return output

    last_layer(run, 1).register_forward_hook(overflow)
    gives_what_the_cpu_gives(run)
    assert run.info.precision == "fp32"


def test_the_reference_is_not_compared_with_itself(a_model, monkeypatch):
    """A comparison that always fails ends there, instead of going round for ever."""
    monkeypatch.setattr("CompactSegLib.inference.tiled_level._LEAST_AGREEMENT", 2.0)
    run = run_for(a_model, a_volume((8, 8, 8)), precision="bf16")
    run.level(1)
    assert run.info.precision == "fp32"
    assert len(run.info.messages) == 1


def test_each_run_finds_out_for_itself_that_a_device_is_wrong_and_says_so(a_model, monkeypatch):
    segmenter = Segmenter(a_model, device="cpu", precision="bf16")
    monkeypatch.setattr("CompactSegLib.inference.tiled_level._LEAST_AGREEMENT", 2.0)
    for seed in (0, 1):
        run = segmenter.start(a_volume((8, 8, 8), seed=seed))
        run.level(1)
        assert run.info.precision == "fp32"
        (message,) = run.info.messages
        assert message.startswith("Labels on cpu in bf16 did not agree")
    assert segmenter.runtime.precision == "bf16"
