"""Voxels whose two best classes tie within rounding: labelled alike, however a volume is cut into tiles.

Convolution kernels sum in an order that depends on the tile's shape. The standard tiles (`tiles.standard_edge`) hang
on the volume alone, so what they say does too; a run whose own tiles are those has nothing to decide.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from CompactSegLib.inference.devices import is_out_of_memory
from CompactSegLib.inference.prepared import PreparedImage
from CompactSegLib.inference.processor import Processor
from CompactSegLib.inference.tiles import parts_of_tile
from CompactSegLib.volume.resampling import GridMap


def decide_ties(
    labels: NDArray[np.uint8],
    ties: NDArray[np.bool_],
    *,
    processor: Processor,
    image: PreparedImage,
    grid: GridMap,
    level: int,
    told: Callable[[float], None],
) -> None:
    """Label ties as the standard tiles label them: one more computation of the level for all of them.

    Args:
        labels: ``(D, H, W)`` on the oriented source grid; changed where voxels tie.
        ties: ``(D, H, W)``, which do.
        processor: Told where there is no memory for it.
        image: The volume.
        grid: From the source grid to the model's.
        level: Which level.
        told: Called with the share that is done.
    """
    standard = image.standard(level)
    cores, first = standard.standard_cores, max(1, standard.kept.number)
    rounds = [(number, core) for number in range(first, level + 1) for core in cores]
    try:
        for done, (number, core) in enumerate(rounds, start=1):
            if core == cores[0]:
                dtype = processor.runtime.dtype
                standard.kept.begin(number, dtype=dtype)
            wanted, parts = parts_of_tile(core, grid, processor.runtime.device)
            maps = standard.level_maps(number, wanted, core=core)
            for part, box in parts if number == level else ():
                if ties[part].any():
                    found = grid.labels(maps.logits(box), box, part).cpu().numpy()
                    labels[part][ties[part]] = found[ties[part]]
            if core == cores[-1]:
                standard.kept.finish(is_standard=True)
            told(done / len(rounds))
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        processor.tell(
            f"Level {level}: {np.count_nonzero(ties)} voxels tie between two labels, and there was no memory to decide "
            "them; their label may depend on the tile size."
        )
    if standard.kept.bytes > processor.kept_limit():
        image.forget_standard()
