"""Measure brain-mr, or another model with its labels, and put tables and pictures into its document.

    python -m benchmarks.brain_mr --data DATA
    python -m benchmarks.brain_mr --data DATA --model runs/1mm/model --document benchmark-output/brain-mr-1mm.md

DATA holds ``heads``, ``brain-label-maps`` and ``volumes``. Each part is written as soon as it is measured; ``--parts``
chooses.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import re
import sys
import time
from pathlib import Path

import torch

from benchmarks.brain_mr import nothing, real_heads, report, stability, synthetic, template
from benchmarks.brain_mr.document import fill, start_document
from benchmarks.brain_mr.engine import without_sides
from benchmarks.brain_mr.heads import held_out_heads
from benchmarks.tables import processor_name
from CompactSegLib import CompactSegError, Model, Segmenter, load_model, read_volume
from CompactSegLib.errors import ConfigurationError
from CompactSegLib.inference.devices import keep_freed_memory

ROOT = Path(__file__).resolve().parents[2]
MODEL = "brain-mr"
PARTS = ("heads", "template", "stability", "nothing", "synthetic", "gallery")


def main() -> int:
    options = parse(sys.argv[1:])
    try:
        measure_all(options)
    except CompactSegError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.brain_mr", description=__doc__.partition("\n")[0]
    )
    parser.add_argument(
        "--data", type=Path, required=True, help="heads, brain-label-maps and volumes"
    )
    parser.add_argument("--model", default=MODEL, help="name or folder of a model")
    parser.add_argument(
        "--document",
        type=Path,
        help="Markdown file to fill; begun where there is none. Pictures go to pictures/ beside it. Needed for all but "
        f"{MODEL} as it is, whose own is docs/{MODEL}.md",
    )
    parser.add_argument(
        "--net-alone", action="store_true", help="leave out the refinement that the model states"
    )
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--full", action="store_true", help="every setting for every head")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--precision", default="auto", choices=("auto", "fp32", "bf16", "fp16"))
    parser.add_argument("--threads", type=int, help="of torch; by default as many as it likes")
    options = parser.parse_args(arguments)
    if options.document is None:
        if options.model != MODEL or options.net_alone:
            parser.error(f"all but {MODEL} as it is needs a --document of its own")
        options.document = ROOT / "docs" / f"{MODEL}.md"
    return options


def measure_all(options: argparse.Namespace) -> None:
    """Measure the chosen parts one after the other, each into the document once it is done."""
    keep_freed_memory()
    if options.threads:
        torch.set_num_threads(options.threads)
    model = load_model(options.model)
    if options.net_alone:
        model = dataclasses.replace(model, refinement=None)
    if set(options.parts) != set(PARTS):
        check_weights(options.document, model)
    with_sides = Segmenter(model, device=options.device, precision=options.precision)
    # What follows the real heads is of structures, and knows no sides.
    model = without_sides(model)
    segmenter = Segmenter(model, device=options.device, precision=options.precision)
    begin = time.perf_counter()

    def say(words: str) -> None:
        print(f"{time.perf_counter() - begin:6.0f} s  {words}", flush=True)

    start_document(options.document, title=model.name)
    to = report.Pictures(options.document.parent / "pictures", options.document.stem)
    label_maps, volumes = options.data / "brain-label-maps", options.data / "volumes"
    found: dict[str, object] = {}
    for part in options.parts:
        if part == "heads":
            on_heads = found[part] = real_heads.measure(
                with_sides, real_heads.read_heads(options.data / "heads"), say
            )
            fill(
                options.document,
                {part: report.heads_part(on_heads, label_maps, with_sides.model, to)},
            )
        elif part == "template":
            on_template = found[part] = template.measure(segmenter, say)
            fill(options.document, {part: report.template_part(on_template, model, to)})
        elif part == "stability":
            head = read_volume(volumes / "head-t1.nii.gz")
            on_head = found[part] = stability.measure(segmenter, head, say)
            content = report.stability_part(on_head, model, to)
            worst = report.worst_change_part(on_head, model, to)
            fill(options.document, {part: content, "worst-change": worst})
        elif part == "nothing":
            ct = read_volume(volumes / "body-ct-3mm.nii.gz")
            without_head = found[part] = nothing.measure(segmenter, ct, say)
            fill(options.document, {part: report.nothing_part(without_head, model, to)})
        elif part == "synthetic":
            heads = held_out_heads(label_maps, model)
            on_maps = found[part] = synthetic.measure(with_sides, heads, say, full=options.full)
            content = report.synthetic_part(on_maps, model, to)
            worst = report.worst_images_part(on_maps, segmenter, to)
            fill(options.document, {part: content, "worst-images": worst})
        else:
            fill(options.document, {part: report.gallery_part(label_maps, model, to)})
    if {"heads", "template", "stability", "nothing", "synthetic"} <= found.keys():
        aims = report.aims_part(on_heads, on_template, on_head, without_head, on_maps)
        fill(options.document, {"aims": aims})
    minutes = (time.perf_counter() - begin) / 60
    fill(options.document, {"setup": setup(segmenter, options, minutes)})
    say(f"done: {options.document}")


def check_weights(document: Path, model: Model) -> None:
    """Refuse to put some figures of a model beside another's.

    Raises:
        ConfigurationError: The document was measured with other weights, or with these refined otherwise.
    """
    text = document.read_text(encoding="utf-8") if document.exists() else ""
    told, own = re.search(r"; (weights [0-9a-f]{12}.*)\.$", text, re.MULTILINE), which(model)
    if told and told[1] != own:
        raise ConfigurationError(
            f"{document}: expected figures of {own}, but it has those of {told[1]}; measure all parts, or choose "
            "another --document."
        )


def which(model: Model) -> str:
    """What makes a model's labels, in words."""
    weights = f"weights {model.weights_sha256[:12]}"
    if model.refinement is None:
        return weights
    given = {name: value for name, value in model.refinement.to_dict().items() if value}
    return f"{weights}, refined ({json.dumps(given)[1:-1]})"


def setup(segmenter: Segmenter, options: argparse.Namespace, minutes: float) -> str:
    """With what the figures were measured."""
    runtime, model = segmenter.runtime, segmenter.model
    parts = "all parts" if set(options.parts) == set(PARTS) else ", ".join(options.parts)
    return (
        f"Measured ({parts}{', full grid' if options.full else ''}) in {minutes:.0f} minutes on {runtime.device} in "
        f"{runtime.precision} with {torch.get_num_threads()} threads ({processor_name()}), torch {torch.__version__}; "
        f"{which(model)}."
    )


if __name__ == "__main__":
    sys.exit(main())
