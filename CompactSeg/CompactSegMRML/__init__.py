"""CompactSeg's scene logic: from a volume node to a segmentation node for each level. Slicer and vtk, never Qt.

>>> from CompactSegMRML import segment

Names are imported when first used, so that importing the package loads nothing of Slicer.
"""

from CompactSegLib.lazy import lazy_names

__getattr__, __dir__, __all__ = lazy_names(
    __name__,
    {
        "Comparison": "Difference",
        "DeviceInfo": "WorkerFace",
        "LevelResult": "Results",
        "ModelInfo": "WorkerFace",
        "Run": "RunRequest",
        "RunOutcome": "RunRequest",
        "Side": "Difference",
        "segment": "CompactSegLogic",
    },
)
