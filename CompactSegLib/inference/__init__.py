"""The engine: levels one after the other, exact tiles, the stop rule, devices, the report and the picture."""

from CompactSegLib.lazy import lazy_names

__getattr__, __dir__, __all__ = lazy_names(
    __name__,
    {
        "Evaluation": "evaluation",
        "Level": "results",
        "Progress": "progress",
        "RunInfo": "results",
        "Segmenter": "engine",
        "StopRule": "stop",
        "segment": "engine",
    },
)
