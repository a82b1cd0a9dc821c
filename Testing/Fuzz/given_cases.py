"""Run the scripts of inputs that failed once, and hold what they print against what their heads say should come.

``python Testing/Fuzz/given_cases.py [FOLDER]`` prints a line for each, and ends with 1 where one prints something else.
The folder, ``../shared/cases`` by default, is not part of the repository.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

# Some of the scripts were written when label maps were written by CompactSegLib.volume.writing.
_RUN = """
import runpy, sys
import CompactSegLib.output.writing as writing
sys.modules["CompactSegLib.volume.writing"] = writing
sys.path.insert(0, sys.argv[1])
runpy.run_path(sys.argv[2], run_name="__main__")
"""
_SPACING = r"REFUSED: .*PixelSpacing \(0028,0030\) is missing, empty or not above 0"
_DAMAGED = r"it is damaged or cut short; copy or export it again"

SHOULD: dict[str, tuple[str, ...]] = {
    "g01_no_pixel_spacing": (
        rf"\[missing\] {_SPACING}",
        rf"\[only ImagerPixelSpacing\] {_SPACING} and only ImagerPixelSpacing",
        rf"\[empty\] {_SPACING}",
    ),
    "g02_sheared_nrrd": (r"\[tilted NRRD\] REFUSED: .*describes a sheared image",),
    "g03_forms_that_disagree": (
        r"truth: sform.* affine_diff=\S+e-\d+ shape_ok=True val_diff=0 WARN=.*the sform was taken",
        r"26 mm from qform.* affine_diff=\S+e-\d+ shape_ok=True val_diff=0 WARN=.*the sform was taken",
    ),
    "g04_no_orientation": (
        r"\[codes 0\] .*affine_diff=0 .*val_diff=0 WARN=.*states no orientation .* taken as LAS",
    ),
    "g05_slope_per_frame": (r"world: 1\.000 inside, .*OK$",),
    "g06_end_slice_lost": (r"REFUSED: .*IM0015\.dcm: expected a complete DICOM image",),
    "g07_label_cut_short": (
        r"^whole rc 0 \[.+\]",
        rf"^nii cut in half rc [12] .*{_DAMAGED}",
        rf"^nii\.gz cut rc [12] .*{_DAMAGED}",
    ),
    # Without padding brain-mr, whose refinement has changed since the script was written, gives 1532 ml.
    "g08_padding_value": (r"^3 153\d ml",),
    "g09_dicom_seg_headers": (r"^0 ",),
    "g10_wrong_reason": (
        r"\[NIfTI-2\] int16 .*affine_diff=0 .*val_diff=0",
        r"\[gzip content named \.nii\] int16 .*val_diff=0",
        r"\[\.nhdr .*k\.nhdr: expected its voxels in k\.raw beside it, which is not there",
        r"\[\.mhd .*m\.mhd: expected its voxels in m\.raw beside it, which is not there",
    ),
    "g11_no_file_named": (r"\[sform NaN\] int16 .*s\.nii: .*its qform was taken",),
    "g12_duplicates_and_frame_order": (
        r"\[one file copied beside itself\] int16 \(1, 16, 24, 20\)",
        r"\[interleaved frames\] int16 \(1, 16, 24, 20\)",
    ),
    "g13_label_map_as_image": (r"REFUSED: .*expected an image, got a segmentation",),
}


def main() -> int:
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else ROOT.parent / "shared" / "cases")
    if not folder.is_dir():
        print(f"{folder}: expected the folder of the scripts, which is not there.", file=sys.stderr)
        return 2
    scripts = sorted(folder.glob("g*.py"))
    bad = sorted(set(SHOULD) - {script.stem for script in scripts})
    for script in scripts:
        printed = output_of(script)
        missing = missing_in(printed, SHOULD.get(script.stem, ("what should come is not known",)))
        print(
            f"{script.stem}: {'as it should be' if not missing else 'not as it should be'}",
            flush=True,
        )
        if missing:
            bad.append(script.stem)
            print("  expected " + "\n  expected ".join(missing) + f"\n{printed}", flush=True)
    print(f"{len(scripts)} scripts, {len(bad)} not as they should be {bad or ''}".rstrip())
    return int(bool(bad))


def output_of(script: Path) -> str:
    command = [sys.executable, "-W", "ignore", "-c", _RUN, str(script.parent), str(script)]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=600)
    return done.stdout + done.stderr


def missing_in(printed: str, wanted: tuple[str, ...]) -> list[str]:
    """The patterns that no line has, and faults of the program."""
    missing = [pattern for pattern in wanted if not re.search(pattern, printed, re.MULTILINE)]
    return missing + [f"no {word}" for word in ("CRASH", "Traceback", "WRONG") if word in printed]


if __name__ == "__main__":
    sys.exit(main())
