"""Rewrite the ``model.json`` and the card of a model folder of version 0.1 as this version reads them.

    python benchmarks/renew_model.py runs/fold0/model --threshold 0.11

The weights stay as they are, byte for byte. What is gone: how level feature maps are joined (`fuse`), the unit and the
calibration of the stop rule, and settings of training that made no model better.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from CompactSegLib.files import written_whole
from CompactSegLib.model.card import model_card
from CompactSegLib.model.folder import read_model
from CompactSegLib.model.schema import MODEL_FILE

_GONE = ("distillation", "distillation_temperature", "sparse_loss")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path, help="of the model")
    parser.add_argument(
        "--threshold",
        type=float,
        required=True,
        help="1 - Jaccard; benchmarks/stop_rule.py says which",
    )
    arguments = parser.parse_args()

    file = arguments.folder / MODEL_FILE
    data = json.loads(file.read_text(encoding="utf-8"))
    if data["net"].pop("fuse", "pair") != "pair" or data["net"].pop("shuffle", 1) != 1:
        raise SystemExit(f"{file}: expected a net that joins pairs of maps, voxel by voxel.")
    data["stop"] = {"threshold": arguments.threshold}
    plan = data["provenance"].get("plan", {})
    for settings in (plan, plan.get("synthesis", {})):
        for name in (*_GONE, "soft_labels"):
            if settings.pop(name, False) not in (False, 0.0, 2.0):
                raise SystemExit(f"{file}: expected a model trained without {name}.")
    write(file, json.dumps(data, indent=2, ensure_ascii=False) + "\n")
    write(arguments.folder / "README.md", model_card(read_model(arguments.folder)))


def write(path: Path, text: str) -> None:
    with written_whole(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
