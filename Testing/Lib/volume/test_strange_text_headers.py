"""NRRD and MetaImage headers that lack something, state it twice or in another way than they should."""

from __future__ import annotations

import numpy as np
import pytest

from CompactSegLib.errors import InputError
from CompactSegLib.volume.reading import read_volume
from Testing.Lib.volume.text_files import ARRAY, FRAME, META, meta, nrrd


def test_a_header_that_does_not_say_where_the_image_lies_is_told(tmp_path):
    """Millilitres and sides are right without, but the segmentation lies beside other images of the patient."""
    image = read_volume(meta(tmp_path / "a.mha", META.replace("Offset = 30 20 -10\n", "")))
    assert image.geometry.origin_lps_mm == (0.0, 0.0, 0.0)
    assert ["no Offset" in sentence for sentence in image.warnings] == [True]
    frame = FRAME.replace("space origin: (30,20,-10)\n", "")
    image = read_volume(nrrd(tmp_path / "a.nrrd", frame=frame))
    assert ["no space origin" in sentence for sentence in image.warnings] == [True]


def test_an_offset_without_numbers_is_none(tmp_path):
    with pytest.raises(InputError, match=r"a\.mha: "):
        read_volume(meta(tmp_path / "a.mha", META.replace("30 20 -10", "")))


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("name", ["a.mha", "a.mhd", "a.nrrd", "a.nhdr"])
def test_a_header_in_utf_16_is_told(tmp_path, encoding, name):
    path = (meta if ".m" in name else nrrd)(tmp_path / name, data=b"")
    path.write_bytes(path.read_text().encode(encoding))
    with pytest.raises(InputError, match=r"expected a header in plain text .* got UTF-16"):
        read_volume(path)


@pytest.mark.parametrize(
    ("was", "comes"),
    [
        ("1.1 1.3 2", "1,1 1,3 2"),  # decimal commas: 1, 1, 1, 3, 2
        ("1.1 1.3 2", "1.1 1.3"),
        ("1.1 1.3 2", "1.1 1.3 2 1"),
        ("30 20 -10", "30,5 20 -10"),
        ("30 20 -10", "30 20"),
    ],
)
def test_as_many_numbers_as_axes(tmp_path, was, comes):
    with pytest.raises(InputError, match=r"expected 3 numbers as .*, one for each axis"):
        read_volume(meta(tmp_path / "a.mha", META.replace(was, comes)))


@pytest.mark.parametrize("field", ["DimSize = 6 7 5", "ElementSpacing = 1 1 1", "Offset = 0 0 0"])
def test_a_field_that_metaimage_states_twice(tmp_path, field):
    with pytest.raises(InputError, match="expected each field of its header once"):
        read_volume(meta(tmp_path / "a.mha", f"{META}{field}\n"))


@pytest.mark.parametrize("field", ["sizes: 6 7 5", "space origin: (0,0,0)", "Space: RAS"])
def test_a_field_that_nrrd_states_twice(tmp_path, field):
    with pytest.raises(InputError, match="expected each field of its header once"):
        read_volume(nrrd(tmp_path / "a.nrrd", more=f"{field}\n"))


def test_a_header_that_names_itself_as_its_voxels(tmp_path):
    with pytest.raises(InputError, match="expected its voxels in a file beside it"):
        read_volume(meta(tmp_path / "a.mhd", file="a.mhd"))


def test_lines_of_nrrd_may_end_as_on_windows(tmp_path):
    path = nrrd(tmp_path / "a.nrrd", data=b"")
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n") + ARRAY.astype("<i2").tobytes())
    np.testing.assert_array_equal(read_volume(path).array[0], ARRAY)
