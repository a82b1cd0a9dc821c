"""Memory that runs out, devices that are not there, and devices that are wrong."""

from __future__ import annotations

import weakref

import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from CompactSegLib import Segmenter
from CompactSegLib.errors import DeviceError
from CompactSegLib.inference.devices import Runtime, is_out_of_memory, select_runtime
from CompactSegLib.inference.tiles import bytes_per_voxel, choose_edge
from CompactSegLib.network import BranchConfig, halo
from Testing.Lib.inference.models_in_memory import a_volume, model_in_memory, segmenter_for
from Testing.Lib.nets import layer, net_config, parallel, serial

POOLED = parallel(BranchConfig((layer(3),)), BranchConfig((layer(3),), pool=2))
CONFIG = net_config(serial(layer(4)), POOLED, POOLED)


@pytest.fixture
def a_model():
    return model_in_memory(CONFIG)


def out_of_memory_above(segmenter: Segmenter, voxels: int, *, only: torch.device | None = None):
    """Make every block fail for regions of more than so many voxels, as an allocator would."""

    def refuse(_module, inputs):
        if inputs[0][0, 0].numel() > voxels and (only is None or inputs[0].device == only):
            raise torch.OutOfMemoryError("out of memory. Tried to allocate 9.99 GiB")

    for block in segmenter.net.blocks:
        block.register_forward_pre_hook(refuse)


def test_out_of_memory_halves_the_tile_and_goes_on(a_model):
    volume = a_volume((24, 25, 26))
    expected = [level.labels for level in segmenter_for(a_model).levels(volume, all_levels=True)]
    segmenter = segmenter_for(a_model)
    out_of_memory_above(segmenter, 16**3)
    levels = list(segmenter.levels(volume, all_levels=True))
    for level, labels in zip(levels, expected, strict=True):
        np.testing.assert_array_equal(level.labels, labels)
    assert "Level 1: out of memory on cpu, going on with tiles of" in segmenter.info.messages[0]
    assert segmenter.info.tile < 24


def test_on_the_cpu_without_any_memory_there_is_a_sentence(a_model):
    segmenter = segmenter_for(a_model)
    out_of_memory_above(segmenter, 0)
    evaluation = segmenter.start(a_volume((8, 8, 8)))
    with pytest.raises(DeviceError, match="the CPU has none left; close other programs"):
        evaluation.level(1)


class PretendedDevice(Runtime):
    """The CPU under another name, so that what an accelerator does can be shown without one."""

    @property
    def name(self) -> str:
        return "pretended"


@pytest.fixture
def a_pretended_accelerator(monkeypatch):
    """A device of type ``cuda`` in what the engine reads, on which tensors stay on the CPU."""

    class Device:
        type = "cuda"

        def __str__(self) -> str:
            return "cuda:0"

    class Accelerator(PretendedDevice):
        def free_bytes(self) -> int:
            return 2**30

    pretended = Accelerator(Device(), "fp32")
    real_to, real_module_to, real_empty = torch.Tensor.to, torch.nn.Module.to, torch.empty

    def on_cpu(arguments):
        return tuple(torch.device("cpu") if isinstance(a, Device) else a for a in arguments)

    def empty(*sizes, **options):
        if isinstance(options.get("device"), Device):
            options["device"] = "cpu"
        return real_empty(*sizes, **options)

    monkeypatch.setattr(torch.Tensor, "to", lambda self, *a, **k: real_to(self, *on_cpu(a), **k))
    monkeypatch.setattr(
        torch.nn.Module, "to", lambda self, *a, **k: real_module_to(self, *on_cpu(a), **k)
    )
    monkeypatch.setattr(torch, "empty", empty)
    return pretended


def test_an_accelerator_without_memory_gives_way_to_the_cpu(a_model, a_pretended_accelerator):
    volume = a_volume((16, 15, 14))
    expected = [level.labels for level in segmenter_for(a_model).levels(volume, all_levels=True)]
    segmenter = segmenter_for(a_model)
    segmenter._use(a_pretended_accelerator)
    out_of_memory_above(segmenter, 0)  # the net that moves to the CPU later is another copy
    levels = list(segmenter.levels(volume, all_levels=True))
    for level, labels in zip(levels, expected, strict=True):
        np.testing.assert_array_equal(level.labels, labels)
    assert segmenter.info.device == "cpu"
    assert segmenter.info.messages[0].startswith("Level 1: out of memory on cuda:0, going on")
    assert "going on with the CPU" in segmenter.info.messages[-1]


