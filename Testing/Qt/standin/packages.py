"""A note of what was to be installed, and whether that succeeds."""

from __future__ import annotations

import re
from dataclasses import dataclass, field


@dataclass
class Installation:
    """One call: by which function, and what."""

    function: str
    requirements: list[str]


@dataclass
class PackageRecord:
    """The one that `slicer.packaging` and `PyTorchUtils` write into.

    Attributes:
        calls: What was asked for, in order.
        installed: Names that count as installed besides those that really are.
        answer: What happens: ``install``, ``decline`` (the user says no, where a function asks) or ``fail``.
    """

    calls: list[Installation] = field(default_factory=list)
    installed: set[str] = field(default_factory=set)
    answer: str = "install"

    def install(self, function: str, requirements: list[str], *, asks: bool) -> bool:
        """Note it; whether it is installed now.

        Raises:
            RuntimeError: As Slicer's functions do where installing failed, or was declined.
        """
        if not requirements:
            return True
        self.calls.append(Installation(function, requirements))
        if self.answer == "decline" and asks:
            raise RuntimeError("The user declined to install the packages")
        if self.answer == "fail":
            raise RuntimeError(f"Failed to install {', '.join(requirements)}: no network")
        self.installed |= {re.split(r"[^\w.-]", each)[0] for each in requirements}
        return True

    def reset(self) -> None:
        self.calls.clear()
        self.installed.clear()
        self.answer = "install"


record = PackageRecord()
