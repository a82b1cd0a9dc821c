"""How far logits and labels of a volume cut into tiles are from those of the whole volume, in fp32.

The volume is the MNI152 template that nilearn carries, or any file. Logits may differ by rounding, since convolution
kernels sum in an order that depends on the tile's shape; labels must not differ at all.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from tables import show, write_json

from CompactSegLib import Segmenter, Volume, as_volume, load_model, read_volume
from CompactSegLib.inference.devices import keep_freed_memory
from CompactSegLib.inference.prepared import PreparedImage
from CompactSegLib.inference.tiles import split
from CompactSegLib.network.boxes import full_box


def the_template() -> Volume:
    """The MNI152 T1 template, 197×233×189 voxels of 1 mm."""
    from nilearn.datasets import load_mni152_template

    return as_volume(load_mni152_template(resolution=1))


def largest_difference(segmenter: Segmenter, volume: Volume, *, level: int, edge: int) -> dict:
    """Largest absolute difference of a level's logits, and the largest logit."""
    model, run = segmenter.model, segmenter.start(volume)
    image = PreparedImage(run.processor, volume, grid=run.grid, intensity=model.intensity)
    everything = full_box(image.shape)
    largest = magnitude = 0.0
    with segmenter.runtime.settings():
        expected = image.level_maps(level, everything).logits(everything)
        for core in split(everything, edge, stride=model.net_config.stride()):
            part = expected[(slice(None), *core)]
            difference = (image.level_maps(level, core).logits(core) - part).abs().max()
            largest = max(largest, float(difference))
            magnitude = max(magnitude, float(part.abs().max()))
    return {"largest logit difference": f"{largest:.1e}", "largest logit": magnitude}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--model", default="hippocampus-mr", help="name or folder")
    parser.add_argument("--volume", type=Path, help="a file; by default the MNI152 template")
    parser.add_argument("--tile", type=int, nargs="+", default=[96, 128])
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--json", type=Path, help="write the figures here instead of printing them")
    options = parser.parse_args()
    keep_freed_memory()

    model = load_model(options.model)
    volume = read_volume(options.volume) if options.volume else the_template()

    def segmenter(tile: int) -> Segmenter:
        return Segmenter(model, device=options.device, precision="fp32", tile=tile)

    edge = max(volume.shape_kji) * 4
    at_once = [level.labels for level in segmenter(edge).start(volume).levels(all_levels=True)]
    rows = []
    for tile in options.tile:
        levels = segmenter(tile).start(volume).levels(all_levels=True)
        for level, expected in zip(levels, at_once, strict=True):
            rows.append(
                {
                    "tile": tile,
                    "level": level.number,
                    **largest_difference(segmenter(edge), volume, level=level.number, edge=tile),
                    "labels that differ": int((level.labels != expected).sum()),
                    "voxels": expected.size,
                }
            )
    show(f"{model.name} in tiles, torch {torch.__version__}", rows)
    write_json(options.json, rows)


if __name__ == "__main__":
    main()
