"""Where a model of a part of the body looks in a larger image: around a structure that another model finds."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Annotated, Any

from CompactSegLib.errors import ModelError
from CompactSegLib.json_data import Text, build, check, number, whole

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

    model: Text
    structure: Text
    level: Annotated[int, whole(1, 100)]
    margin_mm: Annotated[float, number(0, 1000)]

    def __post_init__(self) -> None:
        check(self)

    @classmethod
    def from_dict(cls, settings: object) -> Region:
        """Return the region stated by name of the attributes above.

        Raises:
            ModelError: A name is missing or unknown, or a value makes no sense.
        """
        return build(cls, settings, where="region", error=ModelError)

    def to_dict(self) -> dict[str, Any]:
        """Return what :meth:`from_dict` reads."""
        return asdict(self)
