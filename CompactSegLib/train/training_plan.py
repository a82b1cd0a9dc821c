"""All settings of a training run, as plain values that can be written as JSON and compared between runs."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Annotated, Any

from CompactSegLib.datasets.settings import read_settings
from CompactSegLib.errors import ConfigurationError
from CompactSegLib.json_data import (
    Invalid,
    Share,
    Such,
    build,
    check,
    inside,
    number,
    one_of,
    rising,
    whole,
)
from CompactSegLib.labels import labels_of
from CompactSegLib.model.model import ModelName, Region, Spacing
from CompactSegLib.synthesis.synthesis_plan import Degrees, LabelValue, Shear, SynthesisPlan, Zooms
from CompactSegLib.volume.geometry import orientation_axes
from CompactSegLib.volume.intensities import IntensityRule
from CompactSegLib.volume.refinement import Refinement

PRECISIONS = ("auto", "fp32", "bf16", "fp16")
METHODS = ("joint", "level-by-level")
OPTIMIZERS = ("adamw", "muon")

# What is beyond these is a slip or a damaged file: a run would end in the middle, or train nothing.
_Count = Annotated[int, whole(1, 10**9)]
_Batch = Annotated[int, whole(1, 4096)]
_Edge = Annotated[int, whole(1, 1024)]
_Weight = Annotated[float, number(0, 10**6)]
_Weights = Annotated[
    tuple[_Weight, ...],
    Such("a list with a weight above 0", lambda weights: not weights or sum(weights) > 0),
]
_Sigma = Annotated[float, number(0, 20, above=True)]
_Factor = Annotated[float, number(0, 10)]
_Exponent = Annotated[float, number(0.01, 100)]
_NAMELESS = {"name": "label", "color": [0, 0, 0]}
_Axes = Annotated[
    tuple[Annotated[int, whole(0, 2)], ...],
    Such("a list of different axes, 0 to 2", lambda axes: len(set(axes)) == len(axes)),
]


@dataclass(frozen=True)
class AugmentationPlan:
    """How training patches are varied; the kinds and sizes follow nnU-Net (Isensee et al., Nature Methods 2021).

    Attributes:
        mirror_axes: Tensor axes (0 = D, 1 = H, 2 = W) along which a patch may be mirrored. Only axes along which the
            mirrored anatomy exists and keeps its labels: left-right for the two hippocampi, never front-back.
        affine_probability: Share of patches that are rotated, scaled and sheared.
        rotation_degrees: Largest angle around each axis.
        scale: Smallest and largest magnification, drawn per axis.
        shear: Largest shear factor.
        elastic_probability: Share of the affine patches that are also bent smoothly.
        elastic_voxels: Standard deviation of the bending, in voxels.
        plane_axes: Tensor axes whose slices stay slices of the patch: where annotators ended a structure at a slice of
            the image, a patch that tilts or bends that slice teaches a border that no image has.
        noise_probability: Gaussian noise.
        noise: Largest standard deviation, in units of the normalised intensity.
        blur_probability: Gaussian blur.
        blur_voxels: Smallest and largest sigma, in voxels.
        brightness_probability: Multiplying all intensities.
        brightness: Largest deviation of the factor from 1.
        contrast_probability: Stretching around the mean, inside the range found.
        contrast: Smallest and largest factor.
        gamma_probability: Gamma curve over the range found; half as often with inverted intensities.
        gamma: Smallest and largest exponent.
        low_resolution_probability: Down- and up-sampling.
        low_resolution: Smallest zoom.
    """

    mirror_axes: _Axes = ()
    affine_probability: Share = 0.5
    rotation_degrees: Degrees = 15.0
    scale: Zooms = (0.85, 1.18)
    shear: Shear = 0.08
    elastic_probability: Share = 0.0
    elastic_voxels: Annotated[float, number(0, 100)] = 1.5
    plane_axes: _Axes = ()
    noise_probability: Share = 0.1
    noise: _Factor = 0.25
    blur_probability: Share = 0.1
    blur_voxels: Annotated[tuple[_Sigma, _Sigma], rising] = (0.5, 1.0)
    brightness_probability: Share = 0.15
    brightness: Share = 0.25
    contrast_probability: Share = 0.15
    contrast: Annotated[tuple[_Factor, _Factor], rising] = (0.75, 1.25)
    gamma_probability: Share = 0.2
    gamma: Annotated[tuple[_Exponent, _Exponent], rising] = (0.7, 1.5)
    low_resolution_probability: Share = 0.1
    low_resolution: Annotated[float, number(0.1, 1)] = 0.5


@dataclass(frozen=True)
class TrainingPlan:
    """Settings of one training run.

    Attributes:
        name: Name of the model folder that is written.
        title: What the model is, in a few words.
        description: What it segments, on what.
        modality: For example ``"MR"``.
        orientation: Anatomical axes of the model's grid.
        spacing_mm: Spacing of the model's grid along R, A, S (the axes of `orientation`).
        intensity: The intensity rule, as ``IntensityRule.from_dict`` reads it.
        labels: Per label value (as text) what the dataset does not know: name, color, terminology.
        method: ``joint`` trains all levels at once; ``level-by-level`` trains level 1, adds a level to what that gave,
            trains it, and so on, each with a schedule of its own.
        earlier_rate: Factor of the learning rate for blocks and heads of earlier levels, where levels are trained one
            after the other or a model is grown; 0 freezes them, with their batch norm's statistics.
        level_steps: Share of the steps for each level, level by level; empty gives all the same.
        steps: Optimisation steps, of all levels together.
        batch: Patches per step.
        patch: Patch size in voxels ``(D, H, W)``, multiples of the net's stride. Sides of a case that are shorter are
            padded with zeros, the mean of z-scored intensities and what convolutions see beyond the border.
        early_until: Shares of the steps, growing, until each of which patches are smaller; of many small ones a batch
            tells more of the images' variety, in the same time.
        early_edges: Their edges in voxels, for each of these shares.
        early_batches: How many of them are in a step.
        optimizer: ``adamw``; or ``muon`` for convolution kernels beside it, fewer steps from random weights.
        learning_rate: Highest rate, reached after `warmup` steps; in the end it falls to zero, along half a cosine.
        decay: Share of the steps after the warm-up in which it falls; before that it stays. Below 1 a run can be made
            longer while it is under way.
        weight_decay: Decoupled weight decay, on convolution weights only.
        warmup: Steps of linear increase.
        gradient_norm: Gradients are scaled down to this norm.
        level_weights: Weight of each level's loss; empty weighs the last level twice the others.
        class_balance: Exponent of the weights that rare classes get in the cross-entropy: 0 weighs every voxel alike, 1
            every class. Where many structures are small, their cross-entropy is otherwise lost beside the large ones'.
            What the weights do to the odds of classes is taken out of the finished net.
        average_decay: Decay of the exponential moving average of the weights, which is what is validated and exported.
        fixed_statistics: Share of each schedule, at its end, in which batch norm takes the statistics gathered so far,
            as inference does. Those of a batch of one or two images of any contrast are far from them.
        start_share: Where a run begins with the weights of a finished model, their share in what is exported; the rest
            are the run's own. With 0.5 two schedules that followed each other are averaged (Izmailov et al., Averaging
            Weights Leads to Wider Optima, UAI 2018; Wortsman et al., Robust Fine-tuning, CVPR 2022).
        half_weights: The finished model's kernels are stored in fp16, at half the size.
        refinement: How the finished model's labels are refined by the image (`volume.refinement`); empty leaves them as
            the net's. Validation is of the net alone.
        region: What finds the finished model's images in larger ones, the fields of `Region`; may be empty.
        precision: ``auto`` takes bf16 where the machine computes in it, and fp16 on CUDA devices that have only that.
        seed: Seed of weights, order and augmentation.
        validate_every: Steps between validations.
        checkpoint_every: Steps between checkpoints.
        log_every: Steps between lines of the log.
        workers: Processes that prepare batches; with 0 the training process does.
        augmentation: How patches are varied.
        synthesis: How images are made where the data are label maps without images: it has classes then, and takes the
            augmentation's place.
    """

    name: ModelName = "model"
    title: str = ""
    description: str = ""
    modality: str = "MR"
    orientation: str = "RAS"
    spacing_mm: tuple[Spacing, Spacing, Spacing] = (1.0, 1.0, 1.0)
    intensity: dict[str, Any] = field(default_factory=lambda: {"rule": "zscore"})
    labels: dict[LabelValue, dict[str, Any]] = field(default_factory=dict)
    method: Annotated[str, one_of(*METHODS)] = "joint"
    earlier_rate: Share = 0.0
    level_steps: tuple[Annotated[float, number(0, 10**6, above=True)], ...] = ()
    steps: _Count = 10_000
    batch: _Batch = 4
    patch: tuple[_Edge, _Edge, _Edge] = (32, 48, 32)
    early_until: tuple[Share, ...] = ()
    early_edges: tuple[_Edge, ...] = ()
    early_batches: tuple[_Batch, ...] = ()
    optimizer: Annotated[str, one_of(*OPTIMIZERS)] = "adamw"
    learning_rate: _Factor = 4e-3
    decay: Share = 1.0
    weight_decay: _Factor = 1e-3
    warmup: Annotated[int, whole(0, 10**9)] = 200
    gradient_norm: Annotated[float, number(0, 10**6, above=True)] = 5.0
    level_weights: _Weights = ()
    class_balance: Share = 0.0
    average_decay: Annotated[float, number(0, 0.999999)] = 0.999
    fixed_statistics: Share = 0.0
    start_share: Share = 0.0
    half_weights: bool = False
    refinement: dict[str, Any] = field(default_factory=dict)
    region: dict[str, Any] = field(default_factory=dict)
    precision: Annotated[str, one_of(*PRECISIONS)] = "auto"
    seed: Annotated[int, whole(0, 2**32 - 1)] = 12345
    validate_every: _Count = 1000
    checkpoint_every: _Count = 250
    log_every: _Count = 25
    workers: Annotated[int, whole(0, 256)] = 1
    augmentation: AugmentationPlan = field(default_factory=AugmentationPlan)
    synthesis: SynthesisPlan = field(default_factory=SynthesisPlan)

    def __post_init__(self) -> None:
        check(self)
        early = (self.early_until, self.early_edges, self.early_batches)
        shares = (0.0, *self.early_until, 1.0)
        grow = all(before < after for before, after in pairwise(shares))
        if len(set(map(len, early))) > 1 or not grow:
            raise Invalid(
                "early_until, early_edges, early_batches",
                "as many growing shares below 1 as edges and batches",
                early,
            )
        orientation_axes(self.orientation)
        if self.synthesis.slopes and self.orientation != "RAS":
            raise Invalid(
                "synthesis.slopes", "none where the orientation is not RAS", self.orientation
            )
        with inside(""):
            IntensityRule.from_dict(self.intensity)
            if self.refinement:
                Refinement.from_dict(self.refinement)
            if self.region:
                build(Region, self.region, where="region")
        with inside("labels"):
            labels_of({int(n): _NAMELESS | label for n, label in self.labels.items()})

    @classmethod
    def from_dict(cls, data: object, *, where: str = "training plan") -> TrainingPlan:
        """Build a plan from JSON data; what is left out keeps its default.

        Raises:
            ConfigurationError: Unknown names or values that cannot be; the sentence begins with `where`.
        """
        return build(cls, data, where=where)

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> TrainingPlan:
        """Read a plan from a JSON file, which may build on another (`read_settings`)."""
        return cls.from_dict(read_settings(path), where=f"{path} (training plan)")

    def to_dict(self) -> dict[str, Any]:
        """JSON data from which `from_dict` builds an equal plan."""
        return json.loads(json.dumps(dataclasses.asdict(self)))

    @property
    def synthetic(self) -> bool:
        """Whether images are made from label maps."""
        return bool(self.synthesis.classes)

    def parts(self) -> list[tuple[range, TrainingPlan]]:
        """Runs of steps with patches of one size, first to last, each with the plan of these."""
        plain = replace(self, early_until=(), early_edges=(), early_batches=())
        parts, first = [], 0
        for until, edge, batch in zip(
            self.early_until, self.early_edges, self.early_batches, strict=True
        ):
            last = round(until * self.steps)
            own = replace(plain, patch=(edge, edge, edge), batch=batch)
            parts.append((range(first, last), own))
            first = last
        return [*parts, (range(first, self.steps), plain)]

    def weight_of_level(self, level: int, levels: int) -> float:
        """Weight of a level's loss; the weights of all levels sum to 1."""
        weights = self.level_weights or (*[1.0] * (levels - 1), 2.0)
        if len(weights) != levels or sum(weights) <= 0:
            raise ConfigurationError(
                f"training plan, level_weights: expected {levels} weights, one per level, got {weights!r}."
            )
        return weights[level - 1] / sum(weights)


def recipe_of(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Of a plan's JSON data what changes what is learnt: not how things are told or written, nor who prepares them."""
    told = ("title", "description", "half_weights", "refinement", "region")
    beside = ("workers", "validate_every", "checkpoint_every", "log_every", *told)
    return {name: value for name, value in settings.items() if name not in beside}
