"""Labels: what each value of a segmentation means."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Annotated, Any

from CompactSegLib.errors import ModelError
from CompactSegLib.json_data import Invalid, Such, build, check, one_of, stated, whole
from CompactSegLib.words import shown

# Slicer puts terminology into one line separated by these characters.
_SEPARATORS = re.compile(r"[~^|\x00-\x1f\x7f]")


_Term = Annotated[
    str,
    Such(
        "a text without '~', '^' or '|'",
        lambda text: bool(text.strip()) and not _SEPARATORS.search(text),
    ),
]
_Channel = Annotated[int, whole(0, 255)]
_Value = Annotated[int, whole(1, 255)]
_LONGEST_NAME = 200
_NEARLY_WHITE = 229
_WARM = (255, 205, 100)
"""Light, and on no other structure of the models that ship."""


def is_name(text: str) -> bool:
    """Whether a text can stand as a name: it can be seen, in one line, and is not endless."""
    return bool(text.strip()) and text.isprintable() and len(text) <= _LONGEST_NAME


Name = Annotated[str, Such(f"a printable name of at most {_LONGEST_NAME} letters", is_name)]


@dataclass(frozen=True)
class Code:
    """A term of a coding scheme, such as ``SCT 10200004 Liver``."""

    scheme: _Term
    value: _Term
    meaning: _Term

    def __post_init__(self) -> None:
        check(self)


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

    Raises:
        ConfigurationError: A value makes no sense, or a name does not begin with its side.
    """

    value: _Value
    name: Name
    color: tuple[_Channel, _Channel, _Channel]
    terminology: Terminology | None = None
    class_value: _Value | None = field(default=None, metadata={"name": "class"})
    side: Annotated[str, one_of(*_SIDES)] | None = None

    def __post_init__(self) -> None:
        check(self)
        if self.side and not self.name.startswith(f"{_SIDES[self.side].meaning} "):
            raise Invalid("name", f"one that begins with its side, {self.side}", self.name)

    @property
    def structure(self) -> str:
        """What it is a side of, or its own name: "Hippocampus" of "Left hippocampus"."""
        if self.side is None:
            return self.name
        rest = self.name.partition(" ")[2]
        return rest[:1].upper() + rest[1:]

    @property
    def drawn_color(self) -> tuple[int, int, int]:
        """Its colour over an image; white matter's, nearly white by custom, can not be told from a white image."""
        return _WARM if min(self.color) > _NEARLY_WHITE else self.color

    @property
    def of_class(self) -> int:
        """The class of the net."""
        return self.class_value or self.value

    @classmethod
    def from_dict(cls, settings: object) -> Label:
        """Return the label as ``model.json`` states it.

        Raises:
            ModelError: A name is missing or unknown, or a value makes no sense.
        """
        return build(cls, settings, where="label", error=ModelError)

    def to_dict(self) -> dict[str, Any]:
        """Return what :meth:`from_dict` reads."""
        return stated(self)


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
                f"label {number}: expected sides with right_color or none, got {shown(sides)}."
            )
        if not isinstance(settings.get("terminology", {}), Mapping):
            raise ModelError(
                f"label {number}: expected terminology as an object, got {shown(settings['terminology'])}."
            )
        for side, code in _SIDES.items():
            name = str(settings["name"])
            one = settings | {"name": f"{code.meaning} {name[:1].lower()}{name[1:]}"}
            if side == "right":
                one["color"] = sides.get("right_color", settings["color"])
            if "terminology" in one:
                one["terminology"] = {**one["terminology"], "modifier": asdict(code)}
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
                settings["terminology"] = {**settings["terminology"], "modifier": asdict(_BOTH)}
        structures[label.of_class] = settings
    return structures
