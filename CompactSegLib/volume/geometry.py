"""Where the voxels of a volume are in the patient.

Words used here and everywhere in the library:

- *ijk*: voxel indices, i fastest in memory. Arrays are indexed the other way round, ``[k, j, i]``.
- *lps*: patient millimetres, growing to the patient's Left, Posterior and Superior. DICOM, ITK and
  this library keep directions and origins in lps.
- *ras*: the same with the first two axes negated, as in 3D Slicer and NIfTI. Converted only at
  those borders.
- *orientation code*: three letters, where the i, j and k axes run to, such as ``"RAS"``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import permutations
from typing import TYPE_CHECKING

import numpy as np

from CompactSegLib.errors import InputError
from CompactSegLib.json_data import Invalid

if TYPE_CHECKING:
    import SimpleITK

_LETTERS = {"L": (0, 1), "R": (0, -1), "P": (1, 1), "A": (1, -1), "S": (2, 1), "I": (2, -1)}
_LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])
# A cosine of axes: what headers that round to three places leave, half a millimetre over a head.
_LARGEST_SHEAR = 2e-3
# More than any scanner's table; what is beyond it would be resampled to more voxels than there is memory for.
_LARGEST_MM = 10_000.0
# Less than any scanner's pixel: a length in metres taken as millimetres, or as good as 0.
_SMALLEST_SPACING_MM = 0.005


@dataclass(frozen=True)
class Geometry:
    """The grid of a volume, as files state it: exact, oblique and left-handed ones included.

    Attributes:
        size_ijk: Voxels along i, j and k.
        spacing_mm: Distance of voxel centres along i, j and k.
        origin_lps_mm: Centre of voxel (0, 0, 0).
        direction_lps: 3x3 matrix, row after row, whose columns are the unit vectors of i, j and k.

    Raises:
        InputError: Numbers that are not finite, sizes or spacings that no image has, or axes not at right angles.
    """

    size_ijk: tuple[int, int, int]
    spacing_mm: tuple[float, float, float]
    origin_lps_mm: tuple[float, float, float] = (0.0, 0.0, 0.0)
    direction_lps: tuple[float, ...] = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0)

    def __post_init__(self) -> None:
        object.__setattr__(self, "size_ijk", tuple(int(n) for n in self.size_ijk))
        for name, length in (("spacing_mm", 3), ("origin_lps_mm", 3), ("direction_lps", 9)):
            values = tuple(float(v) for v in getattr(self, name))
            object.__setattr__(self, name, values)
            if len(values) != length or not np.all(np.isfinite(values)):
                raise InputError(
                    f"{name}: expected {length} finite numbers, got {values}; fix its header."
                )
        if len(self.size_ijk) != 3 or min(self.size_ijk) < 1:
            raise InputError(
                f"size: expected three numbers of voxels above 0, got {self.size_ijk}; fix its header."
            )
        if min(self.spacing_mm) < _SMALLEST_SPACING_MM:
            raise InputError(
                f"spacing: expected three lengths above 0 mm, none below {_SMALLEST_SPACING_MM} mm, got "
                f"{self.spacing_mm}; fix its header."
            )
        extent = [n * mm for n, mm in zip(self.size_ijk, self.spacing_mm, strict=True)]
        if max(extent) > _LARGEST_MM or np.abs(self.origin_lps_mm).max() > 100 * _LARGEST_MM:
            raise InputError(
                f"size: expected at most {_LARGEST_MM / 1000:.0f} m along each axis, got an image of "
                f"{' x '.join(f'{mm:.4g}' for mm in extent)} mm at {self.origin_lps_mm}; fix its header."
            )
        self._check_axes()

    def _check_axes(self) -> None:
        """Labels of a sheared grid would be right in memory and wrong in the patient: nothing here undoes a shear."""
        axes = self.direction_matrix
        if np.abs(np.linalg.norm(axes, axis=0) - 1).max() > _LARGEST_SHEAR:
            raise InputError("direction: expected axes of length 1; fix the header of the image.")
        if abs(np.linalg.det(axes)) < 1e-3:
            raise InputError(
                "direction: the three axes of the image do not span space; fix its header."
            )
        cosines = np.abs(axes.T @ axes - np.eye(3))
        if cosines.max() > _LARGEST_SHEAR:
            raise InputError(
                "direction: expected axes at right angles, but its header describes a sheared image (two axes at "
                f"{np.degrees(np.arccos(cosines.max())):.1f} degrees); resample it to an upright grid, for example in "
                "3D Slicer, and give the result."
            )

    @classmethod
    def from_sitk(cls, image: SimpleITK.Image) -> Geometry:
        """Return the geometry of a 3D SimpleITK image."""
        return cls(image.GetSize(), image.GetSpacing(), image.GetOrigin(), image.GetDirection())

    def to_sitk(self, array: np.ndarray) -> SimpleITK.Image:
        """Voxels (K, J, I) of this grid as an image of SimpleITK."""
        import SimpleITK

        image = SimpleITK.GetImageFromArray(array)
        image.SetSpacing(self.spacing_mm)
        image.SetOrigin(self.origin_lps_mm)
        image.SetDirection(self.direction_lps)
        return image

    @classmethod
    def from_ijk_to_ras(cls, size_ijk: Sequence[int], matrix: np.ndarray) -> Geometry:
        """Return the geometry of a grid given as in Slicer and nibabel.

        Args:
            size_ijk: Voxels along i, j and k.
            matrix: ``(4, 4)``, from voxel indices to RAS millimetres.

        Raises:
            InputError: An axis has no length, or the grid is none that an image can have.
        """
        with np.errstate(over="ignore", invalid="ignore"):  # what is too large is refused below
            lps = _LPS_TO_RAS @ np.asarray(matrix, dtype=float)
            spacing = np.linalg.norm(lps[:3, :3], axis=0)
        if not np.all(spacing > 0) or not np.all(np.isfinite(spacing)):
            raise InputError(
                "ijk to ras: expected a matrix with three axes of finite, non-zero length, got lengths of "
                f"{' x '.join(f'{mm:.4g}' for mm in spacing)} mm; fix the header of the image."
            )
        direction = lps[:3, :3] / spacing
        return cls(tuple(size_ijk), tuple(spacing), tuple(lps[:3, 3]), tuple(direction.ravel()))  # type: ignore[arg-type]

    @property
    def shape_kji(self) -> tuple[int, int, int]:
        """Shape of an array on this grid."""
        i, j, k = self.size_ijk
        return k, j, i

    @property
    def direction_matrix(self) -> np.ndarray:
        """(3, 3), columns are the unit vectors of i, j and k in lps."""
        return np.array(self.direction_lps).reshape(3, 3)

    @property
    def ijk_to_lps(self) -> np.ndarray:
        """(4, 4), voxel indices to lps millimetres."""
        matrix = np.eye(4)
        matrix[:3, :3] = self.direction_matrix * np.array(self.spacing_mm)
        matrix[:3, 3] = self.origin_lps_mm
        return matrix

    @property
    def ijk_to_ras(self) -> np.ndarray:
        """(4, 4), voxel indices to ras millimetres, nibabel's affine."""
        return _LPS_TO_RAS @ self.ijk_to_lps

    def cropped(self, box_kji: Sequence[slice]) -> Geometry:
        """The grid of a box of an array (k, j, i) of this one."""
        first = [part.start for part in reversed(box_kji)]
        x, y, z = (self.ijk_to_lps @ [*first, 1.0])[:3]
        i, j, k = (part.stop - part.start for part in reversed(box_kji))
        return replace(self, size_ijk=(i, j, k), origin_lps_mm=(float(x), float(y), float(z)))

    @property
    def voxel_millilitres(self) -> float:
        """Volume of one voxel."""
        return float(abs(np.linalg.det(self.ijk_to_lps[:3, :3]))) / 1000.0

    @property
    def orientation(self) -> str:
        """The nearest orientation code, for example ``"LPS"``."""
        code = {axis: letter for letter, axis in _LETTERS.items()}
        axes, signs = self.nearest_axes()
        by_source = dict(zip(axes, enumerate(signs), strict=True))
        return "".join(code[by_source[source]] for source in range(3))

    def matches(self, other: Geometry, tolerance: float = 1e-3) -> bool:
        """Whether sizes are equal and no corner is off by more than a tolerance.

        Args:
            other: The grid to compare with.
            tolerance: In voxels of the shortest side.
        """
        if self.size_ijk != other.size_ijk:
            return False
        return largest_shift_mm(self, other) <= tolerance * min(self.spacing_mm)

    def nearest_axes(self) -> tuple[tuple[int, int, int], tuple[int, int, int]]:
        """Match the image's axes with the patient's, each to its closest as far as all three allow.

        Returns:
            For each patient axis L, P, S the ijk axis that lies closest to it, and whether that one
            runs along it (1) or against it (-1).
        """
        direction = self.direction_matrix

        def closeness(axes: tuple[int, ...]) -> float:
            chosen = direction[:, axes]
            chosen = chosen * np.where(np.diag(chosen) < 0, -1.0, 1.0)
            # At exactly 45 degrees two choices are equally close. What decides then must not depend
            # on the order of the axes in memory, or a re-oriented copy would come out differently.
            tie = chosen[1, 0] + chosen[2, 1] + chosen[0, 2]
            return float(np.trace(chosen) + 1e-6 * tie)

        a, b, c = max(permutations(range(3)), key=closeness)
        signs = [-1 if direction[lps, ijk] < 0 else 1 for lps, ijk in enumerate((a, b, c))]
        return (a, b, c), (signs[0], signs[1], signs[2])


def largest_shift_mm(a: Geometry, b: Geometry) -> float:
    """How far apart two grids of one size put a voxel, at the corner where that is most."""
    corners = np.array([*np.ndindex(2, 2, 2)], dtype=float) * (np.array(a.size_ijk) - 1)
    homogeneous = np.c_[corners, np.ones(8)]
    apart = np.linalg.norm(homogeneous @ (a.ijk_to_lps - b.ijk_to_lps).T, axis=1)
    return float(apart.max())


def orientation_axes(code: str) -> tuple[tuple[int, int], ...]:
    """Return for each letter of an orientation code the lps axis and the sign of its direction.

    >>> orientation_axes("RAS")
    ((0, -1), (1, -1), (2, 1))

    Raises:
        ConfigurationError: Not three letters, one of each pair L/R, P/A, S/I.
    """
    axes = tuple(_LETTERS[letter] for letter in code if letter in _LETTERS)
    if len(code) != 3 or sorted(axis for axis, _ in axes) != [0, 1, 2]:
        raise Invalid(
            "orientation", "three letters, one each of L/R, P/A and S/I such as 'RAS'", code
        )
    return axes
