"""A model: what is known of a net, and the net itself once it is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from CompactSegLib.labels import Label, labels_of, structures_of
from CompactSegLib.model.expected_volumes import ExpectedVolume
from CompactSegLib.model.region import Region
from CompactSegLib.network.config import NetConfig

if TYPE_CHECKING:
    from CompactSegLib.network.net import MultiLevelNet
    from CompactSegLib.volume.intensities import IntensityRule
    from CompactSegLib.volume.refinement import Refinement

__all__ = ["LevelInfo", "Model"]


@dataclass(frozen=True)
class LevelInfo:
    """What a level of a model costs and what it reached.

    Attributes:
        level: From 1.
        parameters: Of the blocks and the head that this level needs.
        macs_per_voxel: Multiply-accumulates per voxel of the model's grid to get this level alone.
        macs_per_voxel_all_levels: The same to get this level and all before it.
        receptive_field: Edge length in voxels.
        validation: Figures on validation cases. Those that the tool shows are ``dice`` (mean over labels and cases),
            ``dice_by_label`` (mean by label name) and ``cases`` (their number); others may be there.
    """

    level: int
    parameters: int
    macs_per_voxel: float
    macs_per_voxel_all_levels: float
    receptive_field: int
    validation: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Model:
    """A model folder that has been read and checked; its net is loaded when first asked for.

    Attributes:
        name: Short name, the one to pass to ``--model``.
        folder: Where it was read from.
        title: What a person calls it.
        description: A sentence or more on what it segments.
        net_config: The net's configuration.
        labels: Their values are 1, 2, 3 and so on, 0 is background; of a class of the net one, or its left and right.
        modality: Such as ``MR T1``.
        orientation: Where the tensor axes W, H, D run to, such as ``RAS``.
        spacing_mm: Of the model's grid, along the axes that `orientation` names.
        field_mm: Largest extent of its training images along these axes; None where any extent will do.
        intensity: How intensities are normalised.
        levels: One entry per level, level 1 first.
        threshold: Unless the user says otherwise, levels stop when one changes every structure by less (1 - Jaccard to
            the level before); 0 for never.
        provenance: How and from which data it was trained.
        licence: Of the weights.
        weights_sha256: Of ``weights.safetensors``.
        size_bytes: Of the folder's files together.
        expected_millilitres: By label name, what the training cases have; empty where that is not stated.
        refinement: How borders are moved to where the image's first channel has them; None where they stay as the net
            puts them.
        region: What finds the images it was trained on in a larger one; None where a person has to.
    """

    name: str
    folder: Path
    title: str
    description: str
    net_config: NetConfig
    labels: tuple[Label, ...]
    modality: str
    orientation: str
    spacing_mm: tuple[float, float, float]
    field_mm: tuple[float, float, float] | None
    intensity: IntensityRule
    levels: tuple[LevelInfo, ...]
    threshold: float
    provenance: Mapping[str, Any]
    licence: str
    weights_sha256: str
    size_bytes: int
    expected_millilitres: Mapping[str, ExpectedVolume] = field(default_factory=dict)
    refinement: Refinement | None = None
    region: Region | None = None

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

    def without_sides(self) -> Model:
        """The same model with left and right of a structure as one label, whose value is the net's class."""
        merged: dict[str, ExpectedVolume] = {}
        for label in self.labels:
            one = self.expected_millilitres.get(label.name)
            if one:
                other = merged.get(label.structure)
                merged[label.structure] = one + other if other else one
        labels = []
        for value, settings in structures_of(self.labels).items():
            settings.pop("sides", None)
            labels.append(Label.from_dict({"value": value, **settings}))
        return replace(self, labels=tuple(labels), expected_millilitres=merged)

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
        from CompactSegLib.model.weights import read_net

        return read_net(self.folder, self.net_config, sha256=self.weights_sha256)
