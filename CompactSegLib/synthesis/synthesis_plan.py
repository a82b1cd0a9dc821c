"""Settings of synthetic training images, as a part of the training plan."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Any, Protocol

from CompactSegLib.json_data import Invalid, check, number

_MOST_GROWN_MM = 5.0


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

    classes: dict[str, list[int]] = field(default_factory=dict)
    source: dict[str, str] = field(default_factory=dict)
    grown_mm: dict[str, float] = field(default_factory=dict)
    held_out_images: int = 2
    mirror_probability: float = 0.5
    rotation_degrees: float = 20.0
    scale: tuple[float, float] = (0.85, 1.18)
    shear: float = 0.1
    elastic_mm: float = 3.0
    elastic_grid_mm: float = 20.0
    tissue_contrast_probability: float = 0.6
    # Three tissues that differ by more hardly fit between 0 and 1.
    least_contrast: Annotated[float, number(0, 0.4)] = 0.08
    spread: float = 0.1
    texture: float = 0.08
    cluster_probability: float = 0.0
    cluster_spread: float = 0.06
    shading: float = 0.0
    outside_blur_probability: float = 0.0
    flat_white_probability: float = 0.0
    strip_probability: float = 0.25
    rough_strip_probability: float = 0.0
    crop_probability: float = 0.15
    decoy_probability: float = 0.08
    bias: float = 0.35
    bias_grid_mm: float = 60.0
    thick_probability: float = 0.4
    thickness_mm: tuple[float, float] = (2.0, 6.0)
    in_plane_mm: float = 2.0
    profile: tuple[float, float] = (1.0, 1.4)
    noise: float = 0.08
    gamma: float = 0.5
    shift: float = 0.1

    def __post_init__(self) -> None:
        check(self)
        for label, values in self.classes.items():
            if not (label.isdecimal() and int(label) > 0 and values):
                raise Invalid("classes", 'label values such as "1": [2, 41]', self.classes)
        for value, mm in self.grown_mm.items():
            if not (value.isdecimal() and 0 < mm <= _MOST_GROWN_MM):
                wanted = f'values of label maps with 0 to {_MOST_GROWN_MM:g} mm such as "13": 1.5'
                raise Invalid("grown_mm", wanted, self.grown_mm)
        if sorted(map(int, self.classes)) != list(range(1, len(self.classes) + 1)):
            raise Invalid("classes", "labels 1, 2, 3 and so on without gaps", list(self.classes))
        taken = [value for values in self.classes.values() for value in values]
        if len(set(taken)) != len(taken) or 0 in taken:
            raise Invalid("classes", "every value above 0 in one label only", sorted(taken))


class PlanWithSynthesis(Protocol):
    """What reading label maps needs of a training plan."""

    @property
    def orientation(self) -> str: ...
    @property
    def labels(self) -> dict[str, dict[str, Any]]: ...
    @property
    def synthesis(self) -> SynthesisPlan: ...
