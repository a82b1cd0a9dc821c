"""``slicer-api.json``: classes, properties, signals and methods as read from Slicer's and CTK's sources."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

FILE = Path(__file__).resolve().parents[4] / "shared" / "slicer" / "slicer-api.json"

# Where the file is silent, Slicer's sources decide: methods that slicer.util itself calls on these.
BESIDE_THE_FILE = (
    ("qSlicerAbstractCoreModule", "widgetRepresentation()"),
    ("qSlicerCoreApplication", "testingEnabled()"),
)


@dataclass
class Member:
    """What a name is on a class: a property, or signals or methods of that name."""

    kind: str
    type: str = ""
    writable: bool = False
    signatures: list[str] = field(default_factory=list)


class Api:
    def __init__(self, content: dict[str, Any]) -> None:
        self.classes: dict[str, Any] = content["classes"]
        self.python: dict[str, Any] = content["python"]
        for cls, signature in BESIDE_THE_FILE:
            self.classes[cls].setdefault("invokable", []).append(signature)

    @classmethod
    def read(cls) -> Api:
        return cls(json.loads(FILE.read_text(encoding="utf-8")))

    def lineage(self, name: str) -> Iterator[str]:
        """The class and its bases, as far as they are Slicer's or CTK's."""
        while name in self.classes:
            yield name
            name = self.classes[name]["base"]

    def qt_base(self, name: str) -> str:
        """The class of Qt that it is derived from."""
        last = list(self.lineage(name))[-1]
        return str(self.classes[last]["base"])

    def member(self, class_name: str, name: str) -> Member | None:
        """What a name is on a class or a base of it; None where Slicer has no such name."""
        signals, methods = [], []
        for cls in self.lineage(class_name):
            described = self.classes[cls]
            found = described.get("properties", {}).get(name)
            if found:
                return Member("property", found["type"], found["writable"])
            signals += _named(name, described.get("signals", []))
            methods += _named(name, described.get("slots", []) + described.get("invokable", []))
            if any(name in values for values in described.get("enums", {}).values()):
                return Member("enum")
        if signals:
            return Member("signal", signatures=signals)
        return Member("method", signatures=methods) if methods else None


def _named(name: str, signatures: list[str]) -> list[str]:
    return [each for each in signatures if each.partition("(")[0] == name]


def counts(signature: str) -> tuple[int, int]:
    """Least and most arguments: ``f(int, QString?)`` takes one or two."""
    inside = signature.partition("(")[2].rpartition(")")[0]
    arguments = [each for each in inside.split(",") if each.strip()]
    optional = sum(each.strip().endswith("?") for each in arguments)
    return len(arguments) - optional, len(arguments)


def plain(signature: str) -> str:
    """Without what does not matter for a connection: spaces and marks of defaults."""
    return signature.replace(" ", "").replace("?", "")
