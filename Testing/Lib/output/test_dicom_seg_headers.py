"""DICOM SEG of what archives hold: valid by dicom3tools' dciodvfy, read by highdicom, or refused before computing."""

from __future__ import annotations

import shutil
import subprocess
import warnings
from pathlib import Path

import highdicom
import numpy as np
import pydicom
import pytest

from CompactSegLib.errors import InputError
from CompactSegLib.output.dicom_headers import source_headers
from CompactSegLib.output.dicom_seg import write_dicom_seg
from CompactSegLib.volume.dicom_file import lenient
from CompactSegLib.volume.reading import read_volume
from Testing.Lib.output.segmentations import LABELS, a_label_map
from Testing.Lib.volume.dicom_files import an_array, change, write_multiframe, write_series


@pytest.fixture(scope="session")
def dciodvfy() -> str:
    """The program that checks DICOM objects against their definition."""
    program = shutil.which("dciodvfy")
    if program is None:
        pytest.skip("needs dciodvfy of the Debian package dicom3tools")
    return program


def write(volume, path: Path) -> None:
    write_dicom_seg(
        a_label_map(volume.shape_kji),
        volume,
        path=path,
        label_list=LABELS,
        level=2,
        model_name="tiny",
    )


def written(volume, path: Path) -> pydicom.Dataset:
    write(volume, path)
    return pydicom.dcmread(path)


def faults(program: str, path: Path) -> list[str]:
    lines = subprocess.run([program, "-new", str(path)], capture_output=True, text=True).stderr
    return [line for line in lines.splitlines() if line.startswith("Error")]


JAPANESE = "Yamada^Tarou=山田^太郎=やまだ^たろう"
KOREAN = "Hong^Gildong=洪^吉洞=홍^길동"
COMPLETE = {
    "PatientBirthDate": "19700131", "PatientSex": "F", "StudyDate": "20200101", "StudyTime": "120000.5",
    "StudyID": "7", "AccessionNumber": "A1", "ReferringPhysicianName": "Doctor^A", "StudyDescription": "Head",
}  # fmt: skip
HEADERS = {
    "complete": {},
    "Japanese": {"SpecificCharacterSet": ["", "ISO 2022 IR 87"], "PatientName": JAPANESE},
    "Korean": {"SpecificCharacterSet": ["", "ISO 2022 IR 149"], "PatientName": KOREAN},
    "Latin": {"SpecificCharacterSet": "ISO_IR 100", "PatientName": "Müller^Zoë"},
    "no character set": {"SpecificCharacterSet": None, "PatientName": "Doe^Jane"},
    "an empty character set": {"SpecificCharacterSet": ""},
    "a misspelt character set": {"SpecificCharacterSet": "ISO-IR 100"},
    "an unknown character set": {"SpecificCharacterSet": "KLINGON"},
    "a birth date of stars": {"PatientBirthDate": "***"},
    "a birth date without a month": {"PatientBirthDate": "19000000"},
    "a study date of words": {"StudyDate": "REMOVED", "StudyTime": "REMOVED"},
    "a sex of words": {"PatientSex": "female"},
    "long texts": {"AccessionNumber": "x" * 40, "StudyDescription": "y" * 90, "StudyID": "z" * 30},
    "no thickness": {"SliceThickness": None},
    "an empty thickness": {"SliceThickness": ""},
    "no frame of reference": {"FrameOfReferenceUID": None},
    "an empty frame of reference": {"FrameOfReferenceUID": ""},
    "identity removed": {"PatientIdentityRemoved": "YES"},
    "an age of words": {"PatientAge": "fifty"},
    "a name without a first name": {"PatientName": "Yamada"},
    "a name of many parts": {"PatientName": "a^b^c^d^e^f^g"},
    "a name that is too long": {"PatientName": "長" * 100, "SpecificCharacterSet": "ISO_IR 192"},
    "two names": {"PatientName": ["Doe^Jane", "Roe^Jane"], "PatientID": ["4", "2"]},
    "Chinese": {"SpecificCharacterSet": "GB18030", "PatientName": "王^小明"},
    "Cyrillic": {"SpecificCharacterSet": "ISO_IR 144", "PatientName": "Люкceмбypг"},
    "control characters": {"PatientID": "4\x002\x1b", "StudyDescription": "Head\nand\\neck"},
}


