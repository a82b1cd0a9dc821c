"""Memory that runs out, and devices that are not there."""

from __future__ import annotations

import weakref
from dataclasses import replace

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from CompactSegLib import load_model
from CompactSegLib.errors import DeviceError
from CompactSegLib.inference.devices import Runtime, is_out_of_memory, select_runtime
from CompactSegLib.inference.prepared import PreparedImage
from CompactSegLib.inference.tiles import bytes_per_voxel, choose_edge
from CompactSegLib.network.boxes import full_box
from CompactSegLib.network.config import BranchConfig, NetConfig
from CompactSegLib.network.reach import halo
from CompactSegLib.network.slabs import AtATime
from CompactSegLib.volume.resampling import GridMap
from Testing.Lib.inference.models_in_memory import (
    a_volume,
    gives_what_the_cpu_gives,
    model_in_memory,
    out_of_memory_above,
    run_for,
)
from Testing.Lib.nets import POOLED, layer, net_config, parallel, serial

CONFIG = net_config(serial(layer(4)), POOLED, POOLED)


@pytest.fixture
def a_model():
    return model_in_memory(CONFIG)


@pytest.mark.slow
def test_out_of_memory_halves_the_tile_and_goes_on(a_model):
    run = run_for(a_model, a_volume((24, 25, 26)))
    out_of_memory_above(run, 18**3)
    gives_what_the_cpu_gives(run)
    assert "Level 1: out of memory on cpu, going on with tiles of" in run.info.messages[0]
    assert run.info.tile < 24


def test_on_the_cpu_without_any_memory_there_is_a_sentence(a_model):
    run = run_for(a_model, a_volume((8, 8, 8)))
    out_of_memory_above(run, 0)
    with pytest.raises(DeviceError, match="the CPU has none left; close other programs"):
        run.level(1)


@pytest.mark.parametrize("place", ["prepare", "to_source"])
def test_memory_that_runs_out_beside_the_tiles_gives_a_sentence(a_model, monkeypatch, place):
    def refuse(*_, **__):
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried")

    monkeypatch.setattr(GridMap, place, refuse)
    with pytest.raises(DeviceError, match=r"Level 1: .* \(8 x 9 x 10 voxels .* smaller region"):
        run_for(a_model, a_volume((8, 9, 10))).level(1)


def test_an_image_larger_than_the_free_memory_is_not_even_begun(a_model, monkeypatch):
    monkeypatch.setattr("CompactSegLib.inference.prepared.free_main_memory", lambda: 4 * 719)
    monkeypatch.setattr(GridMap, "prepare", None)
    with pytest.raises(DeviceError, match="the CPU has none left"):
        run_for(a_model, a_volume((8, 9, 10))).level(1)


def test_other_errors_are_not_taken_for_a_lack_of_memory(a_model):
    run = run_for(a_model, a_volume((8, 8, 8)))

    def fail(*_):
        raise RuntimeError("something else broke")

    run.processor.net.blocks[0].register_forward_pre_hook(fail)
    with pytest.raises(RuntimeError, match="something else broke"):
        run.level(1)
    assert run.info.messages == ()


def test_the_words_of_every_allocator_are_known():
    for text in (
        "CUDA out of memory. Tried to allocate 2.00 GiB",
        "MPS backend out of memory (MPS allocated: 17.94 GB)",
        "[enforce fail at alloc_cpu.cpp:121] DefaultCPUAllocator: can't allocate memory: you tried",
        "DefaultCPUAllocator: not enough memory: you tried to allocate 80000000000 bytes.",
        "cuDNN error: CUDNN_STATUS_ALLOC_FAILED",
        "Invalid buffer size: 24.00 GB",
        "std::bad_alloc",
    ):
        assert is_out_of_memory(RuntimeError(text))
    assert is_out_of_memory(MemoryError())
    assert not is_out_of_memory(RuntimeError("mat1 and mat2 shapes cannot be multiplied"))


def test_the_cpus_own_allocator_is_understood():
    with pytest.raises(RuntimeError) as caught:
        torch.empty(2**60, dtype=torch.uint8)
    assert is_out_of_memory(caught.value)


@pytest.mark.parametrize("device", ["tpu", "cuda:x", "", "cpu:7", "auto:1"])
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


