"""Labels: what each value of a segmentation means."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from CompactSegLib.errors import ModelError

__all__ = ["Code", "Label", "Terminology", "labels_of", "structures_of"]

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


_SIDES = {"left": Code("SCT", "7771000", "Left"), "right": Code("SCT", "24028007", "Right")}
_BOTH = Code("SCT", "51440002", "Right and left")


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
        class_value: The class of the net that it is told from; None for the one of its own value.
        side: ``left`` or ``right``, where both sides are one class.
    """

    value: int
    name: str
    color: tuple[int, int, int]
    terminology: Terminology | None = field(default=None)
    class_value: int | None = None
    side: str | None = None

    @property
    def structure(self) -> str:
        """What it is a side of, or its own name: "Hippocampus" of "Left hippocampus"."""
        if self.side is None:
            return self.name
        rest = self.name.partition(" ")[2]
        return rest[:1].upper() + rest[1:]

    @property
    def of_class(self) -> int:
        """The class of the net."""
        return self.class_value or self.value

    def __post_init__(self) -> None:
        if self.class_value is not None and not _whole(self.class_value, 1, 255):
            raise ModelError(
                f"label {self.name!r}: expected a class from 1 to 255, got {self.class_value!r}."
            )
        if self.side not in (None, *_SIDES) or (
            self.side and not str(self.name).startswith(f"{_SIDES[self.side].meaning} ")
        ):
            raise ModelError(
                f"label {self.name!r}: expected the side left or right, as the name begins, got {self.side!r}."
            )
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
            required <= set(settings) <= required | {"terminology", "class", "side"}
        ):
            raise ModelError(
                "label: expected value, name and color, and perhaps terminology, class and side, "
                f"got {settings!r}."
            )
        color = settings["color"]
        terminology = settings.get("terminology")
        return cls(
            settings["value"],
            settings["name"],
            tuple(color) if isinstance(color, list) else color,
            Terminology.from_dict(terminology) if terminology else None,
            settings.get("class"),
            settings.get("side"),
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
        told = {"class": self.class_value, "side": self.side}
        return settings | {name: value for name, value in told.items() if value is not None}


def labels_of(structures: Mapping[int, Mapping[str, Any]]) -> list[Label]:
    """The labels of a net's classes, values from 1: paired structures have two, left before right.

    Args:
        structures: By class from 1 on: ``name``, ``color``, perhaps ``terminology``, and where both sides are one class
            ``sides``, an object that may have another ``right_color``.

    Raises:
        ModelError: One of them makes no sense.
    """
    labels: list[Label] = []
    for number, given in sorted(structures.items()):
        settings = dict(given)
        sides = settings.pop("sides", None)
        if sides is None:
            own = {} if number == len(labels) + 1 else {"class": number}
            labels.append(Label.from_dict({"value": len(labels) + 1, **settings, **own}))
            continue
        if not isinstance(sides, Mapping) or not set(sides) <= {"right_color"}:
            raise ModelError(
                f"label {number}: expected sides with right_color or none, got {sides!r}."
            )
        for side, code in _SIDES.items():
            name = str(settings["name"])
            one = settings | {"name": f"{code.meaning} {name[:1].lower()}{name[1:]}"}
            if side == "right":
                one["color"] = sides.get("right_color", settings["color"])
            if "terminology" in one:
                one["terminology"] = {**one["terminology"], "modifier": code.to_dict()}
            labels.append(
                Label.from_dict({"value": len(labels) + 1, **one, "class": number, "side": side})
            )
    return labels


def structures_of(labels: Iterable[Label]) -> dict[int, dict[str, Any]]:
    """The structures by class that `labels_of` makes these labels from."""
    structures: dict[int, dict[str, Any]] = {}
    for label in labels:
        if label.side == "right":
            left = structures[label.of_class]
            if list(label.color) != left["color"]:
                left["sides"] = {"right_color": list(label.color)}
            continue
        settings = label.to_dict()
        for name in ("value", "class", "side"):
            settings.pop(name, None)
        if label.side:
            settings |= {"name": label.structure, "sides": {}}
            if label.terminology:
                settings["terminology"] = {**settings["terminology"], "modifier": _BOTH.to_dict()}
        structures[label.of_class] = settings
    return structures


def _whole(value: object, low: int, high: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high
