"""NRRD and MetaImage files made for a test, with headers as it wants them."""

from __future__ import annotations

import numpy as np

ARRAY = np.random.default_rng(0).integers(0, 900, (5, 6, 7)).astype(np.int16)
FRAME = "space: left-posterior-superior\nspace directions: (1.1,0,0) (0,1.3,0) (0,0,2)\nspace origin: (30,20,-10)\n"
META = (
    "ObjectType = Image\nNDims = 3\nBinaryData = True\nBinaryDataByteOrderMSB = False\n"
    "TransformMatrix = 1 0 0 0 1 0 0 0 1\nOffset = 30 20 -10\nElementSpacing = 1.1 1.3 2\nDimSize = 7 6 5\n"
    "ElementType = MET_SHORT\n"
)


def nrrd(
    path, *, data=None, encoding="raw", frame=FRAME, more="", kind="short", sizes="7 6 5", axes=3
):
    header = (
        f"NRRD0004\n# a comment\ntype: {kind}\ndimension: {axes}\nsizes: {sizes}\nendian: little\n"
        f"encoding: {encoding}\n{frame}{more}\n"
    )
    path.write_bytes(
        header.encode("utf-8") + (ARRAY.astype("<i2").tobytes() if data is None else data)
    )
    return path


def meta(path, header=META, data=None, file="LOCAL"):
    data = ARRAY.astype("<i2").tobytes() if data is None else data
    path.write_bytes(f"{header}ElementDataFile = {file}\n".encode() + data)
    return path
