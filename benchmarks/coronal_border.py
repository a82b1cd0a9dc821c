"""What would be gained by deciding the border of anterior and posterior hippocampus as one coronal plane.

    python benchmarks/coronal_border.py DATASET --model hippocampus-mr

The annotators cut along a coronal slice in most cases. On the cases that the model was not trained on, its last level
is labelled as it is, with the plane that its class probabilities favour, with the plane that leaves the fewest of its
labels on the wrong side, and with the annotators' own plane, which no method can know.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from held_out import held_out_cases
from numpy.typing import NDArray
from tables import show

from CompactSegLib import load_model
from CompactSegLib.judge.border import border_between

_AXIS = 1  # D, H, W run to superior, anterior, right


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("data", type=Path, help="the hippocampus dataset, Decathlon Task04")
    parser.add_argument("--model", default="hippocampus-mr", help="name or folder of a model")
    arguments = parser.parse_args()
    model = load_model(arguments.model)
    found: dict[str, list[float]] = {}
    for case in held_out_cases(arguments.data, model):
        with torch.inference_mode():
            shares = model.net(case.image[None])[-1][0].softmax(dim=0).numpy()
        truth = case.labels.numpy()
        for name, labels in labellings(shares, truth).items():
            found.setdefault(name, []).append(mean_dice(labels, truth))
        binary = overlap(shares.argmax(axis=0) > 0, truth > 0)
        found.setdefault("both parts as one", []).append(binary)
    show(
        "Dice of the last level, mean of anterior and posterior",
        [
            {"border": name, "cases": len(dice), "Dice": f"{np.mean(dice):.4f}"}
            for name, dice in found.items()
        ],
    )


def labellings(shares: NDArray[np.float32], truth: NDArray[np.uint8]) -> dict[str, NDArray]:
    """Labels by each way to decide the border, from class probabilities ``(3, D, H, W)``."""
    plain = shares.argmax(axis=0)
    inside = plain > 0
    others = (0, 2)
    favour = (np.log(shares[1] + 1e-6) - np.log(shares[2] + 1e-6)) * inside
    votes = (plain == 1).astype(int) - (plain == 2)
    result = {
        "as the net labels it": plain,
        "plane favoured by the probabilities": cut(inside, best_plane(favour.sum(axis=others))),
        "plane favoured by the labels": cut(inside, best_plane(votes.sum(axis=others))),
    }
    border = border_between(truth)
    if border is not None and border.axis == _AXIS:
        result["the annotators' own plane"] = cut(inside, int(border.position))
    return result


def best_plane(anterior_minus_posterior: NDArray) -> int:
    """The first anterior slice, by what speaks for anterior less what speaks for posterior in each slice."""
    below = np.concatenate([[0], np.cumsum(anterior_minus_posterior)])
    return int(np.argmax(below[-1] - 2 * below))


def cut(inside: NDArray[np.bool_], plane: int) -> NDArray:
    """Label 1 from a slice on to the front, label 2 behind it."""
    is_anterior = np.arange(inside.shape[_AXIS])[None, :, None] >= plane
    return np.where(inside, np.where(is_anterior, 1, 2), 0)


def mean_dice(labels: NDArray, truth: NDArray[np.uint8]) -> float:
    return (overlap(labels == 1, truth == 1) + overlap(labels == 2, truth == 2)) / 2


def overlap(one: NDArray[np.bool_], other: NDArray[np.bool_]) -> float:
    return 2 * np.count_nonzero(one & other) / max(1, one.sum() + other.sum())


if __name__ == "__main__":
    main()
