"""A model: what is known of a net, as ``model.json`` states it, and the net itself once it is asked for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from CompactSegLib.json_data import Invalid, Share, Such, Text, build, check, number, whole
from CompactSegLib.labels import Label, labels_of, structures_of
from CompactSegLib.model.weights import WEIGHTS_FILE, read_net
from CompactSegLib.network.config import NetConfig
from CompactSegLib.network.cost import LevelCost
from CompactSegLib.volume.intensities import IntensityRule
from CompactSegLib.volume.refinement import Refinement

if TYPE_CHECKING:
    from CompactSegLib.network.net import MultiLevelNet

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]*")
ModelName = Annotated[
    str,
    Such(
        "lower-case letters, digits, '-', '_' and '.'",
        lambda name: _NAME.fullmatch(name) is not None,
    ),
]
"""What a model can be called: its folder, and what is typed in a command."""
Spacing = Annotated[float, Such("a length from 0.05 to 100 mm", lambda mm: 0.05 <= mm <= 100)]
"""Of a model's grid: what is beyond would make more voxels of a head than memory holds, or none."""
_Extent = Annotated[float, Such("a length above 0 mm, at most 10 m", lambda mm: 0 < mm <= 10_000)]
_Millilitres = Annotated[float, number(0, 10**6)]
_WeightsFile = Annotated[str, Such(WEIGHTS_FILE, lambda name: name == WEIGHTS_FILE)]
_Sha256 = Annotated[
    str, Such("64 hexadecimal digits", lambda text: bool(re.fullmatch(r"[0-9a-f]{64}", text)))
]


@dataclass(frozen=True)
class ExpectedVolume:
    """How much of a structure a training case has: mean, smallest and largest, in millilitres."""

    mean: _Millilitres
    least: _Millilitres
    most: _Millilitres

    def __post_init__(self) -> None:
        check(self)
        if not self.least <= self.mean <= self.most:
            raise Invalid("", "least <= mean <= most", [self.least, self.mean, self.most])


def millilitres(value: float) -> str:
    """A volume for people, to two or three digits.

    >>> [millilitres(value) for value in (0, 0.05, 3.14, 31.4, 1284)]
    ['0 ml', '0.05 ml', '3.1 ml', '31 ml', '1,280 ml']
    """
    if value >= 100:
        return f"{float(f'{value:.3g}'):,.0f} ml"
    return f"{float(f'{value:.2g}'):g} ml"


@dataclass(frozen=True)
class Region:
    """What finds the images that a model of a part of the body was trained on, in a larger one.

    Attributes:
        model: Name of the model that finds it.
        structure: What that model calls it, without a side; left and right of it are two regions.
        level: The level of that model that suffices, from 1.
        margin_mm: How far a region goes beyond the structure.
    """

    model: Text
    structure: Text
    level: Annotated[int, whole(1, 100)]
    margin_mm: Annotated[float, number(0, 1000)]

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True)
class _Figures:
    dice: Share | None = None
    cases: Annotated[int, whole(1, 10**9)] | None = None
    dice_by_label: dict[str, Share] = field(default_factory=dict)


@dataclass(frozen=True)
class LevelInfo(LevelCost):
    """What a level of a model costs and what it reached.

    Attributes:
        validation: Figures on validation cases. Those that the tool shows are ``dice`` (mean over labels and cases),
            ``dice_by_label`` (mean by label name) and ``cases`` (their number); others may be there.
    """

    validation: dict[str, Any]

    def __post_init__(self) -> None:
        build(_Figures, self.validation, where="validation", others=True)

    @property
    def dice_by_label(self) -> Mapping[str, float]:
        return self.validation.get("dice_by_label", {})


@dataclass(frozen=True)
class Stop:
    """When levels stop unless the user says otherwise; see `Model.threshold`."""

    threshold: Share


@dataclass(frozen=True)
class Weights:
    """The weights file: its name, which is always the same, and its SHA-256."""

    file: _WeightsFile
    sha256: _Sha256


