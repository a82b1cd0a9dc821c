"""Kill runs of the command and of the worker at random moments, and count what they leave half written.

``python Testing/Fuzz/kill_runs.py --kills 100`` kills so many of each, prints the counts as JSON, and ends with 1 where
a file under its final name is not whole, a report speaks of files that are not as it says, or the next run does not
clean up and finish. Runs are forked from a process that has loaded all, so that moments fall into reading, computing
and writing and not into the loading.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np  # noqa: E402

from CompactSegLib.cli.app import app  # noqa: E402
from CompactSegLib.cli.previous_results import are_as_written, is_output  # noqa: E402
from CompactSegLib.errors import InputError  # noqa: E402
from CompactSegLib.model.model import Model  # noqa: E402
from CompactSegLib.output import picture  # noqa: E402
from CompactSegLib.serve.protocol import Frame, read_frames, write_frame  # noqa: E402
from CompactSegLib.volume.reading import read_labels  # noqa: E402

_CASES, _LEVELS = 2, 3
_PNG_END = b"IEND\xaeB`\x82"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    chance = random.Random(arguments.seed)
    picture._DPI = 30  # most of a run's time would go into pictures
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        # What a run leaves outside of its output folder shows here.
        (place / "tmp").mkdir()
        os.environ["TMPDIR"] = tempfile.tempdir = str(place / "tmp")
        counts = {
            "command": kill_commands(place, arguments.kills, chance),
            "worker": kill_workers(place, arguments.kills, chance),
        }
    print(json.dumps(counts, indent=2))
    return int(any(c["half written"] or not c["the next run is whole"] for c in counts.values()))


def kill_commands(place: Path, kills: int, chance: random.Random) -> dict[str, int]:
    """Segment a folder of cases, each time in another way, into one folder."""
    model, cases = _model(place), _cases(place / "cases")
    reference, seconds = {}, 0.0
    for suffix in ("seg.nrrd", "nii.gz"):
        begin = time.monotonic()
        _segment(cases, place / suffix, model, "--format", suffix, "--all-levels")
        # Moments are spread over what a run takes here, however fast the machine is.
        seconds = 1.1 * (time.monotonic() - begin)
        for file in (place / suffix).glob(f"*_level-*.{suffix}"):
            reference[file.name] = read_labels(file)[0]
    assert len(reference) == 2 * _LEVELS * (_CASES + 1), sorted(reference)
    output, counts = place / "out", Counter(kills=0)
    while counts["kills"] < kills:
        suffix, level = chance.choice(("seg.nrrd", "nii.gz")), chance.randint(1, _LEVELS)
        options = ["--format", suffix, "--level", str(level), *chance.choice(([], ["--overwrite"]))]
        took = killed(
            lambda options=options: _segment(cases, output, model, *options),
            chance.uniform(0, seconds),
        )
        counts["ended before"] += took is not None
        counts["kills"] += took is None
        counts["half written"] += half_written(output, reference)
        counts["left something to clean"] += bool(_partial(output) + _partial(place / "tmp"))
    _segment(cases, output, model, "--all-levels", "--overwrite")
    is_whole = (
        not half_written(output, reference) and len(list(output.glob("*.json"))) == _CASES + 1
    )
    counts["the next run is whole"] = int(
        is_whole and not _partial(output) and not any((place / "tmp").iterdir())
    )
    return dict(counts)


def half_written(output: Path, reference: dict[str, np.ndarray]) -> int:
    """How many files under final names are not whole, or not what a report says of them."""
    found = 0
    for file in sorted(output.iterdir()) if output.is_dir() else ():
        if file.name.startswith("."):
            continue
        whole = is_output(file.name) and _is_whole(file, reference)
        found += not whole
        if not whole:
            print(f"half written: {file.name}", file=sys.stderr)
    return found


def _is_whole(file: Path, reference: dict[str, np.ndarray]) -> bool:
    if file.suffix == ".json":
        return are_as_written(file.parent, json.loads(file.read_text(encoding="utf-8")))
    if file.suffix == ".png":
        return file.read_bytes().endswith(_PNG_END)
    if file.suffix == ".csv":
        text = file.read_text(encoding="utf-8")
        return text.endswith("\n") and len({len(row) for row in csv.reader(text.splitlines())}) == 1
    try:
        return np.array_equal(read_labels(file)[0], reference[file.name])
    except InputError:
        return False


def kill_workers(place: Path, kills: int, chance: random.Random) -> dict[str, int]:
    """Ask a worker for all levels of a volume, and see what it said until it was killed; then one that nobody kills."""
    request, events = _request(_model(place)), place / "events"
    whole, seconds = _events_of(request, events, lambda said: b'"done"' in said)
    reference = {f.message["level"]: f.array for f in whole if f.message["event"] == "level"}
    assert len(reference) == _LEVELS, [frame.message for frame in whole]
    before, counts = _state(place), Counter(kills=0)
    for _ in range(kills):
        end = time.monotonic() + chance.uniform(0, 1.1 * seconds)
        said, _ = _events_of(request, events, lambda _, end=end: time.monotonic() > end)
        counts["kills"] += 1
        levels = [frame for frame in said if frame.message["event"] == "level"]
        counts["levels told before"] += len(levels)
        wrong = [f for f in levels if not np.array_equal(f.array, reference[f.message["level"]])]
        counts["half written"] += len(wrong) + (_state(place) != before)
    whole, _ = _events_of(request, events, lambda said: b'"done"' in said)
    levels = sum(frame.message["event"] == "level" for frame in whole)
    return dict(counts) | {"the next run is whole": int(levels == _LEVELS)}


def _events_of(
    request: bytes, events: Path, is_over: Callable[[bytes], bool]
) -> tuple[list[Frame], float]:
    """The whole frames that a worker wrote until it was killed, and how long that took."""
    from CompactSegLib.serve.worker import run_worker

    source, sink = os.pipe()
    os.write(sink, request)
    events.write_bytes(b"")

    def serve() -> None:
        os.dup2(source, 0)
        os.dup2(os.open(events, os.O_WRONLY), 1)
        run_worker()

    begin = time.monotonic()
    process = _forked(serve)
    while not is_over(events.read_bytes()):
        assert time.monotonic() - begin < 120
        time.sleep(0.001)
    seconds = time.monotonic() - begin
    os.kill(process, signal.SIGKILL)
    os.waitpid(process, 0)
    os.close(source)
    os.close(sink)
    with events.open("rb") as file:
        said = [frame for frame in read_frames(file) if isinstance(frame, Frame)]
    events.unlink()
    return said, seconds


def _request(model: Model) -> bytes:
    """To segment a volume that fits into a pipe whole."""
    array = np.random.default_rng(0).integers(0, 200, (1, 24, 24, 24)).astype(np.uint8)
    file = io.BytesIO()
    fields = {"ijk_to_ras": np.eye(4).tolist(), "model": str(model.folder), "all_levels": True}
    write_frame(file, {"request": "segment", "id": 1, "device": "cpu", "tile": 8, **fields}, array)
    return file.getvalue()


def killed(run: Callable[[], object], seconds: float) -> float | None:
    """Run in a process of its own that is killed after a time; the seconds it took where it ended before."""
    begin = time.monotonic()
    process = _forked(run)
    while time.monotonic() - begin < seconds:
        if os.waitpid(process, os.WNOHANG)[0]:
            return time.monotonic() - begin
        time.sleep(0.001)
    os.kill(process, signal.SIGKILL)
    os.waitpid(process, 0)
    return None


def _forked(run: Callable[[], object]) -> int:
    """The number of a process that runs this and says nothing."""
    process = os.fork()
    if process:
        return process
    try:
        nothing = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(nothing, stream)
        run()
    finally:
        os._exit(0)


def _segment(cases: Path, output: Path, model: Model, *options: str) -> None:
    """As the command does, in this process."""
    arguments = ["segment", cases, "--model", model.folder, "--output", output, "--device", "cpu"]
    with open(os.devnull, "w") as nothing, redirect_stdout(nothing), redirect_stderr(nothing):
        app([*map(str, arguments), *options], standalone_mode=False)


def _model(place: Path) -> Model:
    from CompactSegLib.model.registry import load_model
    from Testing.Lib.conftest import make_tiny_model

    folder = place / "models" / "tiny"
    return load_model(str(folder)) if folder.is_dir() else make_tiny_model(folder)


def _cases(folder: Path) -> Path:
    """Images in files, and a packed DICOM series, for which pixels lie in a temporary folder meanwhile."""
    import pydicom
    import SimpleITK
    from pydicom.uid import JPEGLSLossless

    from Testing.Lib.volume.dicom_files import write_series

    folder.mkdir()
    chance = np.random.default_rng(0)
    for number in range(_CASES):
        image = SimpleITK.GetImageFromArray(chance.integers(0, 900, (24, 28, 20)).astype(np.int16))
        SimpleITK.WriteImage(image, folder / f"case{number}.nii.gz")
    write_series(folder / "packed", array=chance.integers(0, 900, (12, 20, 22)).astype(np.int16))
    for file in (folder / "packed").iterdir():
        header = pydicom.dcmread(file)
        header.compress(JPEGLSLossless)
        header.save_as(file)
    return folder


def _partial(folder: Path) -> list[Path]:
    return [*folder.glob(".*")] if folder.is_dir() else []


def _state(place: Path) -> dict[str, int]:
    """All files but the stream of events, with their sizes."""
    return {
        str(f): f.stat().st_size
        for f in sorted(place.rglob("*"))
        if f.is_file() and f.name != "events"
    }


if __name__ == "__main__":
    sys.exit(main())
