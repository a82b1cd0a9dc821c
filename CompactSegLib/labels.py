"""Labels: what each value of a segmentation means."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from CompactSegLib.errors import ModelError

__all__ = ["Code", "Label", "Terminology"]

# Slicer puts terminology into one line separated by these characters.
_SEPARATORS = re.compile(r"[~^|\x00-\x1f\x7f]")


@dataclass(frozen=True)
class Code:
    """A term of a coding scheme, such as ``SCT 10200004 Liver``."""

    scheme: str
    value: str
    meaning: str

    def __post_init__(self) -> None:
        for name in ("scheme", "value", "meaning"):
            text = getattr(self, name)
            if not isinstance(text, str) or not text.strip() or _SEPARATORS.search(text):
                raise ModelError(
                    f"terminology {name}: expected a text without '~', '^' or '|', got {text!r}."
                )

    @classmethod
    def from_dict(cls, settings: Mapping[str, str]) -> Code:
        """Return the code stated as ``{"scheme": "SCT", "value": "1234", "meaning": "Liver"}``."""
        if not isinstance(settings, Mapping) or set(settings) != {"scheme", "value", "meaning"}:
            raise ModelError(f"terminology: expected scheme, value and meaning, got {settings!r}.")
        return cls(**settings)

    def to_dict(self) -> dict[str, str]:
        """Return what :meth:`from_dict` reads."""
        return {"scheme": self.scheme, "value": self.value, "meaning": self.meaning}


@dataclass(frozen=True)
class Terminology:
    """What a segment is, in DICOM's terms.

    Attributes:
        category: Segmented property category, such as Anatomical Structure.
        type: Segmented property type, such as Hippocampus.
        modifier: Of the type, such as Left.
        region: Where it is, for a type that is no anatomy itself, such as a mass.
        region_modifier: Of the region.
    """

    category: Code
    type: Code
    modifier: Code | None = None
    region: Code | None = None
    region_modifier: Code | None = None

    @classmethod
    def from_dict(cls, settings: Mapping[str, Any]) -> Terminology:
        """Return the terminology stated by name of the attributes above.

        Raises:
            ModelError: Category or type missing, an unknown name, or a code that is not one.
        """
        if not isinstance(settings, Mapping) or not {"category", "type"} <= set(settings) <= set(
            cls.__dataclass_fields__
        ):
            raise ModelError(
                "terminology: expected category and type, and perhaps modifier, region and "
                f"region_modifier, got {settings!r}."
            )
        return cls(**{name: Code.from_dict(code) for name, code in settings.items()})

    def to_dict(self) -> dict[str, dict[str, str]]:
        """Return what :meth:`from_dict` reads."""
        codes = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return {name: code.to_dict() for name, code in codes.items() if code is not None}


@dataclass(frozen=True)
class Label:
    """One structure that a model segments.

    Attributes:
        value: Its value in label maps, 1 to 255; 0 is the background.
        name: For people; unique in a model.
        color: Red, green, blue, 0 to 255.
        terminology: Its codes, where known.
    """

    value: int
    name: str
    color: tuple[int, int, int]
    terminology: Terminology | None = field(default=None)

    def __post_init__(self) -> None:
        if not _whole(self.value, 1, 255):
            raise ModelError(f"label: expected a value from 1 to 255, got {self.value!r}.")
        if not isinstance(self.name, str) or not self.name.strip() or not self.name.isprintable():
            raise ModelError(f"label {self.value}: expected a printable name, got {self.name!r}.")
        if (
            not isinstance(self.color, tuple)
            or len(self.color) != 3
            or not all(_whole(part, 0, 255) for part in self.color)
        ):
            raise ModelError(
                f"label {self.name!r}: expected a color of three whole numbers from 0 to 255, "
                f"got {self.color!r}."
            )

    @classmethod
    def from_dict(cls, settings: Mapping[str, Any]) -> Label:
        """Return the label as ``model.json`` states it.

        Raises:
            ModelError: A key is missing or unknown, or a value makes no sense.
        """
        required = {"value", "name", "color"}
        if not isinstance(settings, Mapping) or not (
            required <= set(settings) <= required | {"terminology"}
        ):
            raise ModelError(
                f"label: expected value, name and color, and perhaps terminology, got {settings!r}."
            )
        color = settings["color"]
        terminology = settings.get("terminology")
        return cls(
            settings["value"],
            settings["name"],
            tuple(color) if isinstance(color, list) else color,
            Terminology.from_dict(terminology) if terminology else None,
        )

    def to_dict(self) -> dict[str, Any]:
        """Return what :meth:`from_dict` reads."""
        settings: dict[str, Any] = {
            "value": self.value,
            "name": self.name,
            "color": list(self.color),
        }
        if self.terminology:
            settings["terminology"] = self.terminology.to_dict()
        return settings


def _whole(value: object, low: int, high: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high
