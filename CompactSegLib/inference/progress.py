"""How far a run is, and whether it should go on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from CompactSegLib.errors import Cancelled


@dataclass(frozen=True)
class Progress:
    """Where a run is.

    Attributes:
        level: The level being computed, from 1.
        levels: The most levels this run may compute.
        fraction: Of this level, from 0 to 1.
        message: For a person, such as "level 2: 40%".
    """

    level: int
    levels: int
    fraction: float
    message: str


class LevelReporter:
    """Counts what is done of a level, tells it, and asks whether to go on.

    Args:
        level: The level being computed.
        levels: The net's levels.
        voxels: Voxels of the model's grid.
        progress: Called often.
        cancel: Asked often; True ends the run.
    """

    def __init__(
        self,
        level: int,
        *,
        levels: int,
        voxels: int,
        progress: Callable[[Progress], None] | None,
        cancel: Callable[[], bool] | None,
    ) -> None:
        self._level, self._levels, self._voxels = level, levels, voxels
        self._progress, self._cancel = progress, cancel
        self._done = self._part = 0
        self._told = 0.0
        self._tile = 0
        self.check()

    def begin_part(self) -> None:
        """A part of the volume is next; `restart` goes back to here."""
        self._part = self._done

    def begin_tile(self, voxels: int) -> None:
        """A tile with a core of so many voxels is next."""
        self._tile = voxels
        self.check()

    def step(self, step: float, steps: int) -> None:
        """Of the tile's steps, so many are done; up to one more counts for its labels.

        Raises:
            Cancelled: The run is to end.
        """
        self.check()
        # The labels are still to be taken after the last step.
        self._tell(self._done + self._tile * step / (steps + 1))

    def end_tile(self) -> None:
        self._done += self._tile
        self._tell(self._done)

    def restart(self) -> None:
        """The part begins anew."""
        self._done = self._part

    def check(self) -> None:
        """Raise ``Cancelled`` if the run is to end."""
        if self._cancel is not None and self._cancel():
            raise Cancelled(f"Cancelled at level {self._level}; the levels before it are finished.")

    def _tell(self, voxels: float) -> None:
        # Never backwards, also when the rest is cut anew.
        self._told = max(self._told, min(1.0, voxels / self._voxels))
        if self._progress is not None:
            message = f"level {self._level}: {self._told:.0%}"
            self._progress(Progress(self._level, self._levels, self._told, message))


def as_beginning(
    progress: Callable[[Progress], None], share: float, doing: str, *, levels: int
) -> Callable[[Progress], None]:
    """Tell of another run's levels, of which there are so many, as the first share of level 1."""

    def tell(step: Progress) -> None:
        done = (step.level - 1 + step.fraction) / levels
        progress(Progress(1, step.levels, share * done, f"{doing}: {done:.0%}"))

    return tell


def as_rest(progress: Callable[[Progress], None], share: float) -> Callable[[Progress], None]:
    """Tell of a level of which such a share was done before."""

    def tell(step: Progress) -> None:
        done = share + (1 - share) * step.fraction
        progress(replace(step, fraction=done, message=f"level {step.level}: {done:.0%}"))

    return tell
