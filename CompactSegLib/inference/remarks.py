"""Sentences for the user on what a volume or a result looks unlike what the model knows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from CompactSegLib.model.model import ExpectedVolume, millilitres
from CompactSegLib.words import some_of

if TYPE_CHECKING:
    from CompactSegLib.model.model import Model
    from CompactSegLib.output.level import Level
    from CompactSegLib.volume.resampling import GridMap
    from CompactSegLib.volume.sides import Sides
    from CompactSegLib.volume.volume import Volume

_LARGER = 1.5
# Of what the training cases have, or of the image where that is smaller: what a net finds by mistake is seldom as much.
_HARDLY_ANYTHING = 0.1
# Beyond what age and disease do to most structures.
_FAR = 3.0
# An image that is not that many times larger than what the model finds in it is a crop.
_WHOLE = 2.0


def on_extent(volume: Volume, grid: GridMap, model: Model) -> str | None:
    """A net trained on crops finds its structure in places where it has never been shown what else looks alike.

    Args:
        volume: What is to be segmented.
        grid: From its grid to the model's.
        model: With what.
    """
    field = model.field_mm
    if field is None:
        return None
    extent = [
        voxels * mm for voxels, mm in zip(reversed(grid.model_shape), model.spacing_mm, strict=True)
    ]
    if all(here <= _LARGER * known for here, known in zip(extent, field, strict=True)):
        return None
    return (
        f"{volume.name} measures {_millimetres(extent)}, but {model.name} was trained on images of at most "
        f"{_millimetres(field)}; crop the volume to the structure, or expect wrong labels elsewhere."
    )


def on_contrast(volume: Volume) -> str:
    """Of a volume in which all voxels are alike to the model: a net has an answer to that too, but it means nothing."""
    share = "nearly all" if volume.has_contrast else "all"
    return (
        f"Nothing was found: {share} voxels of {volume.name} are alike, so that it was taken as background without "
        "running the net; check that it is the right image."
    )


def on_region(volume: Volume, model: Model, finder: Model) -> str:
    """Of a volume in which what a model works on was not found."""
    assert model.region is not None
    return (
        f"Nothing was found: {finder.name} sees no {model.region.structure.lower()} in {volume.name}, in which "
        f"{model.name} would look at it; check that the volume shows a head, or crop it to one "
        f"{model.region.structure.lower()}."
    )


def on_findings(level: Level, volume: Volume, model: Model) -> str | None:
    """What was found against what the training cases have; None where that is alike, or not known.

    Args:
        level: The last level that was computed.
        volume: Of this volume.
        model: With this model.
    """
    found, expected = level.millilitres, model.expected_millilitres
    total, usual = sum(found.values()), sum(each.mean for each in expected.values())
    image = level.labels.size * volume.geometry.voxel_millilitres
    if total == 0 or total < _HARDLY_ANYTHING * min(usual, image):
        amount = "Hardly anything was found" if total else "Nothing was found"
        if usual:
            amount += f": {millilitres(total)}, where training cases of {model.name} have {millilitres(usual)}"
        return f"{amount}; check that the volume shows what the model is for ({_purpose(model)})."
    far = [
        f"{name} {millilitres(found[name])} (there {_range(each)})"
        for name, each in expected.items()
        if found[name] > _FAR * each.most
        or (found[name] < each.least / _FAR and image > _WHOLE * usual)
    ]
    if not far:
        return None
    return (
        f"Far from what the training cases have: {some_of(far, most=3)}; an error, disease, or a volume that shows "
        "only a part may be the reason."
    )


def on_sides(sides: Sides) -> str | None:
    """What left and right were told from, where that is little; None where it is enough."""
    if sides.evidence in ("both sides", "one side"):
        return None
    return (
        "Left and right are a guess: what was found does not tell where the middle of the head is, so that of what is "
        "labelled was taken; check the sides before you rely on them."
    )


def _purpose(model: Model) -> str:
    return f"{model.title}, {model.modality}" if model.title else model.modality


def _range(each: ExpectedVolume) -> str:
    return f"{millilitres(each.least).removesuffix(' ml')} to {millilitres(each.most)}"


def _millimetres(lengths: Sequence[float]) -> str:
    return " × ".join(f"{length:.0f}" for length in lengths) + " mm"
