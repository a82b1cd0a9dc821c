"""What an image consists of: its series, and its voxels beside the header; where these change, it is done again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from Testing.Lib.volume.dicom_files import an_array, write_series


def test_another_series_of_the_same_folder_is_another_case(segment, tmp_path: Path):
    write_series(tmp_path / "dicom", number=3)
    write_series(tmp_path / "dicom", number=4, array=an_array(seed=1))
    table = tmp_path / "cases.csv"
    for series, told in (
        (3, "1 done, 0 skipped"),
        (3, "0 done, 1 skipped"),
        (4, "1 done, 0 skipped"),
    ):
        table.write_text(f"path,case,series\ndicom,a,{series}\n", encoding="utf-8")
        assert told in segment("--level", 1, volume=table).stdout


HEADERS = {
    "a.mhd": "ObjectType = Image\nNDims = 3\nDimSize = 8 7 6\nElementType = MET_SHORT\nElementSpacing = 1 1 2\n"
    "ElementDataFile = ",
    "a.nhdr": "NRRD0004\ntype: short\ndimension: 3\nsizes: 8 7 6\nendian: little\nencoding: raw\nspace: LPS\n"
    "space directions: (1,0,0) (0,1,0) (0,0,2)\nspace origin: (0,0,0)\ndata file: ",
}


@pytest.mark.parametrize("header", HEADERS)
@pytest.mark.parametrize("data", ["voxels.raw", "slice%02d.raw 1 6 1"])
def test_voxels_beside_a_header_count_whatever_they_are_called(
    segment, tmp_path: Path, header, data
):
    folder = tmp_path / "cases"
    folder.mkdir()
    (folder / header).write_text(f"{HEADERS[header]}{data}\n")
    names = ["voxels.raw"] if "%" not in data else [f"slice{k:02}.raw" for k in range(1, 7)]
    for seed, told in ((0, "1 done"), (0, "1 skipped"), (1, "1 done")):
        for name, part in zip(names, np.array_split(an_array(seed), len(names)), strict=True):
            (folder / name).write_bytes(part.astype("<i2").tobytes())
        assert told in segment("--level", 1, volume=folder).stdout
