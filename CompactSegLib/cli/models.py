"""``compactseg models`` and ``compactseg info``: what there is, and what is known of one."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import typer
from rich.table import Table
from rich.text import Text

from CompactSegLib.cli.display import stdout_console, table_of
from CompactSegLib.cli.guard import say
from CompactSegLib.model.card import figure, listing, terms_of
from CompactSegLib.model.folder import model_data
from CompactSegLib.model.provenance import stated_provenance
from CompactSegLib.model.registry import SEARCH_VARIABLE, list_models, load_model
from CompactSegLib.network.claims import claims_of

if TYPE_CHECKING:
    from CompactSegLib.model.model import Model, Region

__all__ = ["run_info", "run_models"]


def run_models(*, as_json: bool) -> None:
    """Print the models that can be found; a sentence on stderr for each folder that is damaged."""
    models = list_models(on_damaged=lambda error: say(f"Note: {error}"))
    if as_json:
        typer.echo(json.dumps([_summary(model) for model in models], indent=2))
        return
    if not models:
        say(f"No model found; set {SEARCH_VARIABLE} to the folders that hold your models.")
        return
    table = table_of("Name", "Title", "Modality", ">Levels", ">MB", "Licence")
    for model in models:
        table.add_row(
            model.folder.name,
            model.title,
            model.modality,
            str(len(model.levels)),
            f"{model.size_bytes / 1e6:.2f}",
            model.licence,
        )
    stdout_console().print(table)


def run_info(name: str, *, as_json: bool) -> None:
    """Print all that is known of a model.

    Raises:
        ModelError: There is no such model, or it is damaged.
    """
    model = load_model(name)
    if as_json:
        claims = [asdict(claim) for claim in claims_of(model.net_config)]
        typer.echo(json.dumps(_summary(model) | model_data(model) | {"claims": claims}, indent=2))
        return
    console = stdout_console()
    console.print(f"{model.title} ({model.name})", style="bold", soft_wrap=True)
    console.print(model.description)
    spacing = " × ".join(f"{mm:g}" for mm in model.spacing_mm)
    stop = f"when a level changes every structure by less than {model.threshold:g} (1 − Jaccard)"
    facts = {
        "Folder": str(model.folder),
        "Modality": model.modality,
        "Grid": f"{model.orientation}, {spacing} mm",
        "Size": f"{model.size_bytes / 1e6:.2f} MB",
        "Stops": stop if model.threshold else "never: all levels run",
        **({"In a head": _region(model.region)} if model.region else {}),
        "Licence": model.licence,
        "SHA-256": model.weights_sha256,
    }
    for key, value in facts.items():
        console.print(f"{key:<12} {value}", soft_wrap=True)
    console.print(_labels(model), _levels(model), _claims(model))
    if model.provenance:
        console.print("Data and training", style="bold")
        for line in listing(stated_provenance(model.provenance)):
            typer.echo(line)


def _summary(model: Model) -> dict[str, Any]:
    return {
        "name": model.folder.name,
        "title": model.title,
        "modality": model.modality,
        "structures": [label.name for label in model.labels],
        "level_count": len(model.levels),
        "size_bytes": model.size_bytes,
        "licence": model.licence,
        "folder": str(model.folder),
    }


def _region(region: Region) -> str:
    return (
        f"left and right {region.structure.lower()}, found by {region.model} (level {region.level}), "
        f"with {region.margin_mm:g} mm around"
    )


def _labels(model: Model) -> Table:
    table = table_of(">Value", "Structure", "Terminology", "Colour")
    for label in model.labels:
        color = "#{:02x}{:02x}{:02x}".format(*label.color)
        table.add_row(
            str(label.value), label.name, terms_of(label), Text(f"██ {color}", style=color)
        )
    return table


def _claims(model: Model) -> Table:
    table = table_of("Claims of US 10,783,640", "What", "In this model")
    for claim in claims_of(model.net_config):
        table.add_row(", ".join(map(str, claim.numbers)), claim.what, claim.where or "not used")
    return table


def _levels(model: Model) -> Table:
    named = [
        label.name
        for label in model.labels
        if any(label.name in level.dice_by_label for level in model.levels)
    ]
    shown = named if len(named) <= 4 else []
    table = table_of(
        ">Level",
        ">Parameters",
        ">MAC/voxel",
        ">MAC/voxel, all levels",
        ">Receptive field",
        ">Dice",
        *(f">{name}" for name in shown),
        ">Cases",
    )
    for level in model.levels:
        table.add_row(
            str(level.level),
            f"{level.parameters:,}",
            f"{level.macs_per_voxel:,.0f}",
            f"{level.macs_per_voxel_all_levels:,.0f}",
            f"{level.receptive_field}³",
            figure(level.validation.get("dice")),
            *(figure(level.dice_by_label.get(name)) for name in shown),
            str(level.validation.get("cases", "–")),
        )
    return table
