"""DICOM folders in: one regular stack, or a sentence that says what is wrong with it."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK
from pydicom.uid import generate_uid

from CompactSegLib.errors import InputError
from CompactSegLib.volume.reading import read_volume
from Testing.conftest import REPOSITORY
from Testing.Lib.volume.dicom_files import GRID, an_array, change, change_all, write_series


@pytest.fixture(scope="module")
def the_hippocampus_series():
    folder = REPOSITORY.parent / "shared" / "data" / "volumes" / "hippocampus-crop-dicom"
    if not folder.is_dir():
        pytest.skip("needs ../shared/data/volumes/hippocampus-crop-dicom")
    return folder


def test_a_real_series_is_what_itk_reads(the_hippocampus_series):
    volume = read_volume(the_hippocampus_series)
    reader = SimpleITK.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(the_hippocampus_series)))
    image = reader.Execute()
    np.testing.assert_array_equal(volume.array[0], SimpleITK.GetArrayFromImage(image))
    assert volume.geometry.size_ijk == image.GetSize()
    np.testing.assert_allclose(volume.geometry.spacing_mm, image.GetSpacing(), rtol=1e-6)
    np.testing.assert_allclose(volume.geometry.origin_lps_mm, image.GetOrigin())
    np.testing.assert_allclose(volume.geometry.direction_lps, image.GetDirection())
    assert volume.name == "hippocampus-crop-dicom"
    assert len(volume.source.dicom_files) == 32


def test_an_oblique_series_is_where_it_was_scanned(tmp_path):
    uid = write_series(tmp_path / "case 7")
    volume = read_volume(tmp_path / "case 7")
    np.testing.assert_array_equal(volume.array[0], an_array())
    assert volume.array.dtype == np.int16
    assert volume.geometry.matches(GRID, tolerance=1e-4)
    assert volume.name == "case 7"
    assert volume.source.series_uid == uid


def test_names_and_instance_numbers_of_slices_do_not_matter(tmp_path):
    names = ["f", "a.dcm", "IM0002", "c.ima", "b", "0001.dcm"]
    write_series(tmp_path, names=names)
    for number, name in enumerate(names):
        change(tmp_path / name, InstanceNumber=100 - 7 * (number % 3))
    volume = read_volume(tmp_path)
    np.testing.assert_array_equal(volume.array[0], an_array())
    assert [file.name for file in volume.source.dicom_files] == names


def test_rescaling_to_hounsfield_units_is_applied(tmp_path):
    write_series(tmp_path, intercept=-1024, slope=2)
    np.testing.assert_array_equal(read_volume(tmp_path).array[0], 2.0 * an_array() - 1024)


def test_slices_with_slopes_of_their_own_are_read_with_them(tmp_path):
    """PET: each slice has its own slope, the first may be whole and the others not."""
    write_series(tmp_path)
    for k, file in enumerate(sorted(tmp_path.iterdir())):
        change(file, RescaleSlope=1 + 0.5 * k)
    expected = an_array() * (1 + 0.5 * np.arange(6))[:, None, None]
    np.testing.assert_allclose(read_volume(tmp_path).array[0], expected)


def test_a_series_in_sub_folders_is_found(tmp_path):
    write_series(tmp_path / "DICOM" / "ST0" / "SE1")
    for number, file in enumerate(sorted((tmp_path / "DICOM" / "ST0" / "SE1").iterdir())):
        if number % 2:
            (tmp_path / "DICOM" / "SE2").mkdir(exist_ok=True)
            file.rename(tmp_path / "DICOM" / "SE2" / file.name)
    np.testing.assert_array_equal(read_volume(tmp_path).array[0], an_array())


def test_what_is_no_image_is_passed_over(tmp_path, capfd):
    write_series(tmp_path)
    write_series(tmp_path, number=9, Modality="SEG", names=[f"seg{k}" for k in range(6)])
    (tmp_path / "notes.txt").write_text("hello")
    (tmp_path / "empty.txt").write_bytes(b"")
    (tmp_path / "._1.dcm").write_bytes(b"Mac OS X" * 20)
    np.testing.assert_array_equal(read_volume(tmp_path).array[0], an_array())
    assert capfd.readouterr().err == ""


def test_one_slice_stands_for_its_series(tmp_path):
    write_series(tmp_path / "case", number=3)
    write_series(tmp_path / "case", number=4, array=an_array(seed=1))
    volume = read_volume(tmp_path / "case" / "4-002.dcm")
    np.testing.assert_array_equal(volume.array[0], an_array(seed=1))
    assert volume.name == "case_series-4"


def test_a_list_of_slices_is_their_series(tmp_path):
    write_series(tmp_path / "case")
    files = sorted((tmp_path / "case").iterdir())[::-1]
    volume = read_volume(files)
    np.testing.assert_array_equal(volume.array[0], an_array())
    assert volume.name == "case"


def test_of_several_series_a_clear_list_is_given(tmp_path):
    first = write_series(tmp_path / "case", number=3, description="T1 3D")
    second = write_series(tmp_path / "case", number=12, description="FLAIR", array=an_array(seed=1))
    with pytest.raises(InputError) as raised:
        read_volume(tmp_path / "case")
    advice = "choose one by its number or UID with --series:"
    assert str(raised.value).splitlines() == [
        f"{tmp_path / 'case'}: expected one DICOM series, found 2; {advice}",
        f"  series 3: T1 3D (CT, 6 images, {first})",
        f"  series 12: FLAIR (CT, 6 images, {second})",
    ]
    for wanted in (12, "12", second):
        volume = read_volume(tmp_path / "case", series=wanted)
        np.testing.assert_array_equal(volume.array[0], an_array(seed=1))
        assert volume.name == "case_series-12"
    with pytest.raises(InputError, match="'5' is not among the series"):
        read_volume(tmp_path / "case", series="5")


def test_a_number_of_two_series_does_not_choose(tmp_path):
    write_series(tmp_path, number=3)
    write_series(tmp_path, number=3, names=[f"b{k}" for k in range(6)])
    with pytest.raises(InputError, match="'3' is the number of several series, use the UID"):
        read_volume(tmp_path, series="3")


def test_a_series_without_number_can_be_read(tmp_path):
    write_series(tmp_path, number=None)
    np.testing.assert_array_equal(read_volume(tmp_path).array[0], an_array())


def _without_one_slice(folder):
    (folder / "3-002.dcm").unlink()


def _another_image_in_the_place_of_a_slice(folder):
    (folder / "copy.dcm").write_bytes((folder / "3-002.dcm").read_bytes())
    change(folder / "copy.dcm", SOPInstanceUID=generate_uid())


def _second_time_point(folder):
    uid = read_volume(folder).source.series_uid
    write_series(folder, uid=uid, names=[f"t2-{k}" for k in range(6)])


def _localizer(folder):
    change(folder / "3-000.dcm", ImageOrientationPatient=[0, 1, 0, 0, 0, -1])


def _other_size(folder):
    uid = read_volume(folder).source.series_uid
    write_series(folder, uid=uid, array=an_array()[:1, 1:], names=["small"])


def _only_one(folder):
    for file in sorted(folder.iterdir())[1:]:
        file.unlink()


def _one_slice_beside_the_others(folder):
    position = (GRID.ijk_to_lps @ [0, 2, 3, 1])[:3]
    change(folder / "3-003.dcm", ImagePositionPatient=[*position])


def _slopes_in_some(folder):
    change(folder / "3-003.dcm", RescaleSlope=None)


def _cut_last_slice(folder):
    file = folder / "3-005.dcm"
    file.write_bytes(file.read_bytes()[:-60])


def _all(**tags):
    return lambda folder: change_all(folder, **tags)


NO_SPACING = r"PixelSpacing .0028,0030. is missing, empty or not above 0"
COLOUR = {
    "SamplesPerPixel": 3,
    "PhotometricInterpretation": "RGB",
    "PlanarConfiguration": 0,
    "BitsAllocated": 8,
    "BitsStored": 8,
    "HighBit": 7,
    "PixelRepresentation": 0,
    "PixelData": bytes(7 * 8 * 3),
}
IRREGULAR = {
    "without one slice": (_without_one_slice, r"5.00 mm lie between slices 2 and 3 where 2.50 mm are usual"),
    "another image in the place of a slice": (_another_image_in_the_place_of_a_slice,
        "expected one image per position, got 7 images at 6 positions"),
    "second time point": (_second_time_point, "got 12 images at 6 positions .a time series"),
    "localizer": (_localizer, "differ in orientation, size or pixel spacing"),
    "other size": (_other_size, "differ in orientation, size or pixel spacing"),
    "only one": (_only_one, "expected a 3D volume, got a single slice"),
    "one slice beside the others": (_one_slice_beside_the_others,
        "straight above each other or tilted steadily, but some are 1.5 mm beside"),
    "no pixel spacing": (_all(PixelSpacing=None), f"{NO_SPACING} in 3-000.dcm"),
    "only the spacing at the detector": (_all(PixelSpacing=None, ImagerPixelSpacing=[0.5, 0.5]),
        "only ImagerPixelSpacing, the spacing at the detector, is stated"),
    "pixel spacing of 0": (_all(PixelSpacing=[0, 0.75]), NO_SPACING),
    "slopes in some": (_slopes_in_some, r"expected a RescaleSlope .0028,1053. .* in all images or in none"),
    "slope of 0": (_all(RescaleSlope=0), r"but some have none, or 0, or no number"),
    "directions that are none": (_all(ImageOrientationPatient=[1, 0, 0, 1, 0, 0]),
        r"expected two directions at right angles in ImageOrientationPatient"),
    "no positions": (_all(ImagePositionPatient=None), "expected images with position and orientation"),
    "colour": (_all(**COLOUR), "expected grey values, got colour images"),
    "palette": (_all(PhotometricInterpretation="PALETTE COLOR"), "expected grey values, got colour images"),
    "spacing of a million kilometres": (_all(PixelSpacing=[1e9, 1e9]), "expected at most 10 m along each axis"),
    "cut last slice": (_cut_last_slice, "3-005.dcm: expected a complete DICOM image"),
}  # fmt: skip


@pytest.mark.parametrize(("spoil", "said"), IRREGULAR.values(), ids=IRREGULAR)
def test_what_is_not_one_regular_stack_is_refused(tmp_path, spoil, said, capfd):
    write_series(tmp_path)
    spoil(tmp_path)
    capfd.readouterr()
    with pytest.raises(InputError, match=said) as raised:
        read_volume(tmp_path)
    assert "\n" not in str(raised.value)
    assert str(raised.value).startswith(str(tmp_path))
    assert capfd.readouterr().err == ""


def test_positions_rounded_in_the_header_are_no_gap(tmp_path):
    write_series(tmp_path)
    for k, file in enumerate(sorted(tmp_path.iterdir())):
        position = (GRID.ijk_to_lps @ [0, 0, k, 1])[:3]
        change(file, ImagePositionPatient=[round(float(x), 1) for x in position])
    volume = read_volume(tmp_path)
    assert volume.geometry.spacing_mm[2] == pytest.approx(2.5, abs=0.03)


@pytest.mark.parametrize("charset", ["ISO_IR 100", "ISO_IR 192"])
def test_a_description_with_accents_is_shown(tmp_path, charset):
    for number in (3, 4):
        write_series(tmp_path, number=number, SpecificCharacterSet=charset, description="tête")
    with pytest.raises(InputError, match="series 4: tête"):
        read_volume(tmp_path)


def test_a_dicom_file_without_an_image_is_said(tmp_path):
    (tmp_path / "a.dcm").write_bytes(b"\0" * 128 + b"DICM" + b"junk" * 9)
    with pytest.raises(
        InputError, match=r"a\.dcm: expected a DICOM image, got a DICOM file without"
    ):
        read_volume(tmp_path / "a.dcm")


def test_an_instance_that_lies_there_twice_counts_once(tmp_path):
    write_series(tmp_path)
    (tmp_path / "3-002 (1).dcm").write_bytes((tmp_path / "3-002.dcm").read_bytes())
    volume = read_volume(tmp_path)
    np.testing.assert_array_equal(volume.array[0], an_array())
    assert len(volume.source.dicom_files) == 6
