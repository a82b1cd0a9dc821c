"""What a finished model says of itself, told anew from its plan: labels, sides, colours, codes, texts, refinement.

    python -m CompactSegLib.train.retell MODEL PLAN LABEL_MAPS [--threshold X]

The weights stay, byte for byte, and so do validation and what the provenance says of the training.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
from pathlib import Path

from CompactSegLib.files import check_writable, write_text, written_together
from CompactSegLib.labels import labels_of
from CompactSegLib.model.card import model_card
from CompactSegLib.model.folder import CARD_FILE, MODEL_FILE, model_data
from CompactSegLib.model.model import Model, Stop
from CompactSegLib.model.registry import called_from, load_model
from CompactSegLib.synthesis.label_maps import find_label_maps, read_label_map
from CompactSegLib.train.lineage import split_of
from CompactSegLib.train.runlog import tell
from CompactSegLib.train.structure_volumes import expected_of_cases
from CompactSegLib.train.training_plan import TrainingPlan
from CompactSegLib.volume.refinement import Refinement


def retell(
    model: Model, plan: TrainingPlan, label_maps: Path, *, threshold: float | None = None
) -> Model:
    """Write ``model.json`` and the card anew.

    Args:
        model: Of synthetic images, trained with this plan but for what it says of the model.
        plan: What is to be said.
        label_maps: What the model was trained on, whose volumes it states.
        threshold: Of the stop rule; None leaves the model's.

    Raises:
        CompactSegError: The plan's labels are not one for each class of the net, label maps cannot be read, or the
            model cannot be written.
    """
    check_writable(model.folder, CARD_FILE, MODEL_FILE)
    labels = labels_of({int(value): given for value, given in plan.labels.items()})
    dataset = find_label_maps(label_maps, plan)
    names, _ = split_of(model, [case.name for case in dataset.cases])
    heads = [read_label_map(case.labels, plan) for case in dataset.cases if case.name in names]
    stated = plan.to_dict()
    words = {name: stated[name] for name in ("title", "description", "labels", "refinement")}
    told = dataclasses.replace(
        model,
        provenance={**model.provenance, "plan": {**model.provenance["plan"], **words}},
        title=plan.title,
        description=plan.description,
        labels=tuple(labels),
        stop=model.stop if threshold is None else Stop(threshold),
        refinement=Refinement.from_dict(plan.refinement) if plan.refinement else None,
        expected_millilitres=expected_of_cases(heads, labels, plan),
    )
    text = json.dumps(model_data(told), indent=2, ensure_ascii=False) + "\n"
    with written_together(model.folder, last=MODEL_FILE) as folder:
        write_text(folder / CARD_FILE, model_card(told, called=called_from(model.folder)))
        write_text(folder / MODEL_FILE, text)
    return load_model(model.folder)


def main() -> None:
    """Tell of the model that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("model", help="folder of the model")
    parser.add_argument("plan", type=Path)
    parser.add_argument("label_maps", type=Path)
    parser.add_argument("--threshold", type=float, help="1 - Jaccard below which levels stop")
    options = parser.parse_args()
    told = retell(
        load_model(options.model),
        TrainingPlan.read(options.plan),
        options.label_maps,
        threshold=options.threshold,
    )
    tell(f"{told.folder}: {len(told.labels)} labels, weights {told.weights_sha256[:12]}")


if __name__ == "__main__":
    main()
