"""What is told: by the engine, kept with the results and in a saved scene, and by the logic, in the user's language."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import slicer

import CompactSegMRML
from CompactSegMRML.SceneFace import resultsOf
from Testing.MRML.conftest import add_volume, labels_in, run, save_and_open


def test_of_a_constant_volume_it_is_told_that_nothing_was_found(logic, warm, tmp_path):
    volume = add_volume(warm.scene)
    voxels = slicer.util.arrayFromVolume(volume)
    slicer.util.updateVolumeFromArray(volume, np.zeros_like(voxels))
    outcome = run(logic, volume)
    assert (outcome.kind, outcome.stop, outcome.blocksRun) == ("done", "threshold", 0)
    results = logic.results(volume)
    assert [level.level for level in results.levels] == [1, 2]
    assert not labels_in(results.levels[-1].segmentationNode, volume).any()
    why, finding = results.messages
    assert "all voxels have the value 0" in why
    assert finding.startswith("Nothing was found: all voxels of")
    again = save_and_open(warm, tmp_path / "saved").scene
    assert resultsOf(again.GetFirstNodeByName(volume.GetName())).messages == results.messages


def test_what_was_told_of_one_image_is_not_told_of_the_next(logic, warm):
    volume = add_volume(warm.scene)
    voxels = slicer.util.arrayFromVolume(volume).copy()
    slicer.util.updateVolumeFromArray(volume, np.full_like(voxels, 7))
    run(logic, volume, levels=1)
    assert logic.results(volume).messages
    slicer.util.updateVolumeFromArray(volume, voxels)
    run(logic, volume, levels=1)
    assert logic.results(volume).messages == ()


LOGIC = Path(CompactSegMRML.__file__).parent
TRANSLATED = """
import sys, types
i18n = types.ModuleType("slicer.i18n")
i18n.tr = lambda text: "\u00ab" + text + "\u00bb"
sys.modules["slicer.i18n"] = i18n
import slicer
from CompactSegLib.errors import InputError
from CompactSegMRML import segment
from CompactSegMRML.CompactSegLogic import CompactSegLogic
scene = slicer.vtkMRMLScene()
logic = CompactSegLogic(scene, workerCommand="'")
volume = scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "empty")
said = [logic.whyNotSegmentable(None), logic.whyNotSegmentable(volume)]
for ask in (
    lambda: logic.segment(volume, model="any"),
    lambda: logic.showLevel(volume, 1),
    lambda: logic.showOrCompute(volume, 1),
    lambda: logic.compare(volume, 1, 2),
    lambda: logic.segmentAll([]),
    lambda: segment(None, model="any"),
):
    try:
        ask()
    except InputError as error:
        said.append(str(error))
logic.startWorker()
said.append(logic.problem)
assert len(said) == 9, said
print(*said, sep="\\n")
"""


def test_what_the_logic_says_is_in_the_users_language():
    done = subprocess.run(
        [sys.executable, "-X", "utf8", "-c", TRANSLATED],
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, LOGIC.parents[:2]))},
    )
    assert done.returncode == 0, done.stderr
    assert [line for line in done.stdout.splitlines() if (line[0], line[-1]) != ("«", "»")] == []


def test_no_sentence_of_the_logic_is_left_out_of_its_translation():
    """Sentences are texts with a space and an end, or begin an error; names of nodes and the log are none."""
    left_out = []
    for file in sorted(LOGIC.glob("*.py")):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        inside = {
            id(part)
            for node in ast.walk(tree)
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "_"
            for part in ast.walk(node)
        }
        inside |= {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                is_sentence = " " in node.value.strip() and node.value.rstrip()[-1:] in (".", ";")
                if is_sentence and id(node) not in inside:
                    left_out.append(f"{file.name}:{node.lineno}: {node.value}")
    assert left_out == []
