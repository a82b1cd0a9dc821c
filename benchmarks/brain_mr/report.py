"""What goes into the document: each part's tables and pictures, as Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path

from benchmarks.brain_mr import (
    nothing,
    pictures,
    real_heads,
    stability,
    stop,
    synthetic_tables,
    template,
)
from benchmarks.brain_mr.document import markdown
from benchmarks.brain_mr.gallery import draw_beside, draw_gallery
from benchmarks.brain_mr.nothing import NothingResult
from benchmarks.brain_mr.real_heads import RealResult
from benchmarks.brain_mr.scores import mean
from benchmarks.brain_mr.stability import AIM_PERCENT, StabilityResult, within_aim
from benchmarks.brain_mr.synthetic import SyntheticResult
from benchmarks.brain_mr.template import TemplateResult
from CompactSegLib import Model, Segmenter
from CompactSegLib.model.model import millilitres
from CompactSegLib.train.stopping import Measured
from CompactSegLib.train.training_plan import TrainingPlan

AIMS = {"T1": 0.85, "GM": 0.80, "WM": 0.85}
"""Least Dice: mean over structures on T1 images of 1 mm, and of the tissues of the template."""
AIMS_ON_HEADS = {"Pallidum": 0.75, "Putamen": 0.84, "Third ventricle": 0.75}
"""Least Dice of structures in real T1 heads."""
MEAN_ON_HEADS = {True: 0.86, False: 0.72}
"""Least mean Dice of real heads: of T1 heads, of others."""
MOST_LOST = 0.01
"""Of Dice, by a structure in the mean of real T1 heads, from a level to the next."""


class Pictures:
    """Where pictures go, and how the document refers to them."""

    def __init__(self, folder: Path, name: str) -> None:
        self.folder = folder
        self.name = name

    def path(self, kind: str) -> Path:
        return self.folder / f"{self.name}_{kind}.png"

    def link(self, kind: str, words: str) -> str:
        return f"![{words}]({self.folder.name}/{self.path(kind).name})"


def heads_part(found: Sequence[RealResult], label_maps: Path, model: Model, to: Pictures) -> str:
    pieces = [
        markdown(real_heads.head_rows(found)),
        markdown(real_heads.structure_rows(found)),
        _stopping("heads", stop.on_heads(found, model)),
    ]
    for one in found:
        kind = f"real-{one.head.name}"
        pictures.draw_levels(one.head.volume, one.result, model, to.path(kind))
        pieces.append(to.link(kind, f"{one.head.name}: image, level 1 and the last level"))
    real = [one.head.volume for one in found if one.head.is_t1]
    plan = TrainingPlan.from_dict(model.provenance.get("plan", {}))
    if real and plan.synthetic:
        draw_beside(real, label_maps, plan, model.labels, to.path("beside"))
        words = "Real T1 heads above images of the same contrast, made as for the last run"
        pieces += [f"{words}:", to.link("beside", words)]
    return "\n\n".join(pieces)


def template_part(found: TemplateResult, model: Model, to: Pictures) -> str:
    pictures.draw_template(found, model, to.path("template"))
    return "\n\n".join(
        [
            markdown(template.dice_rows(found)),
            to.link("template", "The MNI152 template: image, level 1 and the last level"),
            markdown(template.share_rows(found, model.labels), digits=1),
        ]
    )


def stability_part(found: StabilityResult, model: Model, to: Pictures) -> str:
    pictures.draw_levels(found.volume, found.result, model, to.path("head-t1"))
    pictures.draw_stability(found, to.path("stability"))
    return "\n\n".join(
        [
            markdown(stability.structure_rows(found), digits=1),
            to.link("stability", "Change of each structure's volume by each change of the image"),
            markdown(stability.change_rows(found), digits=1),
            to.link("head-t1", "The T1 head: image, level 1 and the last level"),
        ]
    )


def worst_change_part(found: StabilityResult, model: Model, to: Pictures) -> str:
    words = pictures.draw_worst_change(found, model, to.path("worst-change"))
    return f"The change with the largest mean over structures, {words}:\n\n{to.link('worst-change', words)}"


def nothing_part(found: list[NothingResult], model: Model, to: Pictures) -> str:
    pictures.draw_nothing(found, model, to.path("nothing"))
    rows = nothing.structure_rows(found, model.labels)
    structures = (
        ["Of which structures, at the last level (ml):", markdown(rows, digits=2)]
        if rows
        else ["The last level found none."]
    )
    return "\n\n".join(
        [
            markdown(nothing.total_rows(found), digits=1),
            *structures,
            to.link("nothing", "A CT and the made-up images in which most was found"),
        ]
    )


def synthetic_part(found: SyntheticResult, model: Model, to: Pictures) -> str:
    pictures.draw_dice(found, model, to.path("dice"))
    return "\n\n".join(
        [
            markdown(synthetic_tables.structure_rows(found, model.labels), digits=2),
            markdown(synthetic_tables.contrast_rows(found)),
            to.link("dice", "Dice of each structure by contrast, thickness and circumstances"),
            markdown(synthetic_tables.level_rows(found)),
            _stopping("images", stop.on_synthetic(found, model)),
        ]
    )


def _stopping(what: str, measured: Measured) -> str:
    return (
        f"Where the stop rule would end these {what}, by threshold (at {stop.chosen(measured):g} it saves the most "
        "operations that a loss of 0.1 point allows):\n\n"
        + markdown(stop.stop_rows(measured), digits=2)
    )


def worst_images_part(found: SyntheticResult, segmenter: Segmenter, to: Pictures) -> str:
    model = segmenter.model
    image = pictures.draw_worst_image(found, segmenter, to.path("worst-image"))
    structure = pictures.draw_worst_image(
        found,
        segmenter,
        to.path("worst-structure"),
        structure=pictures.worst_structure(found),
    )
    return "\n\n".join(
        [
            markdown(synthetic_tables.worst_rows(found, model.labels)),
            f"The worst image, {image}:",
            to.link("worst-image", image),
            f"The worst structure on T1 images of 1 mm, {structure}:",
            to.link("worst-structure", structure),
        ]
    )


def gallery_part(label_maps: Path, model: Model, to: Pictures) -> str:
    draw_gallery(label_maps, model, to.path("gallery"))
    return to.link("gallery", "Generated heads with their labels")


def aims_part(
    on_heads: Sequence[RealResult],
    on_template: TemplateResult,
    on_head: StabilityResult,
    without_head: Sequence[NothingResult],
    on_maps: SyntheticResult,
) -> str:
    """The aims, and what the last level reached."""
    t1 = mean(case.mean_dice() for case in on_maps.of(synthetic_tables.T1))
    changes = [value for name in on_head.judged for value in on_head.percent[name][-1].values()]
    size = mean(abs(value) for value in changes)
    found = max(nothing.millilitres(one) for one in without_head)
    rows: list[Mapping[str, object]] = [
        *_real_rows(on_heads),
        _dice_row(
            "T1 images of held-out label maps, 1 mm: mean Dice of the structures", t1, AIMS["T1"]
        ),
        *(
            _dice_row(f"MNI152: Dice of {tissue}", on_template.dice[tissue][-1], AIMS[tissue])
            for tissue in ("GM", "WM")
        ),
        {
            "what": "volumes of one head under changes of its image",
            "aim": f"within {AIM_PERCENT:g} %",
            "reached": f"{within_aim(changes)}, mean {size:.1f} %",
            "met": _yes(all(abs(value) <= AIM_PERCENT for value in changes)),
        },
        {
            "what": "labels where there is no head",
            "aim": "none",
            "reached": f"at most {millilitres(found)}",
            "met": _yes(found == 0),
        },
    ]
    return markdown(rows)


def _real_rows(results: Sequence[RealResult]) -> list[dict[str, object]]:
    t1 = [one for one in results if one.head.is_t1]
    rows = [
        _dice_row(
            f"real {'T1' if is_t1 else 'T2'} heads: mean Dice of the structures",
            mean(one.mean_dice(len(one.scores)) for one in results if one.head.is_t1 is is_t1),
            aim,
        )
        for is_t1, aim in MEAN_ON_HEADS.items()
    ]
    dice = {
        name: [mean(one.scores[level][name].dice for one in t1) for level in range(len(scores))]
        for scores in (t1[0].scores,)
        for name in scores[0]
    }
    rows += [
        _dice_row(f"real T1 heads: {name.lower()}", dice[name][-1], aim)
        for name, aim in AIMS_ON_HEADS.items()
    ]
    lost, name = max(
        (before - after, name)
        for name, levels in dice.items()
        for before, after in pairwise(levels)
    )
    rows.append(
        {
            "what": "real T1 heads: what a structure loses from a level to the next",
            "aim": f"at most {MOST_LOST:.2f}",
            "reached": f"{max(lost, 0.0):.3f} ({name.lower()})",
            "met": _yes(lost <= MOST_LOST),
        }
    )
    return rows


def _dice_row(what: str, dice: float, aim: float) -> dict[str, object]:
    return {
        "what": what,
        "aim": f"{aim:.2f}",
        "reached": f"{dice:.3f}",
        "met": _yes(dice >= aim),
    }


def _yes(is_met: bool) -> str:
    return "yes" if is_met else "**no**"
