"""Training: a dataset folder in, a finished model folder out."""

from CompactSegLib.lazy import lazy_names

__getattr__, __dir__, __all__ = lazy_names(
    __name__,
    {
        "AugmentationPlan": "plan",
        "TrainingPlan": "plan",
        "load_cases": "cases",
        "read_dataset": "folders",
        "train": "run",
    },
)
