"""CompactSeg: scalable, compact multi-level segmentation of 3D medical images.

>>> from CompactSegLib import load_model, read_volume, segment

Names are imported when first used, so that importing the package loads neither torch nor SimpleITK.
"""

from CompactSegLib.lazy import lazy_names

__version__ = "0.1.0"

__getattr__, __dir__, __all__ = lazy_names(
    __name__,
    {
        "Cancelled": "errors",
        "CompactSegError": "errors",
        "ConfigurationError": "errors",
        "DeviceError": "errors",
        "Geometry": "volume.geometry",
        "InputError": "errors",
        "Label": "labels",
        "Level": "output.level",
        "Model": "model.model",
        "ModelError": "errors",
        "MultiLevelNet": "network.net",
        "NetConfig": "network.config",
        "OutputError": "errors",
        "Progress": "inference.progress",
        "RunInfo": "output.level",
        "Run": "inference.run",
        "Segmenter": "inference.segmenter",
        "Volume": "volume.volume",
        "VolumeLike": "volume.conversion",
        "as_volume": "volume.conversion",
        "check_model": "model.folder",
        "list_models": "model.registry",
        "load_model": "model.registry",
        "read_volume": "volume.reading",
        "segment": "inference.segmenter",
        "write_labels": "output.writing",
        "write_model": "model.folder",
    },
)
