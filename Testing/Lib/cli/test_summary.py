"""What is told of many cases at the end."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

from CompactSegLib.cli.batch import ProcessedCase, run_batch
from CompactSegLib.cli.inputs import Case


def processed(name: str, *structures: str) -> ProcessedCase:
    millilitres = dict.fromkeys(structures, 1.5)
    report = {
        "case": name,
        "seconds": 1.0,
        "stopped_at": 1,
        "levels": [{"level": 1, "millilitres": millilitres}],
        "messages": ["Look at it."],
    }
    return ProcessedCase(Case(Path(name), name), "done", report=report)


def test_crops_and_whole_images_stand_in_one_summary(tmp_path: Path, capsys):
    both = [processed("crop", "Part"), processed("head", "Left part", "Right part")]
    runner = SimpleNamespace(options=SimpleNamespace(output=tmp_path, json=False))
    assert run_batch(runner, [each.case for each in both], elsewhere=lambda _: iter(both)) == 0
    printed = capsys.readouterr()
    assert "2 done" in printed.out
    assert "Part (ml)" not in printed.out
    assert printed.err.splitlines() == ["Note: crop: Look at it.", "Note: head: Look at it."]
    alike = [processed("one", "Part"), processed("two", "Part")]
    run_batch(runner, [each.case for each in alike], elsewhere=lambda _: iter(alike))
    assert "Part (ml)" in capsys.readouterr().out


def test_what_was_done_before_is_listed_with_its_results(segment, a_folder_of_cases: Path):
    (a_folder_of_cases / "b.nii.gz").unlink()
    first = json.loads(segment("--level", 1, "--json", volume=a_folder_of_cases).stdout)
    again = json.loads(segment("--level", 1, "--json", volume=a_folder_of_cases).stdout)
    assert [case["status"] for case in again["cases"]] == ["skipped", "skipped"]
    assert [case["report"] for case in again["cases"]] == [
        case["report"] for case in first["cases"]
    ]
