"""What a model states of its data and its training, and the limits that follow from it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from CompactSegLib.json_data import is_number
from CompactSegLib.model.model import Model
from CompactSegLib.words import counted

_OF_THE_MODEL = (
    "name",
    "title",
    "description",
    "modality",
    "orientation",
    "spacing_mm",
    "intensity",
    "labels",
    "region",
)


def made_from(provenance: Mapping[str, Any]) -> str:
    """Name, source, licence and number of cases of the data; "" where they are not stated.

    >>> made_from({"dataset": {"name": "Livers", "reference": "A. Body", "licence": "CC0", "cases": 20}})
    'Livers (A. Body; CC0), 20 cases'
    """
    dataset = provenance.get("dataset")
    if not isinstance(dataset, Mapping) or not dataset.get("name"):
        return ""
    source = "; ".join(str(dataset[key]) for key in ("reference", "licence") if dataset.get(key))
    text = f"{dataset['name']} ({source})" if source else str(dataset["name"])
    cases = dataset.get("cases")
    return f"{text}, {counted(cases, 'case')}" if is_number(cases) else text


def limits_of(model: Model) -> list[str]:
    """Sentences on what a model does not know, those first that matter to whoever has an image before them."""
    spacing = " × ".join(f"{mm:g}" for mm in model.spacing_mm)
    limits = [f"It is made for {model.modality} only; on anything else its result means nothing."]
    stated = model.provenance.get("limits")
    if isinstance(stated, str | list | tuple):
        limits += [stated] if isinstance(stated, str) else [str(limit) for limit in stated]
    if model.is_synthetic:
        limits.append(
            "It never saw a lesion, a tumour, bleeding or an operated organ, and no image of a patient was scored "
            "against labels of a person: all images it was trained on and judged by were made of label maps."
        )
    if model.field_mm:
        field = " × ".join(f"{mm:.0f}" for mm in model.field_mm)
        larger = "a larger one is to be cropped to the structure first."
        if model.region:
            found = model.region.structure.lower()
            larger = (
                f"in a larger one, {model.region.model} finds left and right {found} by its level "
                f"{model.region.level}, and each is segmented with {model.region.margin_mm:g} mm around it."
            )
        limits.append(f"It was trained on images of at most {field} mm; {larger}")
    if model.refinement is None:
        limits.append(
            f"Volumes are brought to {model.orientation}, {spacing} mm; detail finer than that is not seen."
        )
    else:
        limits.append(
            f"The net sees volumes in {model.orientation}, {spacing} mm. Borders are then moved to where the volume's "
            f"own intensities put them, by {model.refinement.reach_mm:.1f} mm at most along each axis; where these "
            "hardly tell structures apart, they stay coarse. The Dice of its levels is that of the net alone."
        )
    return limits


def stated_provenance(provenance: Mapping[str, Any]) -> dict[str, Any]:
    """The provenance without what a model states elsewhere: its limits, and what the plan says of the model itself."""
    stated = {name: value for name, value in provenance.items() if name != "limits"}
    if isinstance(stated.get("plan"), Mapping):
        stated["plan"] = {k: v for k, v in stated["plan"].items() if k not in _OF_THE_MODEL}
    return stated
