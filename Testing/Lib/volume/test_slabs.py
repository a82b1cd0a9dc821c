"""Work cut into slabs: each row once, each thread by itself, the same result however many threads there are."""

from __future__ import annotations

from threading import Event

import numpy as np
import pytest
import torch

from CompactSegLib.volume.interpolation import Interpolation
from CompactSegLib.volume.labelling import Labelling
from CompactSegLib.volume.refinement import Refinement
from CompactSegLib.volume.slabs import in_slabs

CPU = torch.device("cpu")


@pytest.fixture
def threads():
    """Sets how many threads PyTorch has."""
    usual = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(usual)


@pytest.mark.parametrize("count", [1, 2, 3])
@pytest.mark.parametrize("size", [0.1, 4, 7, 1000])
def test_each_row_is_worked_on_once(threads, count, size):
    threads(count)
    times = np.zeros(23, dtype=int)

    def work(rows):
        times[rows] += 1

    in_slabs(work, 23, 1.0, size, device=CPU)
    assert (times == 1).all()


def test_few_rows_are_shared_by_all_threads(threads):
    threads(2)
    parts = []
    in_slabs(parts.append, 40, 1.0, 1000, device=CPU, least_rows=8)
    assert sorted((part.start, part.stop) for part in parts) == [(0, 40)]
    parts.clear()
    in_slabs(parts.append, 40, 1.0, 40, device=CPU, least_rows=8)
    assert sorted((part.start, part.stop) for part in parts) == [(0, 20), (20, 40)]
    parts.clear()
    in_slabs(parts.append, 40, 1.0, 2, device=CPU, least_rows=16)
    assert sorted((part.start, part.stop) for part in parts) == [(0, 16), (16, 32), (32, 40)]


def test_each_thread_works_by_itself_and_the_caller_keeps_its_own(threads):
    threads(2)
    seen = []

    def work(rows):
        seen.append((torch.get_num_threads(), torch.is_inference_mode_enabled()))

    in_slabs(work, 8, 1.0, 4, device=CPU)
    assert seen == [(1, True)] * 4
    assert torch.get_num_threads() == 2


def test_what_the_work_raises_reaches_the_caller(threads):
    threads(2)

    def work(rows):
        if rows.start == 3:
            raise MemoryError("none left")

    with pytest.raises(MemoryError, match="none left"):
        in_slabs(work, 8, 1.0, 2, device=CPU)
    assert torch.get_num_threads() == 2


@pytest.mark.parametrize("count", [1, 2])
def test_what_the_check_raises_ends_the_work(threads, count):
    threads(count)
    done, asked = [], Event()

    def work(rows):
        asked.wait()
        done.append(rows)

    def check():
        asked.set()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        in_slabs(work, 100_000, 1.0, count, device=CPU, check=check)
    assert len(done) < 100_000
    assert torch.get_num_threads() == count


def test_refined_labels_do_not_depend_on_threads(threads):
    drawn = np.random.default_rng(3)
    labels = np.zeros((40, 36, 30), dtype=np.uint8)
    labels[5:33, 6:30, 4:26] = 1
    labels[12:24, 12:22, 9:20] = 2
    image = labels * 100.0 + drawn.normal(0, 20, labels.shape)
    refinement = Refinement(mm=1.0, contrast=0.5)
    found = []
    for count in (1, 2, 3):
        threads(count)
        found.append(refinement.apply(labels, image, (1.0, 1.0, 1.0)))
    assert (found[0] != labels).any()
    assert all(np.array_equal(found[0], other) for other in found[1:])


def test_labels_on_the_source_grid_do_not_depend_on_threads(threads):
    logits = torch.randn(4, 9, 8, 7, generator=torch.Generator().manual_seed(1))
    axes = [
        Interpolation.triangle((np.arange(3 * size) - 1) / 3, 1.0, size)
        for size in logits.shape[1:]
    ]
    found = []
    for count in (1, 2, 3):
        threads(count)
        labelling = Labelling(logits, axes, (27, 24, 21), slab_bytes=60_000)
        found.append((labelling.labels(), *labelling.labels_and_ties(within=1e-2)))
    assert found[0][2].any()
    for other in found[1:]:
        assert all(torch.equal(a, b) for a, b in zip(found[0], other, strict=True))
