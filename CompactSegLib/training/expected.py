"""What training cases have of each structure, for the finished model: a result far from that can be remarked on."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import torch
from torch import Tensor

from CompactSegLib.models.expected import ExpectedVolume

__all__ = ["expected_millilitres"]


def expected_millilitres(
    label_maps: Iterable[Tensor], *, names: Sequence[str], spacing_mm: Sequence[float]
) -> dict[str, ExpectedVolume]:
    """Mean, smallest and largest volume of each label over cases.

    Args:
        label_maps: Per case ``(D, H, W)``, whole numbers: 0 the background, 1 the first of the names, and so on.
        names: Of the labels, from value 1.
        spacing_mm: Of the maps, along their axes in any order.

    Returns:
        By label name, in millilitres; empty where there are no cases.
    """
    voxel = math.prod(spacing_mm) / 1000
    volumes = [
        voxel * torch.bincount(labels.flatten().long(), minlength=len(names) + 1)[1:].double()
        for labels in label_maps
    ]
    if not volumes:
        return {}
    table = torch.stack(volumes)
    least, most = torch.aminmax(table, dim=0)
    mean = table.mean(dim=0).clamp(
        least, most
    )  # sums of floats may leave that range by their last digit
    columns = zip(*(each.tolist() for each in (mean, least, most)), strict=True)
    return {
        name: ExpectedVolume(*(round(value, 3) for value in column))
        for name, column in zip(names, columns, strict=True)
    }
