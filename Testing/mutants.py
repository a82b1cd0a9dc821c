"""Faults put in on purpose, one at a time, into a copy of the code: a test has to notice each.

    python Testing/mutants.py            # all, some minutes
    python Testing/mutants.py --only 3   # one

Prints a table in Markdown and ends with 1 where a fault was not noticed.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
LIB = "Testing/Lib"


@dataclass(frozen=True)
class Mutant:
    """A fault.

    Attributes:
        what: In words.
        file: Where.
        before: What stands there; once in the file.
        after: What is put in its place.
        tests: What has to notice it.
    """

    what: str
    file: str
    before: str
    after: str
    tests: tuple[str, ...]


SHIPPED = (f"{LIB}/model/test_shipped_models.py",)
ENGINE = (f"{LIB}/inference/test_engine.py",)
BRAIN = "Resources/Models/brain-mr/model.json"
HIPPOCAMPUS = "Resources/Models/hippocampus-mr/model.json"

MUTANTS = (
    Mutant("two names of a shipped model's labels swapped", BRAIN, "<swap names>", "", SHIPPED),
    Mutant("a digit of a terminology code of a shipped model", HIPPOCAMPUS, "<digit>", "", SHIPPED),
    Mutant("a colour of a shipped model", BRAIN, "<colour>", "", SHIPPED),
    Mutant(
        "stops also when the change is the threshold itself",
        "CompactSegLib/inference/run.py",
        "level.improvement < threshold",
        "level.improvement <= threshold",
        (f"{LIB}/network/test_claims_in_use.py",),
    ),
    Mutant(
        "the classifier in reduced precision",
        "CompactSegLib/inference/processor.py",
        "head.classifier.to(torch.float32)",
        "head.classifier.to(runtime.dtype)",
        (f"{LIB}/inference/test_accelerators.py",),
    ),
    Mutant(
        "messages that all runs share",
        "CompactSegLib/inference/processor.py",
        "self.messages: list[str] = []",
        "self.messages = self.__dict__.setdefault('m', _SHARED)",
        ENGINE,
    ),
    Mutant(
        "the threshold that may lose more than is allowed",
        "CompactSegLib/train/stopping.py",
        "LARGEST_LOSS = 0.001",
        "LARGEST_LOSS = 0.002",
        (f"{LIB}/train/test_export.py",),
    ),
    Mutant(
        "a halo one voxel too narrow",
        "CompactSegLib/inference/tiles.py",
        "(axis.start - around.before) // stride",
        "(axis.start - around.before + 1) // stride",
        (f"{LIB}/inference/test_exact_tiles.py", "-k", "resampled"),
    ),
    Mutant(
        "the kept map is never begun with",
        "CompactSegLib/inference/kept_map.py",
        "return self.number if self.number <= level else 0",
        "return 0",
        (f"{LIB}/inference/test_kept_maps.py",),
    ),
    Mutant(
        "a label absent from both counts as changed",
        "CompactSegLib/inference/stop.py",
        "1 - both / either if either else 0.0",
        "1 - both / either if either else 1.0",
        (f"{LIB}/train/test_export.py",),
    ),
    Mutant(
        "the improvement is that of the label that changed least",
        "CompactSegLib/inference/run.py",
        "improvement=max(distances.values())",
        "improvement=min(distances.values())",
        ENGINE,
    ),
    Mutant(
        "another seed of the folds",
        "CompactSegLib/datasets/folds.py",
        "_SEED = 12345",
        "_SEED = 12346",
        (f"{LIB}/datasets/test_folds.py",),
    ),
    Mutant(
        "arrays with an affine taken as k, j, i",
        "CompactSegLib/volume/conversion.py",
        "Volume.from_array(array.T, Geometry.from_ijk_to_ras(array.shape, matrix)",
        "Volume.from_array(array, Geometry.from_ijk_to_ras(array.shape[::-1], matrix)",
        (f"{LIB}/test_python_interface.py",),
    ),
    Mutant(
        "a saved level without the names of its structures",
        "CompactSegLib/output/level.py",
        "label_list=self.structures",
        "label_list=()",
        (f"{LIB}/test_python_interface.py",),
    ),
    Mutant(
        "the worker fails when stdin closes during its imports",
        "CompactSegLib/serve/worker.py",
        "os._exit(1 if self._is_at_work else 0)",
        "os._exit(1)",
        (f"{LIB}/serve/test_worker_ends.py", "-k", "imported"),
    ),
    Mutant(
        "a batch with a failed case ends well",
        "CompactSegLib/cli/batch.py",
        'return int(any(entry.status == "failed" for entry in processed))',
        "return 0",
        (f"{LIB}/cli/test_batch.py", "-k", "bad_case"),
    ),
    Mutant(
        "an output file that is there is replaced unasked",
        "CompactSegLib/cli/runner.py",
        "if is_there(target) and not self.options.overwrite:",
        "if False:",
        (f"{LIB}/cli/test_segment.py", "-k", "names_a_file"),
    ),
    Mutant(
        "refinement with one width for all labels",
        "CompactSegLib/volume/refinement.py",
        "kernels[self.label_mm.get(str(label), self.mm)]",
        "kernels[self.mm]",
        (f"{LIB}/volume/test_refinement.py", "-k", "own_reach"),
    ),
    Mutant(
        "labels' own widths do not grow with the first levels'",
        "CompactSegLib/volume/refinement.py",
        "replace(self, mm=mm, label_mm=wider, first_mm=())",
        "replace(self, mm=mm, first_mm=())",
        (f"{LIB}/volume/test_refinement.py", "-k", "own_reach"),
    ),
    Mutant(
        "of all thresholds the one that loses least",
        "CompactSegLib/train/stopping.py",
        "key=lambda outcome: outcome.macs_saved",
        "key=lambda outcome: -outcome.dice_lost",
        (f"{LIB}/train/test_stopping.py",),
    ),
    Mutant(
        "each stack of a series is told to lack the others' images",
        "CompactSegLib/volume/dicom_stack.py",
        "whole or len(frames)",
        "len(frames)",
        (f"{LIB}/volume/test_dicom_times.py",),
    ),
    Mutant(
        "slices beside their places are not told",
        "CompactSegLib/volume/dicom_stack.py",
        "_TOLD_DEVIATION_MM = 0.1",
        "_TOLD_DEVIATION_MM = 1.0",
        (f"{LIB}/volume/test_dicom_stack.py",),
    ),
    Mutant(
        "no phantoms among the images without a head",
        "CompactSegLib/synthesis/shapes.py",
        "if random.random() < _PHANTOMS:",
        "if random.random() < 0:",
        (f"{LIB}/synthesis/test_shapes.py",),
    ),
    Mutant(
        "branches come back without being interpolated",
        "CompactSegLib/network/upsampling.py",
        "share = (place - below)",
        "share = 0 * (place - below)",
        (f"{LIB}/network/test_net.py",),
    ),
    Mutant(
        "a worker that waits is no other test's, because pytest names the test",
        "Testing/Qt/driver/warm_workers.py",
        "if k != OF_PYTEST",
        "if k",
        ("Testing/Qt/test_warm_workers.py",),
    ),
)


def spoilt(text: str, mutant: Mutant) -> str:
    """The file with the fault in it."""
    if mutant.before == "<swap names>":
        data = json.loads(text)
        plan = data["provenance"]["plan"]["labels"]
        # Wherever the model states them, so that nothing in its folder disagrees.
        for one, other in ((data["labels"][0], data["labels"][1]), (plan["1"], plan["2"])):
            one["name"], other["name"] = other["name"], one["name"]
        return json.dumps(data, indent=2, ensure_ascii=False)
    if mutant.before == "<digit>":
        before, after = '"value": "5366008"', '"value": "5366009"'
    elif mutant.before == "<colour>":
        before, after = "245,", "246,"
    else:
        before, after = mutant.before, mutant.after
        assert text.count(before) == 1, f"{mutant.file}: {before!r} is not there once"
    assert before in text
    text = text.replace(before, after)
    return text + "\n_SHARED: list[str] = []\n" if "_SHARED" in after else text


def noticed_by(mutant: Mutant, place: Path) -> str:
    """Who noticed a fault, or "" where nobody did."""
    file = place / mutant.file
    original = file.read_text(encoding="utf-8")
    file.write_text(spoilt(original, mutant), encoding="utf-8")
    try:
        command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider"]
        run = subprocess.run(
            [*command, *mutant.tests],
            cwd=place,
            env=os.environ | {"PYTHONPATH": str(place)},
            capture_output=True,
            text=True,
            check=False,
        )
    finally:
        file.write_text(original, encoding="utf-8")
    assert run.returncode in (0, 1), run.stdout[-2000:]
    if not run.returncode:
        return ""
    names = re.findall(r"^_+ (.+?) _+$", run.stdout, re.MULTILINE)
    return next((name for name in names if not name.startswith("ERROR at")), names[0])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--only", type=int, action="append", metavar="N")
    only = parser.parse_args().only
    alive = 0
    print("| | fault | noticed by | CPU s |\n| --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "repository"
        skip = shutil.ignore_patterns(".git", ".venv", "__pycache__", ".*_cache", "runs", "build")
        shutil.copytree(REPOSITORY, place, ignore=skip)
        for number, mutant in enumerate(MUTANTS, start=1):
            if only and number not in only:
                continue
            before, noticed = os.times(), noticed_by(mutant, place)
            took = sum(os.times()[2:4]) - sum(before[2:4])
            alive += not noticed
            row = f"| {number} | {mutant.what} | {noticed or '**nobody**'} | {took:.0f} |"
            print(row, flush=True)
    sys.exit(1 if alive else 0)


if __name__ == "__main__":
    main()