def test_an_accelerator_that_computes_nonsense_is_not_believed(a_model, a_pretended_accelerator):
    volume = a_volume((16, 15, 14))
    expected = [level.labels for level in segmenter_for(a_model).levels(volume, all_levels=True)]
    segmenter = segmenter_for(a_model)
    segmenter._use(a_pretended_accelerator)
    segmenter.net.blocks[2].register_forward_hook(lambda _m, _i, output: output.flip(-1))
    levels = list(segmenter.levels(volume, all_levels=True))
    for level, labels in zip(levels, expected, strict=True):
        np.testing.assert_array_equal(level.labels, labels)
    (message,) = segmenter.info.messages
    assert message == (
        "Labels on cuda:0 in fp32 did not agree with the CPU in fp32, going on with cpu in fp32."
    )


def test_reduced_precision_that_is_wrong_gives_way_to_fp32(a_model):
    volume = a_volume((16, 15, 14))
    expected = [level.labels for level in segmenter_for(a_model).levels(volume, all_levels=True)]
    segmenter = segmenter_for(a_model, precision="bf16")
    segmenter.net.blocks[0].register_forward_hook(lambda _m, _i, output: output.flip(-1))
    levels = list(segmenter.levels(volume, all_levels=True))
    for level, labels in zip(levels, expected, strict=True):
        np.testing.assert_array_equal(level.labels, labels)
    assert segmenter.info.precision == "fp32"


def test_other_errors_are_not_taken_for_a_lack_of_memory(a_model):
    segmenter = segmenter_for(a_model)

    def fail(*_):
        raise RuntimeError("something else broke")

    segmenter.net.blocks[0].register_forward_pre_hook(fail)
    with pytest.raises(RuntimeError, match="something else broke"):
        segmenter.start(a_volume((8, 8, 8))).level(1)
    assert segmenter.info.messages == ()


def test_the_words_of_every_allocator_are_known():
    for text in (
        "CUDA out of memory. Tried to allocate 2.00 GiB",
        "MPS backend out of memory (MPS allocated: 17.94 GB)",
        "[enforce fail at alloc_cpu.cpp:121] DefaultCPUAllocator: can't allocate memory: you tried",
        "DefaultCPUAllocator: not enough memory: you tried to allocate 80000000000 bytes.",
    ):
        assert is_out_of_memory(RuntimeError(text))
    assert is_out_of_memory(MemoryError())
    assert not is_out_of_memory(RuntimeError("mat1 and mat2 shapes cannot be multiplied"))


def test_the_cpus_own_allocator_is_understood():
    with pytest.raises(RuntimeError) as caught:
        torch.empty(2**60, dtype=torch.uint8)
    assert is_out_of_memory(caught.value)


@pytest.mark.parametrize("device", ["tpu", "cuda:x", ""])
def test_an_unknown_device_is_refused(device):
    with pytest.raises(DeviceError, match="device: expected one of auto, cpu, cuda, mps"):
        select_runtime(device)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device here")
def test_a_device_that_is_not_there_is_refused():
    with pytest.raises(DeviceError, match=r"got 'cuda', which it does not see; use auto or cpu"):
        select_runtime("cuda")


def test_an_unknown_precision_is_refused():
    with pytest.raises(DeviceError, match="precision: expected one of auto, fp32, bf16, fp16"):
        select_runtime("cpu", "int8")


def test_the_tile_follows_the_free_memory():
    edges = [
        choose_edge(
            CONFIG,
            1,
            halo=halo(CONFIG, 1),
            free_bytes=free,
            itemsize=4,
            largest=128,
        )
        for free in (0, 2**24, 2**28, 2**40)
    ]
    assert edges == sorted(edges)
    assert edges[0] == CONFIG.stride()
    assert edges[1] < edges[2]
    assert edges[-1] == 128


class LiveBytes(TorchDispatchMode):
    """The most bytes that tensors made by operators held at one time."""

    def __init__(self) -> None:
        super().__init__()
        self.peak = 0
        self._made: list[weakref.ref[torch.Tensor]] = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        for made in result if isinstance(result, tuple | list) else (result,):
            if isinstance(made, torch.Tensor):
                self._made.append(weakref.ref(made))
        alive = [tensor for tensor in (ref() for ref in self._made) if tensor is not None]
        storages = {t.untyped_storage().data_ptr(): t.untyped_storage().nbytes() for t in alive}
        self.peak = max(self.peak, sum(storages.values()))
        return result


def test_the_estimate_of_memory_is_not_below_what_a_level_takes(a_model):
    edge = 24
    image = torch.randn(1, 1, edge, edge, edge)
    with torch.no_grad(), LiveBytes() as live:
        a_model.net(image, levels=1)
    estimate = bytes_per_voxel(CONFIG, 1, itemsize=4) * edge**3
    assert estimate / 3 < live.peak <= estimate
