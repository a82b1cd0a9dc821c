"""Values that the logic hands out: what the worker offers, a run, its outcome, and what the scene holds of a volume."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from CompactSegMRML.LevelFacts import LevelFacts

if TYPE_CHECKING:
    from CompactSegLib.labels import Label
    from CompactSegLib.model.expected_volumes import ExpectedVolume

__all__ = [
    "Comparison",
    "DeviceInfo",
    "LevelResult",
    "ModelCard",
    "ModelInfo",
    "Results",
    "Run",
    "RunOutcome",
    "Side",
    "StructureOverlap",
]


@dataclass(frozen=True, eq=False)
class ModelCard:
    """Where a model comes from and what it is known to reach; what is not stated is empty.

    Attributes:
        madeFrom: The data, with source, licence and number of cases.
        dice: Of its last level, mean over structures and validation cases.
        cases: Number of these cases.
        isSynthetic: Whether it was trained on and judged by images made of label maps.
        limits: Sentences.
        expected: By label name, the millilitres that training cases have.
    """

    madeFrom: str = ""
    dice: float | None = None
    cases: int | None = None
    isSynthetic: bool = False
    limits: tuple[str, ...] = ()
    expected: Mapping[str, ExpectedVolume] = field(default_factory=dict)


@dataclass(frozen=True)
class ModelInfo:
    """A model that the worker has.

    Attributes:
        name: By which `CompactSegLogic.segment` takes it; unique.
        title: For people.
        description: One or two sentences.
        levels: How many it has.
        labels: What it segments: ``value``, ``name``, ``color`` (0 to 255), ``terminology``. Of a whole that has
            a left and a right of it, a run may bring both.
        channels: Images that it takes; the module can use those with one.
        modality: Such as ``MR T1``.
        licence: Of the weights.
        sizeBytes: Of its folder.
        folder: Where it is, on the worker's machine.
        stopThreshold: It stops by itself when a level changes less than this, 0 to 1; 0 for never.
        fieldMm: What it is meant to see, right-left, front-back and up-down; None where it is not told.
        findsRegions: Whether it looks for such a part itself in a larger image, with the help of another model.
        card: Empty where the worker is of a version that does not tell.
    """

    name: str
    title: str
    description: str
    levels: int
    labels: tuple[Label, ...]
    channels: int
    modality: str
    licence: str
    sizeBytes: int
    folder: str
    stopThreshold: float
    fieldMm: tuple[float, float, float] | None = None
    findsRegions: bool = False
    card: ModelCard = field(default_factory=ModelCard, compare=False)


@dataclass(frozen=True)
class DeviceInfo:
    """A device that the worker can compute on.

    Attributes:
        name: ``cpu``, ``cuda:0``, ``mps``.
        title: For people.
        precision: In which it computes by default.
    """

    name: str
    title: str
    precision: str


@dataclass(frozen=True)
class Run:
    """A run that was started.

    Attributes:
        volumeID: MRML ID of the volume node.
        volumeName: Its name when the run began.
        model: Name of the model.
        levels: The most levels it will compute; None where the worker has not yet told how many the model has.
        firstLevel: The first that it will compute: 1, or more where known levels are refined.
    """

    volumeID: str
    volumeName: str
    model: str
    levels: int | None
    firstLevel: int = 1


@dataclass(frozen=True, eq=False)
class RunOutcome:
    """How a run ended.

    Attributes:
        volumeNode: The volume; None where it is no longer in the scene.
        kind: ``done``, ``cancelled`` or ``failed``.
        sentence: For the user, in every case.
        stop: Why it ended after this level: ``threshold``, ``levels-requested`` or ``last-level``; "" unless done.
        stopReason: The same as a sentence; "" unless done.
        blocksRun: Blocks of the net that the worker executed; a level that was known costs none.
        seconds: From the click to the end.
    """

    volumeNode: Any
    kind: str
    sentence: str
    stop: str = ""
    stopReason: str = ""
    blocksRun: int = 0
    seconds: float = 0.0


@dataclass(frozen=True)
class LevelResult(LevelFacts):
    """A level of a volume, as the scene holds it: its facts, and where it is.

    Attributes:
        segmentationNode: The vtkMRMLSegmentationNode.
        isEdited: Whether a person changed its labels since; then the millilitres are those of now, and what was told
            of changes no longer holds.
    """

    segmentationNode: Any = None
    isEdited: bool = False


@dataclass(frozen=True, eq=False)
class Results:
    """What the scene holds of a volume.

    Attributes:
        volumeNode: The volume.
        model: Name of the model that made the levels.
        levels: In order; one that the user deleted is missing.
        availableLevels: How many the model has, also those not yet computed.
        tableNode: vtkMRMLTableNode with a row for each level; None where the user deleted it.
        folderItem: Of the subject hierarchy; 0 where there is none.
        shownLevel: The one that is visible; None where none or several are.
        device: Title of the device that computed.
        messages: What the last run told beside the levels, such as that hardly anything was found.
        isOutdated: Whether the volume holds another image since.
    """

    volumeNode: Any
    model: str
    levels: tuple[LevelResult, ...]
    availableLevels: int
    tableNode: Any
    folderItem: int
    shownLevel: int | None
    device: str = ""
    messages: tuple[str, ...] = ()
    isOutdated: bool = False

    def level(self, number: int) -> LevelResult | None:
        """The level with this number; None where it is not there."""
        return next((each for each in self.levels if each.level == number), None)


@dataclass(frozen=True, eq=False)
class Side:
    """Something of a volume that can be compared.

    Attributes:
        node: vtkMRMLSegmentationNode.
        name: For people: ``Level 2``, or the node's name.
        level: Where it is one; None for an edited copy or another segmentation.
    """

    node: Any
    name: str
    level: int | None = None


@dataclass(frozen=True)
class StructureOverlap:
    """A structure on both sides of a comparison.

    Attributes:
        name: Of the structure.
        millilitres: On the left and on the right.
        dice: Overlap, 0 to 1; None where neither side has it.
    """

    name: str
    millilitres: tuple[float, float]
    dice: float | None


@dataclass(frozen=True, eq=False)
class Comparison:
    """Two segmentations of a volume side by side.

    Attributes:
        volumeNode: The volume.
        a: Shown left.
        b: Shown right.
        differenceNode: vtkMRMLSegmentationNode: what only A has, what only B has, and where they disagree.
        millilitres: Of each kind of difference.
        structures: Of both sides, those of A first.
        viewNames: Layout names of the slice views, (left, right) for each orientation that is shown.
    """

    volumeNode: Any
    a: Side
    b: Side
    differenceNode: Any
    millilitres: Mapping[str, float] = field(default_factory=dict)
    structures: tuple[StructureOverlap, ...] = ()
    viewNames: tuple[tuple[str, str], ...] = ()

    @property
    def sides(self) -> tuple[Side, Side]:
        """Left and right."""
        return self.a, self.b
