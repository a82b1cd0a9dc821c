"""The model card: ``README.md`` of a model folder, made from what ``model.json`` says."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from CompactSegLib.labels import Label
from CompactSegLib.model.model import ExpectedVolume, Model, millilitres
from CompactSegLib.model.provenance import limits_of, stated_provenance
from CompactSegLib.words import counted

_MOST_ITEMS = 60
_MOST_SETTINGS = 20
_MOST_COLUMNS = 4

_CARD = """\
# {title}

`{name}` · {modality} · {levels} · {parameters} parameters · {licence}

{description}

## Structures

{structures}

## Levels

{table}

{costs}

## Intended use

{use}

## Limits

{limits}

## Data and training

{provenance}

## Licence

{licence_note}

## How to use

{where}```
compactseg segment volume.nii.gz --model {word} --output results
```

```python
from CompactSegLib import load_model, read_volume, segment

for level in segment(read_volume("volume.nii.gz"), load_model({text})):
    print(level.number, level.improvement, level.millilitres)
```

`weights.safetensors` has SHA-256 `{sha256}`; CompactSeg checks it. This card is made from `model.json`.
"""

_IN_THE_FOLDER = (
    "In this folder, which no name finds; elsewhere its path takes the place of the dot:\n\n"
)


def model_card(model: Model, *, called: str | None = None) -> str:
    """The card as Markdown, ending with a newline.

    Args:
        model: The model.
        called: Its name or folder where commands are shown, ``.`` where the card lies; by default its name.
    """
    called = called or model.name
    last = model.levels[-1]
    return _CARD.format(
        title=model.title,
        name=model.name,
        where=_IN_THE_FOLDER if called == "." else "",
        word=_word(called),
        text=json.dumps(called, ensure_ascii=False),
        modality=model.modality,
        levels=counted(len(model.levels), "level"),
        parameters=f"{max(level.parameters for level in model.levels):,}",
        licence=model.licence,
        licence_note=_paragraph(_licence_note(model.licence)),
        description=_paragraph(model.description),
        structures=_structures(model),
        table=_level_table(model),
        costs=_paragraph(
            "Parameters and operations (multiply-accumulates per voxel) are what it takes to get that level alone; "
            f"a run that shows all levels pays {last.macs_per_voxel_all_levels:,.0f} per voxel. "
            f"The receptive field is in voxels of the model's grid. {_stop(model)}"
        ),
        use=_paragraph(
            f"Research: finding and measuring the structures above in {model.modality} volumes, with a person who "
            "checks the result. It is not a medical device; do not base a diagnosis or a treatment on it."
        ),
        limits="\n".join(f"- {limit}" for limit in limits_of(model)),
        provenance="\n".join(_listing(stated_provenance(model.provenance))) or "Not stated.",
        sha256=model.weights_sha256,
    )


def _word(text: str) -> str:
    """A text as one word of a command."""
    if sys.platform == "win32":
        return subprocess.list2cmdline([text])
    return shlex.quote(text)


def _structures(model: Model) -> str:
    expected = model.expected_millilitres
    rows = [["Value", "Name", "Terminology", "Colour"]]
    rows[0] += ["Training cases, ml"] if expected else []
    for label in model.labels:
        color = "#{:02x}{:02x}{:02x}".format(*label.color)
        row = [str(label.value), label.name, _terms_of(label), f"`{color}`"]
        row += [_volumes(expected[label.name])] if expected else []
        rows.append(row)
    if not expected:
        return _table(rows)
    total = sum(volume.mean for volume in expected.values())
    note = (
        f"Volumes are the mean of the training cases, with the smallest and the largest; all together "
        f"{millilitres(total)} on average. A run that finds almost none of it says so."
    )
    return f"{_table(rows)}\n\n{_paragraph(note)}"


def _volumes(volume: ExpectedVolume) -> str:
    mean, least, most = (
        millilitres(value).removesuffix(" ml") for value in (volume.mean, volume.least, volume.most)
    )
    return f"{mean} ({least} to {most})"


def _level_table(model: Model) -> str:
    names = model.structures
    shown = [name for name in names if any(name in level.dice_by_label for level in model.levels)]
    beside = shown if len(shown) <= _MOST_COLUMNS else []
    rows = [["Level", "Parameters", "Operations / voxel", "Receptive field", "Dice"]]
    rows[0] += [f"Dice, {name}" for name in beside]
    for level in model.levels:
        row = [str(level.level), f"{level.parameters:,}", f"{level.macs_per_voxel:,.0f}"]
        row += [f"{level.receptive_field}³", _figure(level.validation.get("dice"))]
        row += [_figure(level.dice_by_label.get(name)) for name in beside]
        rows.append(row)
    parts = [_table(rows)]
    if shown and not beside:
        parts.append(_structure_table(model, shown))
    cases = model.levels[-1].validation.get("cases")
    if cases:
        kind = "synthetic image" if model.is_synthetic else "validation case"
        note = f"Dice: mean of {counted(cases, kind)}, none of which was trained on"
        if "figures_from" in model.provenance:
            note += (
                " by the model that was judged: the same net and plan, trained without them. This model itself was "
                "trained on all cases, so none are left to judge it by"
            )
        parts.append(_paragraph(note + "."))
    return "\n\n".join(parts)


def _structure_table(model: Model, names: Sequence[str]) -> str:
    """A row per structure: with many of them, columns would not fit a page."""
    rows = [["Dice", *(f"Level {level.level}" for level in model.levels)]]
    rows += [
        [name, *(_figure(level.dice_by_label.get(name)) for level in model.levels)]
        for name in names
    ]
    return _table(rows)


def _stop(model: Model) -> str:
    if not model.threshold:
        return "Unless told otherwise, all levels run."
    return (
        "Unless told otherwise, levels stop when a level changed every structure by less than "
        f"{model.threshold:g} (1 − Jaccard to the level before)."
    )


def _listing(data: Mapping[str, Any], indent: str = "") -> Iterator[str]:
    """What a model states of its training, a line each; of a long list the first and how many there are."""
    for name, value in data.items():
        words = name.replace("_", " ")
        words = words[:1].upper() + words[1:]
        settings = _settings(value)
        if settings > _MOST_SETTINGS:
            yield f"{indent}- {words}: {settings} settings, all in model.json"
        elif isinstance(value, Mapping):
            yield f"{indent}- {words}:"
            yield from _listing(value, indent + "  ")
        else:
            yield f"{indent}- {words}: {_plain(value)}"


def _settings(value: Any) -> int:
    """How many a nested mapping holds."""
    return sum(map(_settings, value.values())) if isinstance(value, Mapping) else 1


def _plain(value: Any) -> str:
    if isinstance(value, list | tuple):
        items = [_plain(item) for item in value] or ["none"]
        few = len(items) <= _MOST_ITEMS
        more = f" and so on: {len(items)}, all named in model.json"
        return ", ".join(items) if few else ", ".join(items[:3]) + more
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _licence_note(licence: str) -> str:
    kind = licence.upper().replace(" ", "-")
    note = "The code that runs them has its own."
    if kind.startswith("CC-BY-SA"):
        note = "Whoever passes them on, changed or not, names their source (above) and keeps this licence."
    elif kind.startswith("CC-BY"):
        note = "Whoever passes them on names their source (above)."
    return f"The weights are under {licence}. {note}"


def _terms_of(label: Label) -> str:
    """A label's codes, or a dash where it has none."""
    if label.terminology is None:
        return "–"
    codes = (label.terminology.type, label.terminology.modifier, label.terminology.region)
    return ", ".join(f"{code.meaning} ({code.scheme} {code.value})" for code in codes if code)


def _paragraph(text: str) -> str:
    return textwrap.fill(text, width=110, break_long_words=False, break_on_hyphens=False)


def _table(rows: list[list[str]]) -> str:
    lines = ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
    lines.insert(1, "|" + " --- |" * len(rows[0]))
    return "\n".join(lines)


def _figure(value: object) -> str:
    """A Dice, or a dash where there is none."""
    return f"{value:.4f}" if isinstance(value, int | float) else "–"
