"""Read thousands of spoilt image files: each is read or refused in a sentence, within seconds.

``python Testing/Fuzz/read_spoilt_files.py --reads 20000`` prints the counts as JSON, and ends with 1 where a read ended
its process, hung, or raised anything but a sentence. The file is made again from its seed: ``--first SEED --reads 1``.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

_PORTION = 500
_SECONDS = 20.0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--reads", type=int, default=20_000)
    parser.add_argument("--first", type=int, default=0, help="Seed of the first file.")
    parser.add_argument("--portion", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.portion:
        _read_portion(arguments.first, arguments.reads)
        return 0
    counts: Counter[str] = Counter()
    bad: list[dict[str, object]] = []
    seed, end = arguments.first, arguments.first + arguments.reads
    while seed < end:
        # In a process of its own, so that one that ends is counted and the others go on.
        done = _run(seed, min(_PORTION, end - seed), counts, bad)
        seed += done
    print(
        json.dumps(
            {"reads": arguments.reads, "counts": dict(sorted(counts.items())), "bad": bad}, indent=2
        )
    )
    return int(bool(bad))


def _run(first: int, reads: int, counts: Counter[str], bad: list[dict[str, object]]) -> int:
    command = [sys.executable, __file__, "--portion", "--first", str(first), "--reads", str(reads)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout
    done = 0
    try:
        for line in process.stdout:
            outcome = json.loads(line)
            counts[outcome["outcome"]] += 1
            if outcome["outcome"] not in ("read", "refused"):
                bad.append(outcome)
            done += 1
    finally:
        process.stdout.close()
        process.wait()
    if done < reads:
        counts["ended the process"] += 1
        bad.append(
            {"outcome": "ended the process", "seed": first + done, "code": process.returncode}
        )
        done += 1
    return done


def _read_portion(first: int, reads: int) -> None:
    import faulthandler

    from CompactSegLib.errors import InputError
    from CompactSegLib.volume.reading import read_volume
    from Testing.Fuzz.files import seeds, spoilt

    with tempfile.TemporaryDirectory() as folder:
        known = seeds(Path(folder))
        names = list(known)
        for seed in range(first, first + reads):
            name = names[seed % len(names)]
            place = Path(folder) / ("one" if name == "s.dcm" else ".") / name
            place.parent.mkdir(exist_ok=True)
            place.write_bytes(spoilt(known[name], seed))
            faulthandler.dump_traceback_later(120, exit=True)
            begin, outcome, told = time.monotonic(), "read", ""
            try:
                read_volume(place)
            except InputError as error:
                outcome, told = "refused", str(error)
                if name not in told and "slices" not in told and folder not in told:
                    outcome = "refused without the file's name"
            except Exception as error:  # noqa: BLE001 - what is looked for
                outcome, told = "raised", f"{type(error).__name__}: {error}"
            faulthandler.cancel_dump_traceback_later()
            seconds = time.monotonic() - begin
            if seconds > _SECONDS:
                outcome = "slow"
            said = {
                "outcome": outcome,
                "seed": seed,
                "file": name,
                "told": told[:300],
                "seconds": round(seconds, 2),
            }
            print(json.dumps(said), flush=True)
            place.write_bytes(known[name])


if __name__ == "__main__":
    sys.exit(main())
