import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from CompactSegLib.synthesis.shapes import (
    bent,
    coarser_labels,
    decoy,
    random_centre,
    random_head_matrix,
)
from Testing.Lib.synthesis.heads import NOTHING_RANDOM, a_head, a_plan


def still(**changed):
    return a_plan(**{**NOTHING_RANDOM, **changed}).synthesis


def sampled(head, plan, *, centre=(0, 0, 0), shape=None, spacing=(1, 1, 1), seed=0):
    return bent(
        head,
        np.array(centre, dtype=float),
        shape or head.tissues.shape,
        spacing_mm=spacing,
        plan=plan,
        random=np.random.default_rng(seed),
    )


def test_without_any_change_the_head_itself_comes_back(tmp_path):
    head = a_head(tmp_path)
    assert torch.equal(sampled(head, still()), head.tissues)


def test_the_centre_comes_to_lie_in_the_middle(tmp_path):
    head = a_head(tmp_path)
    moved = sampled(head, still(), centre=(3, -2, 5))
    assert torch.equal(moved[:-3, 2:, :-5], head.tissues[3:, :-2, 5:])
    assert not moved[-3:].any()  # beyond the label map is air


def test_a_finer_grid_repeats_voxels(tmp_path):
    head = a_head(tmp_path)
    finer = sampled(head, still(), shape=(88, 96, 80), spacing=(0.5, 0.5, 0.5))
    assert torch.equal(finer[::2, 1::2, ::2], head.tissues)


def test_mirrored_heads_are_mirrored_left_to_right(tmp_path):
    head = a_head(tmp_path)
    head.tissues[:, :, :15] = 0
    assert torch.equal(sampled(head, still(mirror_probability=1.0)), head.tissues.flip(2))


def test_magnified_heads_are_larger(tmp_path):
    head = a_head(tmp_path)
    larger = sampled(head, still(scale=(1.2, 1.2)))
    white = head.values.index(2)
    ratio = (larger == white).sum() / (head.tissues == white).sum()
    assert float(ratio) == pytest.approx(1.2**3, rel=0.05)


def test_turning_keeps_volumes_and_moves_voxels(tmp_path):
    head = a_head(tmp_path)
    turned = sampled(head, still(rotation_degrees=30.0), seed=3)
    white = head.values.index(2)
    assert (turned == white).sum() == pytest.approx((head.tissues == white).sum().item(), rel=0.02)
    assert not torch.equal(turned, head.tissues)


def test_bending_moves_borders_by_about_what_the_plan_says(tmp_path):
    head = a_head(tmp_path)
    plan = still(elastic_mm=2.0)
    moved = [
        (sampled(head, plan, seed=seed) != head.tissues).float().mean().item() for seed in range(6)
    ]
    assert max(moved) > 0.02
    assert max(moved) < 0.5
    assert len(set(moved)) == 6


@given(seed=st.integers(0, 10_000))
@settings(max_examples=50, deadline=None)
def test_matrices_stay_within_the_plan(seed):
    plan = a_plan(rotation_degrees=20.0, scale=(0.8, 1.25), shear=0.1).synthesis
    matrix = random_head_matrix(plan, np.random.default_rng(seed))
    stretched = np.linalg.svd(matrix, compute_uv=False)
    assert 0.8 / 1.45 < stretched.min() <= stretched.max() < 1.25 * 1.45
    mirrored = np.linalg.det(matrix) < 0
    turned = matrix @ np.diag([1, 1, -1.0 if mirrored else 1.0])
    assert np.all(np.diag(turned) > 0.5)  # nothing is turned upside down


def test_patches_lie_in_the_brain_but_for_a_few(tmp_path):
    head = a_head(tmp_path)
    random = np.random.default_rng(1)
    size = np.array(head.tissues.shape) * head.spacing_mm
    low, high = head.brain_box_mm
    centres = np.array([random_centre(head, random) for _ in range(400)]) + size / 2
    inside = np.all((centres >= low) & (centres <= high), axis=1)
    assert 0.85 < inside.mean() < 1
    assert np.all((centres >= 0) & (centres <= size))


def test_decoys_have_other_shapes_where_the_brain_was(tmp_path):
    head = a_head(tmp_path)
    skull = head.tissues == head.values.index(515)
    whole = 0
    for seed in range(20):
        shapes = decoy(
            head.tissues, head.values, spacing_mm=(1, 1, 1), random=np.random.default_rng(seed)
        )
        assert shapes.shape == head.tissues.shape
        assert int(shapes.max()) < len(head.values)
        brain = torch.tensor([0 < value < 500 for value in head.values])[head.tissues.int()]
        assert (shapes != head.tissues)[brain].float().mean() > 0.3
        whole += not torch.equal(shapes[skull], head.tissues[skull])
    assert 3 < whole < 17


def test_many_decoys_are_phantoms_of_few_tissues():
    """A body in air with up to three inserts, or air alone, where random shapes are of eight tissues."""
    brain = torch.full((40, 44, 48), 5, dtype=torch.uint8)
    phantoms = air = 0
    for seed in range(60):
        random = np.random.default_rng(seed)
        found = decoy(brain, range(30), spacing_mm=(6, 6, 6), random=random).unique()
        phantoms += 1 < len(found) <= 5 and int(found[0]) == 0
        air += len(found) == 1
    assert 8 < phantoms < 36
    assert 1 < air < 12


def test_windows_take_their_most_frequent_label():
    labels = torch.zeros(4, 2, 2, dtype=torch.uint8)
    labels[0] = 2
    labels[1, 0] = 1  # 4 of 2, 2 of 1, 2 of 0
    labels[2, 0, 0] = 1
    assert coarser_labels(labels, (2, 2, 2), classes=3).flatten().tolist() == [2, 0]
    assert torch.equal(coarser_labels(labels, (1, 1, 1), classes=3), labels)
    assert coarser_labels(labels, (1, 2, 1), classes=3).shape == (4, 1, 2)


@given(seed=st.integers(0, 1000))
@settings(max_examples=25, deadline=None)
def test_windows_agree_with_a_plain_count(seed):
    random = np.random.default_rng(seed)
    labels = random.integers(0, 4, (4, 6, 2)).astype(np.uint8)
    coarse = coarser_labels(torch.from_numpy(labels), (2, 3, 1), classes=4).numpy()
    for d, h, w in np.ndindex(coarse.shape):
        window = labels[2 * d : 2 * d + 2, 3 * h : 3 * h + 3, w]
        assert coarse[d, h, w] == np.bincount(window.ravel(), minlength=4).argmax()
