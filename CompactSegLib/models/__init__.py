"""Models: the folder that holds a net and all that is needed to use it; read, checked, written, found."""

from CompactSegLib.lazy import lazy_names

__getattr__, __dir__, __all__ = lazy_names(
    __name__,
    {
        "GainCalibration": "model",
        "Label": "labels",
        "LevelInfo": "model",
        "Model": "model",
        "StopSettings": "model",
        "check_model": "folder",
        "list_models": "registry",
        "load_model": "registry",
        "model_card": "card",
        "read_model": "folder",
        "write_model": "folder",
    },
)
