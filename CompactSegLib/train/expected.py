"""What training cases have of each structure, for the finished model: a result far from that can be remarked on."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import torch
from torch import Tensor

from CompactSegLib.model.expected import ExpectedVolume

__all__ = ["expected_millilitres"]


def expected_millilitres(
    label_maps: Iterable[tuple[Tensor, Sequence[float]]], *, names: Sequence[str]
) -> dict[str, ExpectedVolume]:
    """Mean, smallest and largest volume of each label over cases.

    Args:
        label_maps: Per case its labels ``(D, H, W)``, whole numbers, 0 the background, 1 the first of the names, and so
            on; and their spacing in mm along the axes in any order.
        names: Of the labels, from value 1.

    Returns:
        By label name, in millilitres; empty where there are no cases.
    """
    volumes = [
        torch.bincount(labels.flatten().int(), minlength=len(names) + 1)[1:].double()
        * (math.prod(spacing_mm) / 1000)
        for labels, spacing_mm in label_maps
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
