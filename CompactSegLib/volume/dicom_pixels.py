"""The values of DICOM frames: as stored, then each frame with its own slope and intercept."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from CompactSegLib.errors import InputError
from CompactSegLib.files import temporary_folder
from CompactSegLib.volume.dicom_file import damaged_dicom, lenient, open_dicom
from CompactSegLib.volume.dicom_image import DicomFrame
from CompactSegLib.volume.foreign import read_by_itk
from CompactSegLib.volume.smeared import within
from CompactSegLib.volume.stored import check_size

_SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
_MULTI_FRAME_WORDS = "1.2.840.10008.5.1.4.1.1.7.3"
_RUN_LENGTHS = "1.2.840.10008.1.2.5"
_PACKED_AT_ONCE = 2**28


def read_values(frames: Sequence[DicomFrame]) -> np.ndarray:
    """Read frames of one size.

    Padding, where the files name its value, becomes the smallest value of the image: it is no part of the patient.

    Args:
        frames: In the order wanted; each is scaled with its own slope and intercept.

    Returns:
        (frames, rows, columns).

    Raises:
        InputError: A file is damaged, packed in a way that cannot be unpacked, or its values are those of a table.
    """
    columns, rows = frames[0].size
    scales = [(1.0 if f.slope is None else f.slope, f.intercept or 0.0) for f in frames]
    places: dict[Path, list[int]] = {}
    for place, frame in enumerate(frames):
        places.setdefault(frame.path, []).append(place)
    check_size(frames[0].path.parent, (len(frames), rows, columns), 2)
    array, padded = None, []
    for path, (header, stored) in zip(places, _stored(list(places)), strict=True):
        if header.get("ModalityLUTSequence"):
            raise InputError(
                f"{path}: expected values that RescaleSlope and RescaleIntercept scale, but a Modality LUT Sequence "
                "(0028,3000) is to be looked up for them; export the series without it, or convert it to NIfTI or NRRD."
            )
        dtype = _dtype(stored.dtype, scales)
        if array is None:
            array = np.empty((len(frames), rows, columns), dtype)
        elif not np.can_cast(dtype, array.dtype):
            array = array.astype(np.result_type(dtype, array.dtype))
        padding = _padding(header, stored.dtype)
        for place in places[path]:
            index = frames[place].index
            if index >= len(stored) or stored.shape[1:] != (rows, columns):
                raise damaged_dicom(path)
            values, (slope, intercept) = _masked(stored[index], header), scales[place]
            # What the bits of the pixel cannot say was written across all of the word.
            outside = within(values, padding.in_pixel) | within(stored[index], padding.in_word)
            if outside.any():
                padded.append((place, outside))
            if header.get("PhotometricInterpretation") == "MONOCHROME1":
                values = _inverted(values, header)
            array[place] = values if (slope, intercept) == (1, 0) else values * slope + intercept
    assert array is not None
    _fill(array, padded)
    return array


def _dtype(stored: np.dtype, scales: Sequence[tuple[float, float]]) -> np.dtype:
    if set(scales) == {(1.0, 0.0)} or stored.kind == "f":
        return stored
    if all(number == int(number) for pair in scales for number in pair):
        most = max(
            abs(slope) * np.iinfo(stored).max + abs(intercept) for slope, intercept in scales
        )
        if most < 2**31:
            return np.dtype(np.int32)
    return np.dtype(np.float32 if stored.itemsize <= 2 else np.float64)


def _fill(array: np.ndarray, padded: Sequence[tuple[int, np.ndarray]]) -> None:
    masks = dict(padded)
    smallest = [
        plane[~masks[place]].min() if place in masks else plane.min()
        for place, plane in enumerate(array)
        if place not in masks or not masks[place].all()
    ]
    for place, outside in padded:
        if smallest:
            array[place][outside] = min(smallest)


def _stored(paths: Sequence[Path]) -> Iterator[tuple[Any, np.ndarray]]:
    """Header and words (frames, rows, columns) of each file, with all their bits."""
    waiting: list[tuple[Path, Any]] = []
    size = 0
    for path in paths:
        with lenient():
            header = open_dicom(path)
            syntax = _syntax(header)
            if syntax is not None and not (syntax.is_private or syntax.is_transfer_syntax):
                raise damaged_dicom(path)
            if _is_packed(header):
                waiting.append((path, header))
                size += len(header.get("PixelData") or b"")
                if size < _PACKED_AT_ONCE:
                    continue
            if waiting:
                yield from _unpacked(waiting)
                waiting, size = [], 0
            if not _is_packed(header):
                yield header, _plain_values(header, path)
    if waiting:
        yield from _unpacked(waiting)


def _is_packed(header: Any) -> bool:
    """Whether ITK's decoders are needed. Run lengths need none, and GDCM 3 refuses those that pack nothing."""
    syntax = _syntax(header)
    encapsulated = syntax is not None and not syntax.is_private and syntax.is_encapsulated
    return encapsulated and syntax != _RUN_LENGTHS


