"""A head made of ellipsoids whose falx is bent, and whose sides are known."""

from __future__ import annotations

import dataclasses
from functools import cache

import numpy as np

from CompactSegLib.volume.geometry import Geometry
from CompactSegLib.volume.sides import Sides
from Testing.Lib.volume.frames import rotation

# Centre in lps mm on the left, and radii.
NUCLEI = {
    "Lateral ventricle": ((13, 8, 24), (7, 22, 6)),
    "Thalamus": ((12, 10, 5), (9, 11, 8)),
    "Caudate": ((14, -15, 12), (5, 9, 8)),
    "Putamen": ((26, -4, 2), (6, 14, 9)),
    "Pallidum": ((19, -2, 0), (4, 8, 6)),
    "Hippocampus": ((25, 20, -14), (6, 15, 6)),
    "Amygdala": ((23, -2, -18), (6, 6, 6)),
    "Ventral diencephalon": ((11, 8, -9), (7, 7, 5)),
    "Accumbens area": ((9, -20, -4), (4, 5, 4)),
}
MIDLINE = {
    "Third ventricle": ((0, 5, 3), (2, 12, 10)),
    "Fourth ventricle": ((0, 33, -38), (5, 5, 8)),
    "Brain stem": ((0, 18, -38), (11, 12, 24)),
}
PAIRED = {
    *NUCLEI,
    *("Cerebral white matter", "Cerebral cortex", "Cerebellar white matter", "Cerebellar cortex"),
}
NAMES = dict(enumerate([*sorted(PAIRED), *MIDLINE], 1))
VALUES = {name: value for value, name in NAMES.items()}
LEFT = {value: 100 + value for value in NAMES if NAMES[value] in PAIRED}
RIGHT = {value: 150 + value for value in LEFT}


@dataclasses.dataclass(frozen=True)
class Head:
    """A head whose sides are known: `LEFT` and `RIGHT` in the truth, neither in what is given."""

    truth: np.ndarray
    geometry: Geometry

    @property
    def merged(self) -> np.ndarray:
        return np.where(
            self.truth > 150,
            self.truth - 150,
            np.where(self.truth > 100, self.truth - 100, self.truth),
        ).astype(np.uint8)

    def only(self, *names: str) -> Head:
        kept = np.isin(self.merged, [VALUES[name] for name in names])
        return dataclasses.replace(self, truth=np.where(kept, self.truth, 0).astype(np.uint8))

    def cut(self, box: tuple[slice, ...]) -> Head:
        truth = np.ascontiguousarray(self.truth[box])
        start = [part.start or 0 for part in reversed(box)]
        origin = (self.geometry.ijk_to_lps @ [*start, 1.0])[:3]
        return Head(
            truth,
            dataclasses.replace(
                self.geometry, size_ijk=truth.shape[::-1], origin_lps_mm=tuple(origin)
            ),
        )

    def turned(self, degrees) -> Head:
        matrix = rotation(degrees)
        old = self.geometry
        geometry = dataclasses.replace(
            old,
            origin_lps_mm=tuple(matrix @ old.origin_lps_mm + [12.0, -80.0, 33.0]),
            direction_lps=tuple((matrix @ old.direction_matrix).ravel()),
        )
        return dataclasses.replace(self, geometry=geometry)


@cache
def a_head(mm: float = 2.0) -> Head:
    size = tuple(int(n / mm) for n in (148, 180, 150))
    geometry = Geometry(size, (mm, mm, mm), (-74.0 + mm / 2, -90.0 + mm / 2, -85.0 + mm / 2))
    i, j, k = (np.arange(n) * mm + o for n, o in zip(size, geometry.origin_lps_mm, strict=True))
    x, y, z = i, j[:, None], k[:, None, None]
    truth = np.zeros(geometry.shape_kji, np.uint8)

    def inside(centre, radii):
        parts = zip((x, y, z), centre, radii, strict=True)
        return sum(((at - c) / r) ** 2 for at, c, r in parts) < 1

    def put(name, where, lateral):
        value = VALUES[name]
        truth[where & (lateral > 0)] = LEFT[value]
        truth[where & (lateral <= 0)] = RIGHT[value]

    lateral = x + 0 * y + 0 * z
    # The falx leans to one side at the back and to the other in front.
    bent = lateral - 4 * np.sin(y / 25)
    put("Cerebral cortex", inside((0, 0, 10), (65, 80, 58)) & (z > -32), bent)
    callosum = inside((0, 0, 28), (30, 25, 4))
    hemispheres = inside((0, 0, 10), (60, 74, 52)) & (z > -26) & (np.abs(bent) > 4)
    put("Cerebral white matter", hemispheres, bent)
    put("Cerebral white matter", callosum, lateral)
    put("Cerebellar cortex", inside((0, 42, -52), (50, 28, 22)), lateral)
    put("Cerebellar white matter", inside((0, 40, -52), (36, 16, 10)), lateral)
    for name, (centre, radii) in MIDLINE.items():
        truth[inside(centre, radii)] = VALUES[name]
    for name, ((a, *others), radii) in NUCLEI.items():
        put(name, inside((a, *others), radii) | inside((-a, *others), radii), lateral)
    return Head(truth, geometry)


def found(head: Head) -> Sides:
    return Sides.found_in(head.merged, head.geometry, NAMES)
