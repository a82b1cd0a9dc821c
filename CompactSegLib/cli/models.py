"""``compactseg models`` and ``compactseg info``: what there is, and what is known of one."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import typer

from CompactSegLib.cli.display import stdout_console, table_of
from CompactSegLib.cli.guard import say
from CompactSegLib.model.card import model_card
from CompactSegLib.model.folder import model_data
from CompactSegLib.model.registry import SEARCH_VARIABLE, list_models, load_model
from CompactSegLib.network.claims import claims_of

if TYPE_CHECKING:
    from CompactSegLib.model.model import Model


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
    """Print all that is known of a model: its card, the claims it uses and where it is.

    Raises:
        ModelError: There is no such model, or it is damaged.
    """
    model = load_model(name)
    if as_json:
        claims = [asdict(claim) for claim in claims_of(model.net_config)]
        typer.echo(json.dumps(_summary(model) | model_data(model) | {"claims": claims}, indent=2))
        return
    from rich.markdown import Markdown

    console = stdout_console()
    console.print(Markdown(model_card(model, called=name), hyperlinks=False))
    table = table_of("Claims of US 10,783,640", "What", "In this model")
    for claim in claims_of(model.net_config):
        table.add_row(", ".join(map(str, claim.numbers)), claim.what, claim.where or "not used")
    console.print(table)
    console.print(f"{model.folder}, {model.size_bytes / 1e6:.2f} MB", soft_wrap=True)


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