def a_series(folder: Path, changes: dict[str, object]) -> Path:
    with lenient():
        write_series(folder, **COMPLETE)
        for file in folder.iterdir():
            image = pydicom.dcmread(file)
            for keyword, value in changes.items():
                if value is None:
                    if keyword in image:
                        delattr(image, keyword)
                else:
                    setattr(image, keyword, value)
            image.save_as(file)
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("name", HEADERS)
def test_headers_of_archives_give_a_valid_dicom_seg(tmp_path, name, dciodvfy, capfd):
    volume = read_volume(a_series(tmp_path / "case", HEADERS[name]))
    capfd.readouterr()
    # The command would print warnings, and those of pydicom hold names of patients.
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        write(volume, tmp_path / "a.dcm")
    assert not told
    assert capfd.readouterr() == ("", "")
    made = pydicom.dcmread(tmp_path / "a.dcm")
    assert faults(dciodvfy, tmp_path / "a.dcm") == []
    assert made.SpecificCharacterSet == "ISO_IR 192"
    read = highdicom.seg.segread(tmp_path / "a.dcm").get_volume(
        combine_segments=True, allow_missing_positions=True
    )
    assert np.unique(read.array).size > 1


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Japanese", JAPANESE),
        ("Korean", KOREAN),
        ("Latin", "Müller^Zoë"),
        ("Chinese", "王^小明"),
        ("a name of many parts", "a^b^c^d^e f g"),
        ("two names", "Doe^Jane"),
    ],
)
def test_names_come_through_in_utf_8(tmp_path, name, text):
    made = written(read_volume(a_series(tmp_path / "case", HEADERS[name])), tmp_path / "a.dcm")
    assert str(made.PatientName) == text
    assert text.encode("utf-8") in (tmp_path / "a.dcm").read_bytes()


def test_what_is_none_of_its_kind_is_empty_and_what_is_needed_is_derived(tmp_path):
    changes = HEADERS["a birth date of stars"] | HEADERS["a sex of words"]
    changes |= HEADERS["no thickness"] | HEADERS["no frame of reference"]
    volume = read_volume(a_series(tmp_path / "case", changes))
    made = written(volume, tmp_path / "a.dcm")
    assert (made.PatientBirthDate, made.PatientSex) == ("", "")
    assert made.FrameOfReferenceUID
    measures = made.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0]
    assert float(measures.SliceThickness) == pytest.approx(2.5)
    assert (made.PatientID, made.StudyID) == ("42", "7")


@pytest.mark.parametrize("keyword", ["StudyInstanceUID", "SOPInstanceUID"])
@pytest.mark.parametrize("value", [None, "", "no identifier"])
def test_what_cannot_be_made_up_is_named(tmp_path, keyword, value):
    volume = read_volume(a_series(tmp_path / "case", {}))
    with lenient():
        for file in volume.source.dicom_files:
            change(file, **{keyword: value})
    with pytest.raises(InputError, match=f"{keyword} is missing or no identifier") as raised:
        source_headers(volume)
    assert "Test^Case" not in str(raised.value)


def test_a_tilted_series_is_refused_for_it_was_resampled(tmp_path):
    write_series(tmp_path / "case")
    for k, file in enumerate(sorted((tmp_path / "case").iterdir())):
        image = pydicom.dcmread(file)
        image.ImagePositionPatient = [0, 0, 2.5 * k]
        image.ImageOrientationPatient = [1, 0, 0, 0, 0.96, -0.28]
        image.save_as(file)
    with pytest.raises(InputError, match="resampled from tilted slices"):
        source_headers(read_volume(tmp_path / "case"))


def test_frames_of_a_multi_frame_image_get_the_labels_of_their_own_slices(tmp_path):
    order = [3, 0, 5, 1, 4, 2]
    write_multiframe(tmp_path / "enhanced.dcm", order=order, **COMPLETE)
    volume = read_volume(tmp_path / "enhanced.dcm")
    made = written(volume, tmp_path / "a.dcm")
    labels = a_label_map(volume.shape_kji)
    seen = 0
    for frame, pixels in zip(made.PerFrameFunctionalGroupsSequence, made.pixel_array, strict=True):
        number = frame.SegmentIdentificationSequence[0].ReferencedSegmentNumber
        position = [float(x) for x in frame.PlanePositionSequence[0].ImagePositionPatient]
        place = np.linalg.inv(volume.geometry.ijk_to_lps) @ [*position, 1]
        k = round(place[2])
        np.testing.assert_array_equal(pixels, labels[k] == LABELS[number - 1].value)
        source = frame.DerivationImageSequence[0].SourceImageSequence[0]
        assert order[int(source.ReferencedFrameNumber) - 1] == k
        seen += 1
    assert seen == sum(len(np.unique(plane)) - 1 for plane in labels)
    assert an_array().shape == labels.shape