@dataclass(frozen=True, eq=False, kw_only=True)
class Model:
    """A model folder that has been read and checked; its net is loaded when first asked for.

    Attributes:
        name: Short name, the one to pass to ``--model``.
        title: What a person calls it.
        description: A sentence or more on what it segments.
        modality: Such as ``MR T1``.
        orientation: Where the tensor axes W, H, D run to, such as ``RAS``.
        spacing_mm: Of the model's grid, along the axes that `orientation` names.
        field_mm: Largest extent of its training images along these axes; None where any extent will do.
        intensity: How intensities are normalised.
        refinement: How borders are moved to where the image's first channel has them; None where they stay as the net
            puts them.
        region: What finds the images it was trained on in a larger one; None where a person has to.
        labels: Their values are 1, 2, 3 and so on, 0 is background; of a class of the net one, or its left and right.
        expected_millilitres: By label name, what the training cases have; empty where that is not stated.
        net_config: The net's configuration.
        levels: One entry per level, level 1 first.
        stop: When levels stop unless the user says otherwise.
        provenance: How and from which data it was trained.
        licence: Of the weights.
        weights: The weights file.
        folder: Where it was read from.
        size_bytes: Of the folder's files together.
    """

    name: ModelName
    title: Text
    description: Text
    modality: Text
    orientation: Text
    spacing_mm: tuple[Spacing, Spacing, Spacing]
    field_mm: tuple[_Extent, _Extent, _Extent] | None
    intensity: IntensityRule
    refinement: Refinement | None = None
    region: Region | None = None
    labels: tuple[Label, ...]
    expected_millilitres: Mapping[str, ExpectedVolume] = field(default_factory=dict)
    net_config: NetConfig = field(metadata={"name": "net"})
    levels: tuple[LevelInfo, ...]
    stop: Stop
    provenance: Mapping[str, Any]
    licence: Text
    weights: Weights
    folder: Path
    size_bytes: int

    @property
    def threshold(self) -> float:
        """Levels stop when one changes every structure by less (1 - Jaccard to the level before); 0 for never."""
        return self.stop.threshold

    @property
    def weights_sha256(self) -> str:
        return self.weights.sha256

    @property
    def structures(self) -> list[str]:
        """What the net tells apart, by class from 1: the labels' names without sides."""
        return list(dict.fromkeys(label.structure for label in self.labels))

    @property
    def values_by_side(self) -> tuple[dict[int, int], dict[int, int]] | None:
        """What a class becomes on the left, and on the right; None where labels have no sides."""
        if not any(label.side for label in self.labels):
            return None
        left, right = (
            {label.of_class: label.value for label in self.labels if label.side in (None, side)}
            for side in ("left", "right")
        )
        return left, right

    def of_both_sides(self) -> Model:
        """The same model with a left and a right label for each structure, as where regions are of both sides."""
        structures = structures_of(self.labels)
        for settings in structures.values():
            settings["sides"] = {}
            terms = settings.get("terminology")
            if terms and "modifier" in terms:
                # A term has one modifier, the side's; the region's can still tell anterior from posterior.
                where = {"region": terms["type"], "region_modifier": terms["modifier"]}
                settings["terminology"] = {**terms, **where}
        labels = tuple(labels_of(structures))
        expected = self.expected_millilitres
        of_sides = {
            label.name: expected[label.structure] for label in labels if label.structure in expected
        }
        return replace(self, labels=labels, expected_millilitres=of_sides)

    @property
    def is_synthetic(self) -> bool:
        """Whether it was trained on and judged by images made of label maps, as its provenance states."""
        plan = self.provenance.get("plan")
        synthesis = plan.get("synthesis") if isinstance(plan, Mapping) else None
        return isinstance(synthesis, Mapping) and bool(synthesis.get("classes"))

    def checked_level(self, level: object) -> int:
        """A level's number as a user gave it.

        Raises:
            ConfigurationError: The model has no such level.
        """
        return self.net_config.checked_level(level, of=f"model {self.name}")

    @cached_property
    def net(self) -> MultiLevelNet:
        """The net for inference on the CPU: batch norm folded, evaluation mode, no gradients. Loaded once.

        Raises:
            ModelError: The weights are damaged or do not fit the configuration.
        """
        from CompactSegLib.network.folding import fold_batch_norm

        return fold_batch_norm(self.trainable_net())

    def trainable_net(self) -> MultiLevelNet:
        """A new copy of the net as it was trained, batch norm included, in evaluation mode on the CPU.

        Raises:
            ModelError: The weights are damaged or do not fit the configuration.
        """
        return read_net(self.folder, self.net_config, sha256=self.weights_sha256)
