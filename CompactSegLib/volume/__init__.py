"""Volumes: read, brought to a model's grid and back, and segmentations written."""

from CompactSegLib.lazy import lazy_names

__getattr__, __dir__, __all__ = lazy_names(
    __name__,
    {
        "Geometry": "geometry",
        "Volume": "volume",
        "VolumeSource": "volume",
        "read_volume": "reading",
        "Box": "resampling",
        "GridMap": "resampling",
        "IntensityRule": "intensities",
        "write_labels": "writing",
        "write_dicom_seg": "dicom_seg",
    },
)
