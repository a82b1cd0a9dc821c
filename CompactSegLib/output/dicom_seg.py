"""Segmentations as DICOM SEG objects, through highdicom."""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

import CompactSegLib
from CompactSegLib.errors import ConfigurationError, InputError
from CompactSegLib.files import written_whole
from CompactSegLib.labels import Code, Label, Terminology
from CompactSegLib.output.dicom_headers import source_headers
from CompactSegLib.volume.volume import Volume

_ANATOMY = Code("SCT", "123037004", "Anatomical Structure")
_SERIES_OFFSET = 1000


def write_dicom_seg(
    labels: np.ndarray,
    volume: Volume,
    *,
    label_list: Sequence[Label],
    path: str | os.PathLike[str],
    level: int,
    model_name: str,
) -> None:
    """Write a label map as a DICOM SEG object that refers to the slices it was made from.

    Patient, study and frame of reference are those of the slices, so that an archive files it beside them.
    Frames without any voxel are left out, unless nothing was found at all.

    Args:
        labels: (K, J, I) uint8 on the volume's grid.
        volume: The volume that was segmented, read from DICOM.
        label_list: A segment for each, also where it has no voxels; numbered from 1 in this order.
        path: The file to write.
        level: The level of the segmentation, told in the series description.
        model_name: The model that made it.

    Raises:
        InputError: The volume was not read from DICOM, or its headers lack what a DICOM SEG needs.
        ConfigurationError: highdicom is not installed.
        OutputError: The file could not be written.
    """
    if labels.dtype != np.uint8 or labels.shape != volume.shape_kji:
        raise ValueError(
            f"expected uint8 labels {volume.shape_kji}, got {labels.dtype} {labels.shape}"
        )
    try:
        import highdicom
        from pydicom.sr.codedict import codes
    except ImportError as error:
        raise ConfigurationError(
            "Writing DICOM SEG needs highdicom, which is not installed; "
            "install it with pip install 'compactseg[dicom-seg]'."
        ) from error

    slices = source_headers(volume)
    algorithm = highdicom.AlgorithmIdentificationSequence(
        name=f"CompactSeg {model_name}"[:64],
        family=codes.DCM.ArtificialIntelligence,
        version=CompactSegLib.__version__,
    )
    segments = [
        _segment(number, label, algorithm) for number, label in enumerate(label_list, start=1)
    ]
    # A DICOM SEG numbers its segments 1, 2, 3 ..., a model's label values may have gaps.
    numbers = np.zeros(256, dtype=np.uint8)
    for number, label in enumerate(label_list, start=1):
        numbers[label.value] = number
    numbered = _in_file_order(numbers[labels], volume, slices)
    # Both would print names of patients.
    logging.getLogger("highdicom").setLevel(logging.ERROR)
    with written_whole(path) as temporary, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            segmentation = highdicom.seg.Segmentation(
                source_images=slices,
                pixel_array=numbered,
                segmentation_type=highdicom.seg.SegmentationTypeValues.BINARY,
                segment_descriptions=segments,
                series_instance_uid=highdicom.UID(),
                series_number=_SERIES_OFFSET + level,
                sop_instance_uid=highdicom.UID(),
                instance_number=1,
                manufacturer="CompactSeg",
                manufacturer_model_name="CompactSeg",
                software_versions=CompactSegLib.__version__,
                device_serial_number="1",
                series_description=f"CompactSeg {model_name} level {level}"[:64],
                omit_empty_frames=bool(numbered.any()),
            )
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            assert volume.source is not None
            raise InputError(
                f"{volume.source.path}: expected DICOM images that a DICOM SEG can refer to, but their headers do not "
                f"allow it ({_without_values(error)}); choose the format seg.nrrd or nii.gz."
            ) from error
        segmentation.save_as(temporary)


def _without_values(error: Exception) -> str:
    """What went wrong, without what a header holds: names of attributes may be told, those of patients may not."""
    return str(error) if isinstance(error, AttributeError | KeyError) else type(error).__name__


def _in_file_order(labels: np.ndarray, volume: Volume, headers: Sequence[Any]) -> np.ndarray:
    """Labels (frames, J, I) as the frames of a multi-frame image lie in the file; frames of other stacks are empty."""
    assert volume.source is not None
    if not volume.source.dicom_frames:
        return labels
    result = np.zeros((int(headers[0].NumberOfFrames), *labels.shape[1:]), labels.dtype)
    result[list(volume.source.dicom_frames)] = labels
    return result


def _segment(number: int, label: Label, algorithm: Any) -> Any:
    import highdicom

    def code(term: Code) -> Any:
        return highdicom.sr.CodedConcept(term.value, term.scheme, term.meaning[:64])

    # Without codes, DICOM allows a private scheme whose name begins with 99.
    terms = label.terminology or Terminology(
        _ANATOMY, Code("99COMPACTSEG", f"LABEL-{label.value}", label.name)
    )
    segment = highdicom.seg.SegmentDescription(
        segment_number=number,
        segment_label=label.name[:64],
        segmented_property_category=code(terms.category),
        segmented_property_type=code(terms.type),
        algorithm_type=highdicom.seg.SegmentAlgorithmTypeValues.AUTOMATIC,
        algorithm_identification=algorithm,
        anatomic_regions=[code(terms.region)] if terms.region else None,
        display_color=highdicom.color.CIELabColor.from_rgb(*label.color),
    )
    # highdicom has no argument for modifiers, and Left and Right are modifiers.
    if terms.modifier:
        kind = segment.SegmentedPropertyTypeCodeSequence[0]
        kind.SegmentedPropertyTypeModifierCodeSequence = [code(terms.modifier)]
    if terms.region and terms.region_modifier:
        region = segment.AnatomicRegionSequence[0]
        region.AnatomicRegionModifierSequence = [code(terms.region_modifier)]
    return segment
