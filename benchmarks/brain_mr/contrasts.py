"""How bright each tissue is in each kind of image: relaxation times put through the sequences' signal equations.

Times are about those at 3 T. Cerebral white matter, cortex, caudate and putamen: Wright et al., MAGMA 21 (2008), T1;
Stanisz et al., Magn Reson Med 54 (2005), T2, blood and muscle. Fat and marrow: Gold et al., AJR 183 (2004). Bone:
Reichert et al., Magn Reson Imaging 23 (2005). The rest is set between these, as radiologists see it: nuclei with more
iron or more fibres have shorter times than cortex.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np


@dataclass(frozen=True)
class Tissue:
    """Proton density (1 is water), T1 and T2 in ms."""

    density: float
    t1: float
    t2: float


FLUID = Tissue(1.0, 4200, 2000)
MUSCLE = Tissue(0.80, 1420, 40)
TISSUES: dict[int, Tissue] = {
    2: Tissue(0.70, 840, 70),
    3: Tissue(0.82, 1600, 99),
    4: FLUID,
    7: Tissue(0.71, 900, 74),
    8: Tissue(0.82, 1500, 95),
    10: Tissue(0.76, 1180, 80),
    11: Tissue(0.80, 1395, 88),
    12: Tissue(0.79, 1330, 80),
    13: Tissue(0.73, 1050, 62),
    14: FLUID,
    15: FLUID,
    16: Tissue(0.73, 1000, 78),
    17: Tissue(0.82, 1550, 105),
    18: Tissue(0.82, 1500, 105),
    24: FLUID,
    25: Tissue(0.85, 1250, 160),
    26: Tissue(0.80, 1420, 90),
    28: Tissue(0.75, 1100, 75),
    30: Tissue(0.85, 1930, 275),
    72: FLUID,
    85: Tissue(0.72, 950, 75),
    136: Tissue(0.88, 1900, 180),
    502: Tissue(0.85, 1930, 275),
    506: FLUID,
    507: MUSCLE,
    508: Tissue(0.70, 1100, 45),
    509: Tissue(0.85, 1500, 110),
    511: Tissue(0.80, 450, 90),
    512: Tissue(0.73, 950, 75),
    514: Tissue(0.70, 1700, 60),
    515: Tissue(0.10, 200, 0.5),
    516: Tissue(0.85, 365, 133),
    530: Tissue(0.82, 1300, 90),
}
"""By the value that stands for a tissue in the label maps (`tissue_of`)."""

ENHANCING = {30: 300, 136: 450, 502: 300, 507: 1000, 509: 450, 511: 430, 514: 500, 530: 450}
"""T1 in ms of what takes up a gadolinium agent; the brain behind its barrier does not."""

MAIN = (2, 3, 4)
"""White matter, cortex and fluid."""


def spoiled_gradient_echo(tissue: Tissue, *, tr: float, te: float, degrees: float) -> float:
    """Signal of a 3D gradient echo; times in ms."""
    angle, e1 = math.radians(degrees), math.exp(-tr / tissue.t1)
    relaxed = math.sin(angle) * (1 - e1) / (1 - math.cos(angle) * e1)
    return tissue.density * relaxed * math.exp(-te / tissue.t2)


def spin_echo(tissue: Tissue, *, tr: float, te: float) -> float:
    """Signal of a (turbo) spin echo; times in ms."""
    return tissue.density * (1 - math.exp(-tr / tissue.t1)) * math.exp(-te / tissue.t2)


def inversion_recovery(tissue: Tissue, *, tr: float, te: float, ti: float) -> float:
    """Magnitude signal of a spin echo after inversion, as in FLAIR; times in ms."""
    relaxed = 1 - 2 * math.exp(-ti / tissue.t1) + math.exp(-tr / tissue.t1)
    return tissue.density * abs(relaxed) * math.exp(-te / tissue.t2)


def _t1(tissue: Tissue) -> float:
    return spoiled_gradient_echo(tissue, tr=15, te=3, degrees=25)


def _of_sequence(signal: Callable[[Tissue], float], tissues: Mapping[int, Tissue]) -> dict:
    return _normalised({value: signal(tissue) for value, tissue in tissues.items()})


def _normalised(means: Mapping[int, float]) -> dict[int, float]:
    """The brightest of white matter, cortex and fluid is 1."""
    top = max(means[value] for value in MAIN)
    return {value: mean / top for value, mean in means.items()}


def _with_agent() -> dict[int, Tissue]:
    short = {value: replace(TISSUES[value], t1=t1) for value, t1 in ENHANCING.items()}
    return TISSUES | short


def _inverted() -> dict[int, float]:
    return {value: 1.1 - min(mean, 1.05) for value, mean in CONTRASTS["T1"]().items()} | {515: 0.05}


def _random(seed: int) -> dict[int, float]:
    """Each tissue as bright as chance has it, as in training; bone is dark.

    Drawn until white matter, cortex and fluid can be told apart, which any image that is taken of a brain is for.
    """
    random = np.random.default_rng(seed)
    while True:
        means = {value: float(random.uniform(0.05, 1)) for value in TISSUES} | {515: 0.05}
        main = sorted(means[value] for value in MAIN)
        if min(np.diff(main)) >= 0.1:
            return means


CONTRASTS: dict[str, Callable[[], dict[int, float]]] = {
    "T1": lambda: _of_sequence(_t1, TISSUES),
    "T1 with agent": lambda: _of_sequence(_t1, _with_agent()),
    "T2": lambda: _of_sequence(lambda tissue: spin_echo(tissue, tr=5000, te=100), TISSUES),
    "FLAIR": lambda: _of_sequence(
        lambda tissue: inversion_recovery(tissue, tr=9000, te=120, ti=2440), TISSUES
    ),
    "PD": lambda: _of_sequence(lambda tissue: spin_echo(tissue, tr=5700, te=8), TISSUES),
    "T1 inverted": lambda: _inverted(),
    "random 1": lambda: _random(1),
    "random 2": lambda: _random(2),
}
"""Means by tissue value; air is 0, the brightest of white matter, cortex and fluid about 1."""


def means_of(contrast: str, values: Sequence[int]) -> np.ndarray:
    """Mean intensity of each tissue of a head, ``(tissues,)`` float32; what has no entry looks like muscle."""
    means = CONTRASTS[contrast]()
    return np.array(
        [0.0 if value == 0 else means.get(value, means[507]) for value in values], np.float32
    )
