"""Borders moved to where an image's own intensities put them.

A net that works on a coarse grid knows which structures lie where, but not to the voxel where one ends. The intensities
of this very image do: around each voxel, the labels say what it may be, and the intensities of each label in this image
say which of these it is. Both are combined as in the segmentation of brain tissues by mixtures of Gaussians (Wells et
al., Adaptive Segmentation of MRI Data, IEEE TMI 15, 1996; Ashburner and Friston, Unified Segmentation, NeuroImage 26,
2005), with a smooth field for what coils make brighter here than there.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Annotated, Any

from CompactSegLib.json_data import Invalid, build, check, number, whole, written
from CompactSegLib.volume.boxes import box_of
from CompactSegLib.volume.likeliest import Likeliest
from CompactSegLib.volume.mixture import Field, Mixture, Scale, table_of
from CompactSegLib.volume.pixels import as_float, as_tensor

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray

    from CompactSegLib.network.boxes import Box

_ROUNDS = 3
_LATER_ROUNDS = 2
_REACH = 2.5
# For what is told of the whole image: its intensities and its bias field.
_COARSE_MM = 2.0
_WIDEST_MM = 10

Width = Annotated[float, number(0, _WIDEST_MM, above=True)]
Weight = Annotated[float, number(0, 1, above=True)]
_Label = Annotated[str, written(0, 255, what="labels")]


@dataclass(frozen=True)
class Look:
    """What an image shows of its labels.

    Attributes:
        scale: Of its intensities.
        mixture: What each label looks like, without the field.
        field: By which coils brighten them.
    """

    scale: Scale
    mixture: Mixture
    field: Field

    def to(self, device: torch.device | str) -> Look:
        return replace(self, mixture=self.mixture.to(device), field=self.field.to(device))


@dataclass(frozen=True)
class Refinement:
    """How labels are refined by the image they belong to.

    Attributes:
        mm: Standard deviation of the Gaussian that spreads labels around where the net put them. A voxel gets only
            labels that lie within 2.5 of these of it along each axis.
        weight: Of the intensity against the labels around; 1 takes voxels' intensities for independent.
        contrast: A border between two labels moves only where their mean intensities differ by so many standard
            deviations: what an image does not show stays as the net put it.
        alike: Groups of labels that are one tissue, such as the fluid of ventricles and cisterns: borders between them
            stay as well, since what tells their intensities apart is only what else their voxels hold.
        weights: By label, `weight` where the net put this one.
        label_mm: By label, `mm` of this one: thin and small structures are drawn best by less.
        first_mm: `mm` of the first levels, one after the other, whose borders are further off; `label_mm` grows too.
    """

    mm: Width
    weight: Weight = 1.0
    contrast: Annotated[float, number(0, 10)] = 0.0
    alike: tuple[tuple[Annotated[int, whole(0, 255)], ...], ...] = ()
    weights: dict[_Label, Weight] = field(default_factory=dict)
    label_mm: dict[_Label, Width] = field(default_factory=dict)
    first_mm: tuple[Width, ...] = ()

    def __post_init__(self) -> None:
        check(self)
        if self.reach_mm > _REACH * _WIDEST_MM:
            wanted = f"widths of at most {_WIDEST_MM:g} mm, label_mm grown with them"
            raise Invalid("first_mm", wanted, list(self.first_mm))

    @classmethod
    def from_dict(cls, data: object) -> Refinement:
        """Read what `to_dict` gives."""
        return build(cls, data, where="refinement")

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @property
    def reach_mm(self) -> float:
        """How far a border can move, at whatever level."""
        widest = max([self.mm, *self.label_mm.values()])
        return _REACH * widest * max([1.0, *(mm / self.mm for mm in self.first_mm)])

    def at_level(self, number: int) -> Refinement:
        """What a level is refined by."""
        if number > len(self.first_mm):
            return replace(self, first_mm=())
        mm = self.first_mm[number - 1]
        wider = {label: own * mm / self.mm for label, own in self.label_mm.items()}
        return replace(self, mm=mm, label_mm=wider, first_mm=())

    def refined(
        self,
        labels: NDArray[np.uint8],
        image: NDArray[Any],
        spacing_mm: Sequence[float],
        *,
        look: Look | None = None,
        device: torch.device | str = "cpu",
        check: Callable[[], None] | None = None,
    ) -> tuple[NDArray[np.uint8], Look | None]:
        """Refine labels.

        Args:
            labels: ``(D, H, W)``, 0 is background.
            image: ``(D, H, W)``, any real pixel type.
            spacing_mm: Along D, H and W.
            look: What the image showed of other labels, such as the level's before; from there it takes fewer rounds.
            device: Where to compute.
            check: Called now and then; what it raises ends the computation.

        Returns:
            New labels ``(D, H, W)``, and what the image shows of them; where there are none, what it showed before. But
            for rounding labels do not depend on what is added to the intensities, or what these are multiplied by.
        """
        import torch

        check = check or _go_on
        refined = labels.copy()
        box = box_of(labels != 0, margin=self._reach(spacing_mm))
        if box is None:
            return refined, look
        with torch.inference_mode():
            known = torch.from_numpy(labels[box].copy()).to(device)
            raw = as_float(as_tensor(image[box]), torch.device(device))
            look = self._look(known, raw, look and look.to(device), box, spacing_mm, check)
            intensity = look.scale.scaled(raw)
            _, height, width = known.shape
            along_d, along_h, along_w = look.field.interpolations(box)
            planes = along_w.apply(
                along_h.apply(look.field.cells, 1, slice(0, height), 0), 2, slice(0, width), 0
            )

            def even(part: Box) -> torch.Tensor:
                rows, *across = part
                return intensity[part] / along_d.apply(planes[(slice(None), *across)], 0, rows, 0)

            found = self._likeliest(known, spacing_mm).found(
                even, look.mixture, self._visible(look.mixture), check
            )
            refined[box] = found.cpu().numpy()
        return refined, look

    def _look(
        self,
        labels: torch.Tensor,
        image: torch.Tensor,
        before: Look | None,
        box: Box,
        spacing_mm: Sequence[float],
        check: Callable[[], None],
    ) -> Look:
        """Intensities of labels in an image and its bias field, by turns with the labels, all on a coarse grid."""
        steps = _steps(spacing_mm)
        every = tuple(slice(None, None, step) for step in steps)
        coarse_mm = [mm * step for mm, step in zip(spacing_mm, steps, strict=True)]
        now, some = labels[every].contiguous(), image[every].contiguous()
        scale = before.scale if before else Scale.of(some)
        intensity = scale.scaled(some)
        first = tuple(axis.start for axis in box)

        def field_of(labels: torch.Tensor, mixture: Mixture) -> Field:
            return Field.of(
                labels, intensity, mixture, first=first, steps=steps, spacing_mm=spacing_mm
            )

        likeliest = self._likeliest(now, coarse_mm)
        mixture = before.mixture if before else Mixture.of(now, intensity)
        field = before.field if before else field_of(now, mixture)
        for _ in range(_LATER_ROUNDS if before else _ROUNDS):
            even = intensity / field.at(box, steps)
            now = likeliest.found(even.__getitem__, mixture, self._visible(mixture), check)
            mixture = Mixture.of(now, even)
            field = field_of(now, mixture)
        return Look(scale, mixture, field)

    def _reach(self, spacing_mm: Sequence[float]) -> list[int]:
        """How far a border can move, in voxels along D, H and W."""
        return [int(self.reach_mm / mm) for mm in spacing_mm]

    def _likeliest(self, labels: torch.Tensor, spacing_mm: Sequence[float]) -> Likeliest:
        """What labels ``(D, H, W)`` uint8 are refined with."""
        weights = table_of({int(k): v for k, v in self.weights.items()}, otherwise=self.weight)
        along = list(zip(spacing_mm, self._reach(spacing_mm), strict=True))
        kernels = {
            sigma: [
                _gaussian(sigma, mm, min(count, math.ceil(_REACH * sigma / mm)))
                for mm, count in along
            ]
            for sigma in {self.mm, *self.label_mm.values()}
        }
        by_label = [kernels[self.label_mm.get(str(label), self.mm)] for label in range(256)]
        return Likeliest(labels, kernels=by_label, weights=weights.to(labels.device))

    def _visible(self, mixture: Mixture) -> torch.Tensor:
        """Which labels a border can move between, ``(256, 256)`` bool."""
        return mixture.visible_borders(self.contrast, self.alike)


def _go_on() -> None:
    """Check nothing."""


def _gaussian(sigma: float, mm: float, count: int) -> list[float]:
    """Weights of a Gaussian at whole voxels, so many to each side; they sum to 1."""
    weights = [math.exp(-0.5 * (at * mm / sigma) ** 2) for at in range(-count, count + 1)]
    return [weight / sum(weights) for weight in weights]


def _steps(spacing_mm: Sequence[float]) -> list[int]:
    return [max(1, int(_COARSE_MM / mm)) for mm in spacing_mm]