def _syntax(header: Any) -> Any:
    return header.file_meta.get("TransferSyntaxUID") if hasattr(header, "file_meta") else None


def _plain_values(header: Any, path: Path) -> np.ndarray:
    try:
        rows, columns = int(header.Rows), int(header.Columns)
        count = int(header.get("NumberOfFrames") or 1)
        bits = int(header.BitsAllocated)
        order = "<" if header.original_encoding[1] in (True, None) else ">"
        if "FloatPixelData" in header:
            kind, data = "f4", header.FloatPixelData
        elif "DoubleFloatPixelData" in header:
            kind, data = "f8", header.DoubleFloatPixelData
        else:
            sign = "i" if int(header.PixelRepresentation) else "u"
            kind, data = f"{sign}{bits // 8}", header.PixelData
        if bits not in (8, 16, 32, 64):
            raise damaged_dicom(path)
        if _syntax(header) == _RUN_LENGTHS:
            from pydicom.pixels.decoders.base import get_decoder

            values, _ = get_decoder(_RUN_LENGTHS).as_array(header, raw=True)
            return values.reshape(count, rows, columns)
        dtype = np.dtype(order + kind)
        size = count * rows * columns
        # More than what is asked for, by a whole frame: slices that the header knows nothing of.
        frame_bytes = rows * columns * dtype.itemsize
        if data is None or not 0 <= len(data) - count * frame_bytes < frame_bytes:
            raise damaged_dicom(path)
        values = np.frombuffer(data, dtype, count=size).reshape(count, rows, columns)
    except Exception as error:  # pydicom raises what the bytes happen to lead to
        raise damaged_dicom(path) from error
    return values.astype(dtype.newbyteorder("="), copy=False)


def _unpacked(files: Sequence[tuple[Path, Any]]) -> Iterator[tuple[Any, np.ndarray]]:
    """Compressed pixels, through ITK's decoders: of files that hold nothing of the patient but these."""
    with temporary_folder() as folder:
        bare = []
        for number, (path, header) in enumerate(files):
            bare.append(folder / f"{number:06}.dcm")
            try:
                _bare(header).save_as(bare[-1], enforce_file_format=True)
            except Exception as error:  # pydicom raises what the bytes happen to lead to
                raise damaged_dicom(path) from error
        answers = read_by_itk(bare, named=files[0][0].parent)
        for path, header in files:
            try:
                _, array = next(answers)
            except InputError as error:
                raise damaged_dicom(path) from error
            if array is None or array.shape[-1] != 1:
                raise damaged_dicom(path)
            yield header, array[..., 0]


def _bare(header: Any) -> Any:
    from pydicom.dataset import FileDataset, FileMetaDataset
    from pydicom.uid import UID, generate_uid

    count = int(header.get("NumberOfFrames") or 1)
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = header.file_meta.TransferSyntaxUID
    meta.MediaStorageSOPClassUID = UID(_MULTI_FRAME_WORDS if count > 1 else _SECONDARY_CAPTURE)
    meta.MediaStorageSOPInstanceUID = generate_uid()
    bare = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    bare.SOPClassUID, bare.SOPInstanceUID = (
        meta.MediaStorageSOPClassUID,
        meta.MediaStorageSOPInstanceUID,
    )
    for keyword in (
        "Rows",
        "Columns",
        "BitsAllocated",
        "BitsStored",
        "HighBit",
        "PixelRepresentation",
    ):
        setattr(bare, keyword, header[keyword].value)
    bare.SamplesPerPixel, bare.PhotometricInterpretation = 1, "MONOCHROME2"
    if count > 1:
        bare.NumberOfFrames = count
    bare.PixelData = header.PixelData
    bare["PixelData"].VR = "OB"
    bare["PixelData"].is_undefined_length = True
    return bare


