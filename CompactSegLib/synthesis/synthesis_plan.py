"""Settings of synthetic training images, as a part of the training plan."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Any, Protocol

from CompactSegLib.json_data import Invalid, Share, check, number, rising, whole, written

LabelValue = Annotated[str, written(1, 255, what="label values")]
Degrees = Annotated[float, number(0, 180)]
Shear = Annotated[float, number(0, 1)]
_Zoom = Annotated[float, number(0.1, 10)]
Zooms = Annotated[tuple[_Zoom, _Zoom], rising]

# Of label maps.
_LARGEST_VALUE = 2**31 - 1
_Value = Annotated[int, whole(1, _LARGEST_VALUE)]
_Thickness = Annotated[float, number(0.1, 100)]
_Width = Annotated[float, number(0.1, 10)]
_Mm = Annotated[float, number(0, 100)]
_Slope = Annotated[float, number(0, 1)]
_GridMm = Annotated[float, number(1, 10_000)]


@dataclass(frozen=True)
class SynthesisPlan:
    """How images are made from label maps; probabilities are 0 to 1, lengths in mm.

    Attributes:
        classes: Per label of the model (as text), the values of the label maps that make it; all other values are
            background to the model, but tissue in the image.
        source: ``name``, ``reference`` and ``licence`` of the label maps, which carry none themselves.
        grown_mm: Per value of the label maps how far its tissue is grown into white matter, where the maps draw a
            structure smaller than it is to be found; both sides are given.
        held_out_images: Images made of each held-out label map for validation.
        mirror_probability: Left and right are exchanged.
        rotation_degrees: Largest angle around each axis.
        scale: Smallest and largest magnification, drawn per axis.
        shear: Largest shear factor.
        elastic_mm: Largest standard deviation of the bending.
        elastic_grid_mm: Distance of the bending's control points.
        tissue_contrast_probability: Share of images whose brain tissues are ordered as in T1, T2, PD or FLAIR, deep
            nuclei about between grey and white; in the others every tissue has its own random mean.
        least_contrast: Smallest difference of fluid, grey and white in these images; at most 0.4.
        spread: Largest standard deviation of the intensity within a tissue; intensities lie between 0 and 1.
        texture: Largest standard deviation of slow changes of the intensity within a tissue.
        cluster_probability: Share of images in which tissues have several mean intensities, each in regions of its own.
        cluster_spread: Largest standard deviation of these; of what lies outside of the brain three times as much.
        shading: Largest share of what lies around deep nuclei, within some millimetres, in their brightness.
        slopes: Per value of the label maps, the left one of two sides, how much a structure at most leans from grey to
            white matter (1: all the way) per cm upwards and per cm backwards; for models that are RAS.
        outside_blur_probability: What lies outside of the brain is blurred.
        flat_white_probability: Where fluid, grey and white matter are ordered as in T1, the brain is flat from about
            white matter's brightness on, as FreeSurfer's normalisation leaves it.
        strip_probability: All outside the brain is removed; half as often with the fluid around it.
        rough_strip_probability: Share of these in which the cut wavers: bits of what is around stay, or some is lost.
        crop_probability: The field of view ends inside of the head, along one or more axes.
        decoy_probability: Images without any brain: random shapes in its place, or in that of the whole head.
        bias: Largest standard deviation of the logarithm of the bias field.
        bias_grid_mm: Distance of the bias field's control points.
        thick_probability: Share of images with thick slices along one axis.
        thickness_mm: Smallest and largest slice thickness.
        in_plane_mm: Largest voxel of the other axes, and of images without thick slices.
        profile: Smallest and largest width of a slice's profile, in slices.
        noise: Largest standard deviation of the noise.
        gamma: Largest absolute logarithm of the exponent.
        shift: Largest change of the normalised intensities' ends, in shares of their range.
    """

    classes: dict[LabelValue, list[_Value]] = field(default_factory=dict)
    source: dict[str, str] = field(default_factory=dict)
    grown_mm: dict[
        Annotated[str, written(1, _LARGEST_VALUE, what="values of label maps")],
        Annotated[float, number(0, 5, above=True)],
    ] = field(default_factory=dict)
    held_out_images: Annotated[int, whole(0, 1000)] = 2
    mirror_probability: Share = 0.5
    rotation_degrees: Degrees = 20.0
    scale: Zooms = (0.85, 1.18)
    shear: Shear = 0.1
    elastic_mm: _Mm = 3.0
    elastic_grid_mm: _GridMm = 20.0
    tissue_contrast_probability: Share = 0.6
    # Three tissues that differ by more hardly fit between 0 and 1.
    least_contrast: Annotated[float, number(0, 0.4)] = 0.08
    spread: Share = 0.1
    texture: Share = 0.08
    cluster_probability: Share = 0.0
    cluster_spread: Share = 0.06
    shading: Share = 0.0
    slopes: dict[
        Annotated[str, written(1, _LARGEST_VALUE, what="values of label maps")],
        tuple[_Slope, _Slope],
    ] = field(default_factory=dict)
    outside_blur_probability: Share = 0.0
    flat_white_probability: Share = 0.0
    strip_probability: Share = 0.25
    rough_strip_probability: Share = 0.0
    crop_probability: Share = 0.15
    decoy_probability: Share = 0.08
    bias: Annotated[float, number(0, 5)] = 0.35
    bias_grid_mm: _GridMm = 60.0
    thick_probability: Share = 0.4
    thickness_mm: Annotated[tuple[_Thickness, _Thickness], rising] = (2.0, 6.0)
    in_plane_mm: Annotated[float, number(0.5, 100)] = 2.0
    profile: Annotated[tuple[_Width, _Width], rising] = (1.0, 1.4)
    noise: Share = 0.08
    gamma: Annotated[float, number(0, 5)] = 0.5
    shift: Share = 0.1

    def __post_init__(self) -> None:
        check(self)
        if not all(self.classes.values()):
            raise Invalid("classes", 'label values such as "1": [2, 41]', self.classes)
        if sorted(map(int, self.classes)) != list(range(1, len(self.classes) + 1)):
            raise Invalid("classes", "labels 1, 2, 3 and so on without gaps", list(self.classes))
        taken = [value for values in self.classes.values() for value in values]
        if len(set(taken)) != len(taken):
            raise Invalid("classes", "every value in one label only", sorted(taken))


class PlanWithSynthesis(Protocol):
    """What reading label maps needs of a training plan."""

    @property
    def orientation(self) -> str: ...
    @property
    def labels(self) -> dict[str, dict[str, Any]]: ...
    @property
    def synthesis(self) -> SynthesisPlan: ...
