"""Where a model of a part of the body looks in a larger image: around a structure that another model finds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from CompactSegLib.errors import ModelError

__all__ = ["Region"]


@dataclass(frozen=True)
class Region:
    """What finds the images that a model was trained on, in a larger one.

    Attributes:
        model: Name of the model that finds it.
        structure: What that model calls it, without a side; left and right of it are two regions.
        level: The level of that model that suffices, from 1.
        margin_mm: How far a region goes beyond the structure.
    """

    model: str
    structure: str
    level: int
    margin_mm: float

    def __post_init__(self) -> None:
        texts = (self.model, self.structure)
        level, margin = self.level, self.margin_mm
        if (
            not all(isinstance(text, str) and text.strip() for text in texts)
            or type(level) is not int
            or not 1 <= level <= 100
            or type(margin) not in (int, float)
            or not 0 <= margin <= 1000
        ):
            raise ModelError(
                "region: expected model and structure as texts, level from 1 and margin_mm from 0, "
                f"got {asdict(self)!r}."
            )

    @classmethod
    def from_dict(cls, settings: Mapping[str, Any]) -> Region:
        """Return the region stated by name of the attributes above.

        Raises:
            ModelError: A name is missing or unknown, or a value makes no sense.
        """
        names = tuple(cls.__dataclass_fields__)
        if not isinstance(settings, Mapping) or set(settings) != set(names):
            raise ModelError(f"region: expected {', '.join(names)}, got {settings!r}.")
        return cls(**settings)

    def to_dict(self) -> dict[str, Any]:
        """Return what :meth:`from_dict` reads."""
        return asdict(self)