def _masked(values: np.ndarray, header: Any) -> np.ndarray:
    """Bits that are not of the pixel can hold overlays; those above the sign repeat it."""
    if values.dtype.kind not in "iu":
        return values
    bits = 8 * values.dtype.itemsize
    stored = int(header.get("BitsStored") or bits)
    high = int(header.get("HighBit") or stored - 1)
    if not 0 < stored < bits or not stored - 1 <= high < bits:
        return values
    # As far to the left as there is room, and back: the shift to the right brings the sign.
    return (values << (bits - 1 - high)) >> (bits - stored)


def _inverted(values: np.ndarray, header: Any) -> np.ndarray:
    if values.dtype.kind not in "iu":
        return -values
    stored = int(header.get("BitsStored") or 8 * values.dtype.itemsize)
    return ~values if values.dtype.kind == "i" else values.dtype.type(2**stored - 1) - values


@dataclass(frozen=True)
class _Padding:
    """Lowest and highest of the values that stand for nothing: of pixels, and of the words that hold them."""

    in_pixel: tuple[tuple[float, float], ...] = ()
    in_word: tuple[tuple[float, float], ...] = ()


def _padding(header: Any, dtype: np.dtype) -> _Padding:
    """What a header says of padding; a value that the words cannot hold is none."""
    word = {4: "Float", 8: "DoubleFloat"}[dtype.itemsize] if dtype.kind == "f" else ""
    values = _real(header.get(f"{word}PixelPaddingValue"))
    limits = _real(header.get(f"{word}PixelPaddingRangeLimit"))
    # A limit is that of one value; several, which some files have, are each by itself.
    pairs = [(v, limits[0] if limits and len(values) == 1 else v) for v in values]
    if dtype.kind == "f":
        return _Padding(tuple((min(pair), max(pair)) for pair in pairs))
    bits = int(header.get("BitsStored") or 0)
    bits = bits if 0 < bits < 8 * dtype.itemsize else 8 * dtype.itemsize
    ranges = [
        (-(2 ** (n - 1)), 2 ** (n - 1) - 1) if dtype.kind == "i" else (0, 2**n - 1)
        for n in (bits, 8 * dtype.itemsize)
    ]
    pixel, whole = ([_fitting(pair, ends) for pair in pairs] for ends in ranges)
    return _Padding(
        tuple(pair for pair in pixel if pair),
        tuple(pair for pair, own in zip(whole, pixel, strict=True) if pair and not own),
    )


def _fitting(pair: tuple[float, float], ends: tuple[int, int]) -> tuple[float, float] | None:
    """A pair in order, within what can be stored; read with the other sign, as some files write it, where it is not."""
    for one, other in (pair, *[tuple(v + by for v in pair) for by in (-(2**16), 2**16)]):
        low, high = sorted((one, other))
        if ends[0] <= low and high <= ends[1]:
            return low, high
    # An end alone can have been written with the other sign, or reach beyond what is stored.
    low, high = sorted(_signed(value, ends) for value in pair)
    return (max(low, ends[0]), min(high, ends[1])) if low <= ends[1] and high >= ends[0] else None


def _signed(value: float, ends: tuple[int, int]) -> float:
    return value - 2**16 if ends[0] < 0 and value > ends[1] and value >= 2**15 else value


def _real(value: Any) -> list[float]:
    """The numbers of an element, which may hold none, one or several."""
    several = value if isinstance(value, Sequence) and not isinstance(value, str) else [value]
    return [number for number in several if isinstance(number, int | float)]
