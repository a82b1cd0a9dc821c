"""Models and volumes that tests make in memory."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch

from CompactSegLib import Run
from CompactSegLib.inference.devices import Runtime, select_runtime
from CompactSegLib.labels import Label
from CompactSegLib.model.model import ExpectedVolume, LevelInfo, Model, Stop, Weights
from CompactSegLib.model.weights import WEIGHTS_FILE
from CompactSegLib.network.config import NetConfig
from CompactSegLib.network.cost import level_costs
from CompactSegLib.network.folding import fold_batch_norm
from CompactSegLib.volume.geometry import Geometry
from CompactSegLib.volume.intensities import IntensityRule
from CompactSegLib.volume.refinement import Refinement
from CompactSegLib.volume.volume import Volume
from Testing.Lib.nets import random_net


def model_in_memory(
    config: NetConfig,
    *,
    spacing_mm: tuple[float, float, float] = (1.0, 1.0, 1.0),
    orientation: str = "RAS",
    field_mm: tuple[float, float, float] | None = None,
    threshold: float = 0.01,
    intensity: IntensityRule | None = None,
    expected: Mapping[str, ExpectedVolume] | None = None,
    refinement: Refinement | None = None,
    zero_weights: bool = False,
    seed: int = 0,
) -> Model:
    """A model with an untrained net, as if it had been read from a folder."""
    net = random_net(config, seed=seed)
    if zero_weights:
        for parameter in net.parameters():
            parameter.data.zero_()
    model = Model(
        name="in-memory",
        folder=Path("in-memory"),
        title="",
        description="",
        net_config=config,
        labels=tuple(
            Label(value, f"label {value}", (255, 0, value)) for value in range(1, config.classes)
        ),
        modality="MR",
        orientation=orientation,
        spacing_mm=spacing_mm,
        field_mm=field_mm,
        intensity=intensity or IntensityRule("zscore"),
        levels=tuple(LevelInfo(**asdict(cost), validation={}) for cost in level_costs(config)),
        stop=Stop(threshold),
        provenance={},
        licence="",
        weights=Weights(WEIGHTS_FILE, ""),
        size_bytes=0,
        expected_millilitres=expected or {},
        refinement=refinement,
    )
    model.__dict__["net"] = fold_batch_norm(net)
    return model


def a_volume(
    shape_kji: tuple[int, int, int],
    *,
    channels: int = 1,
    spacing_mm: tuple[float, float, float] = (1.0, 1.0, 1.0),
    seed: int = 0,
) -> Volume:
    """Noise, in which every voxel matters."""
    generator = torch.Generator().manual_seed(seed)
    array = torch.randn((channels, *shape_kji), generator=generator).numpy().astype(np.float32)
    geometry = Geometry(
        size_ijk=shape_kji[::-1],
        spacing_mm=spacing_mm,
        origin_lps_mm=(10.0, -20.0, 30.0),
        direction_lps=(-1.0, 0.0, 0.0, 0.0, -1.0, 0.0, 0.0, 0.0, 1.0),
    )
    return Volume(array, geometry, name="noise")


def run_for(
    model: Model,
    volume: Volume,
    *,
    precision: str = "fp32",
    runtime: Runtime | None = None,
    **options: int | None,
) -> Run:
    """On the CPU in fp32 unless told otherwise."""
    return Run(model, volume, runtime=runtime or select_runtime("cpu", precision), **options)


def gives_what_the_cpu_gives(run: Run) -> None:
    """Its labels of all levels are those of a run on the CPU in fp32."""
    alone = run_for(run.model, run.volume).levels(all_levels=True)
    for level, expected in zip(run.levels(all_levels=True), alone, strict=True):
        np.testing.assert_array_equal(level.labels, expected.labels)


def out_of_memory_above(run: Run, voxels: int, *, only: torch.device | None = None):
    """Make every block fail for regions of more than so many voxels, as an allocator would."""

    def refuse(_module, inputs):
        (maps,) = inputs
        device = maps.parts[0].values.device
        if math.prod(maps.shape) > voxels and (only is None or device == only):
            raise torch.OutOfMemoryError("out of memory. Tried to allocate 9.99 GiB")

    for block in run.processor.net.blocks:
        block.register_forward_pre_hook(refuse)
