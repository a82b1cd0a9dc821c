"""What is done to a head whose volumes should not change: other grids, other intensities, other fields of view.

Each change takes the image and the labels that the model gave it, and returns the changed image with the same tissue
at the same patient millimetres.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import SimpleITK
from numpy.typing import NDArray

from benchmarks.brain_mr.grids import averaged, cropped, sliced, tilted
from benchmarks.brain_mr.intensities import blurred, noised, scaled, shaded, with_array
from CompactSegLib import Geometry, Volume

Labels = NDArray[np.uint8]
Change = Callable[[Volume, Labels], Volume]

_MARGIN_MM = 5.0
_GAP_MM = 6.0


def reoriented(volume: Volume, code: str) -> Volume:
    """The same voxels in another order in memory, as another scanner or converter writes them."""
    image = SimpleITK.DICOMOrient(volume.geometry.to_sitk(volume.array[0]), code)
    array = SimpleITK.GetArrayFromImage(image)[None]
    return Volume(array, Geometry.from_sitk(image), name=volume.name)


def oblique_header(volume: Volume, degrees: float) -> Volume:
    """The same voxels under a header that is turned: where the patient's head was not straight in the scanner."""
    turn = SimpleITK.Euler3DTransform((0, 0, 0), *np.radians([degrees, degrees / 2, 0]))
    turned = np.array(turn.GetMatrix()).reshape(3, 3) @ volume.geometry.direction_matrix
    geometry = dataclasses.replace(volume.geometry, direction_lps=tuple(turned.ravel()))
    return dataclasses.replace(volume, geometry=geometry)


def rescaled(volume: Volume) -> Volume:
    """Other units: intensities times 4, plus 100."""
    return with_array(volume, volume.array[0].astype(np.float32) * 4 + 100)


def inverted(volume: Volume) -> Volume:
    """Bright becomes dark in the head; the air stays dark, as in any MR image."""
    return with_array(volume, np.where(head_mask(volume), 1.05 - scaled(volume), scaled(volume)))


def without_skull(volume: Volume, labels: Labels) -> Volume:
    """Dark outside what the model labelled, with its gaps closed."""
    image = volume.geometry.to_sitk((labels > 0).astype(np.uint8))
    radius = [max(1, round(_GAP_MM / 2 / mm)) for mm in volume.geometry.spacing_mm]
    closed = SimpleITK.BinaryFillhole(SimpleITK.BinaryMorphologicalClosing(image, radius))
    kept = SimpleITK.GetArrayFromImage(closed).astype(bool)
    return with_array(volume, np.where(kept, volume.array[0], volume.array.min()))


def around_the_brain(volume: Volume, labels: Labels) -> Volume:
    """Cropped to a box a few millimetres larger than what the model labelled: scalp, face and neck are cut."""
    return cropped(volume, labels > 0, margin_mm=_MARGIN_MM)


def head_mask(volume: Volume) -> NDArray[np.bool_]:
    """What is not air: Otsu's threshold, without the holes that skull and sinuses leave."""
    image = volume.geometry.to_sitk(volume.array[0].astype(np.float32))
    bright = SimpleITK.OtsuThreshold(image, 0, 1)
    radius = [max(1, round(_GAP_MM / mm)) for mm in volume.geometry.spacing_mm]
    closed = SimpleITK.BinaryMorphologicalClosing(bright, radius)
    parts = SimpleITK.RelabelComponent(SimpleITK.ConnectedComponent(closed))
    return SimpleITK.GetArrayFromImage(SimpleITK.BinaryFillhole(parts == 1)).astype(bool)


UNSEEN: dict[str, Change] = {
    "voxels in order LPI": lambda image, _: reoriented(image, "LPI"),
    "voxels in order PIR": lambda image, _: reoriented(image, "PIR"),
    "header turned by 15°": lambda image, _: oblique_header(image, 15),
    "other units": lambda image, _: rescaled(image),
}
"""Changes that the engine undoes before the net sees the image: the volumes must not change at all."""

SEEN: dict[str, Change] = {
    "1 mm": lambda image, _: averaged(image, (1.0, 1.0, 1.0)),
    "1.5 mm": lambda image, _: averaged(image, (1.5, 1.5, 1.5)),
    "2 mm": lambda image, _: averaged(image, (2.0, 2.0, 2.0)),
    "3 mm": lambda image, _: averaged(image, (3.0, 3.0, 3.0)),
    "axial slices of 5 mm": lambda image, _: sliced(image, 5.0, "axial"),
    "coronal slices of 5 mm": lambda image, _: sliced(image, 5.0, "coronal"),
    "sagittal slices of 5 mm": lambda image, _: sliced(image, 5.0, "sagittal"),
    "nodded by 15°": lambda image, _: tilted(image, 15, "sagittal"),
    "nodded by −15°": lambda image, _: tilted(image, -15, "sagittal"),
    "bent sideways by 15°": lambda image, _: tilted(image, 15, "coronal"),
    "turned by 15°": lambda image, _: tilted(image, 15, "axial"),
    "blurred, 2 mm": lambda image, _: blurred(image, 2.0),
    "blurred, 4 mm": lambda image, _: blurred(image, 4.0),
    "noise of 5 %": lambda image, _: noised(image, 0.05),
    "noise of 10 %": lambda image, _: noised(image, 0.10),
    "bias field, weak": lambda image, _: shaded(image, 0.3),
    "bias field, strong": lambda image, _: shaded(image, 0.8),
    "gamma 0.7": lambda image, _: with_array(image, scaled(image) ** 0.7),
    "gamma 1.4": lambda image, _: with_array(image, scaled(image) ** 1.4),
    "contrast inverted": lambda image, _: inverted(image),
    "negative, air white": lambda image, _: with_array(image, 1 - scaled(image)),
    "field of view around the brain": around_the_brain,
    "without skull": without_skull,
}
"""Changes that the net sees."""