def edge_for(config: NetConfig, level: int, free_bytes: int, *, shape=(256, 256, 180)) -> int:
    return choose_edge(
        config,
        level,
        start=0,
        shape=shape,
        device=torch.device("cpu"),
        free_bytes=free_bytes,
        itemsize=4,
        largest=256,
    )


def test_the_tile_follows_the_free_memory():
    edges = [edge_for(CONFIG, 1, free) for free in (0, 2**26, 2**28, 2**40)]
    assert edges == sorted(edges)
    assert edges[1] < edges[2] < edges[3] == 256


def test_a_tile_is_never_mostly_halo():
    """Without memory for a tile worth computing, the accelerator is better left."""
    config = net_config(*[parallel(BranchConfig((layer(3), layer(3)), pool=4))] * 4)
    around = halo(config, 3)
    edge = edge_for(config, 3, 0)
    assert edge >= max(around.before, around.after) > config.stride()


def test_a_thin_volume_pays_no_halo_beyond_its_border():
    thin = (512, 512, 4)
    assert edge_for(CONFIG, 2, 2**28, shape=thin) > edge_for(CONFIG, 2, 2**28)


def test_many_classes_do_not_make_tiles_that_are_mostly_halo():
    """The logits are those of a part of a tile."""
    wide = parallel(BranchConfig((layer(3), layer(3))), BranchConfig((layer(3),), pool=4))
    few, many = (
        edge_for(net_config(*[wide] * 5, classes=classes), 4, 2**35, shape=(2**12,) * 3)
        for classes in (3, 105)
    )
    assert 192 <= many <= few


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
        self._made = [weakref.ref(tensor) for tensor in alive]
        storages = {t.untyped_storage().data_ptr(): t.untyped_storage().nbytes() for t in alive}
        self.peak = max(self.peak, sum(storages.values()))
        return result


@pytest.mark.parametrize("name", ["brain-mr", "hippocampus-mr"])
def test_the_estimate_of_memory_is_not_below_what_a_level_of_what_ships_takes(monkeypatch, name):
    monkeypatch.setattr("CompactSegLib.network.feature_map._SLAB_VALUES", AtATime(2**12, 0))
    model, edge = load_model(name), 64
    run = run_for(replace(model, spacing_mm=(1.0, 1.0, 1.0)), a_volume((edge,) * 3))
    grid = GridMap.between(run.volume.geometry, orientation="RAS", spacing_mm=(1.0, 1.0, 1.0))
    image = PreparedImage(run.processor, run.volume, grid=grid, intensity=model.intensity)
    for level in range(1, model.net.levels + 1):
        image.kept.begin(level, dtype=torch.float32)
        held = image.kept.bytes
        with torch.inference_mode(), LiveBytes() as live:
            image.level_maps(level, core := full_box(image.shape), core=core).logits(core)
        image.kept.finish(is_standard=True)
        per_voxel = bytes_per_voxel(model.net.config, level, itemsize=4)
        estimate = (per_voxel + 8 * model.net.config.classes) * edge**3
        assert estimate / 3 < held + live.peak <= estimate


@pytest.mark.slow
@pytest.mark.parametrize(("tile", "holds"), [(8, False), (64, True)])
def test_no_array_of_classes_and_full_volume_is_made_from_tiles(monkeypatch, tile, holds):
    """All tensors together stay below one; a single tile, which holds one, shows that it would be seen."""
    # Ties too are decided from tiles, as in a volume that is too large to be computed at once.
    monkeypatch.setattr("CompactSegLib.inference.tiles._MOST_WHOLE_VOXELS", 0)
    monkeypatch.setattr("CompactSegLib.inference.tiles._STANDARD_EDGE", 16)
    classes, edge = 60, 32
    config = net_config(serial(layer(4)), serial(layer(4)), classes=classes)
    model = model_in_memory(config, spacing_mm=(1.1, 1.0, 1.0))
    run = run_for(model, a_volume((edge, edge, edge)), tile=tile)
    with LiveBytes() as live:
        run.level(1)
    assert (live.peak >= 4 * classes * (edge - 3) * edge**2) == holds


def test_an_apple_gpu_of_pytorch_2_4_cannot_tell_what_it_may_take(monkeypatch):
    monkeypatch.delattr(torch.mps, "recommended_max_memory", raising=False)
    assert Runtime(torch.device("mps"), "fp32").free_bytes() > 0
