"""What the module takes of Slicer at its start, and what it gives back."""

from __future__ import annotations

import gc
import subprocess
import sys
from pathlib import Path

QT = Path(__file__).resolve().parent

AT_START = """
import os, sys, tempfile
os.environ["QT_QPA_PLATFORM"] = "offscreen"
sys.path.append(sys.argv[1])
import standin
standin.install()
from pathlib import Path
from driver.session import REPOSITORY, Desktop
import slicer
desktop = Desktop(Path(tempfile.mkdtemp()))
slicer.app.moduleManager()._load(REPOSITORY / "CompactSeg" / "CompactSeg.py")
ours = ("CompactSegLib", "CompactSegMRML", "CompactSegQt")
print(*sorted(name for name in sys.modules if name.partition(".")[0] in ours), file=sys.stderr)
desktop.close()
"""


def test_little_is_imported_before_the_module_is_opened():
    result = subprocess.run(
        [sys.executable, "-c", AT_START, str(QT)], capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    names = result.stderr.splitlines()[-1].split()
    print(len(names), *names)
    assert "CompactSegLib.resources" in names
    assert len(names) <= 6, names


def test_sixty_entries_leave_one_wrapper_of_the_parameter_node(desktop):
    desktop.open()
    desktop.load()
    for _ in range(60):
        desktop.select("SegmentEditor")
        desktop.select("CompactSeg")
    gc.collect()
    wrappers = [
        each for each in gc.get_objects() if type(each).__name__ == "CompactSegParameterNode"
    ]
    assert len(wrappers) == 1
