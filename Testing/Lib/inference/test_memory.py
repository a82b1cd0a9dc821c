"""The memory that is left: containers, and what malloc keeps."""

from __future__ import annotations

from pathlib import Path

import pytest

from CompactSegLib.inference.memory import _left_in_cgroups, _mallinfo, free_main_memory

GB = 10**9


def a_group(folder: Path, *, limit: int | str, used: int, reclaimable: int = 0) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "memory.max").write_text(f"{limit}\n")
    (folder / "memory.current").write_text(f"{used}\n")
    (folder / "memory.stat").write_text(f"anon 1\ninactive_file {reclaimable}\n")


def test_the_tightest_group_around_the_process_counts(tmp_path):
    own = tmp_path / "own"
    own.write_text("0::/user/job\n")
    mounted = tmp_path / "cgroup"
    a_group(mounted / "user", limit=8 * GB, used=5 * GB, reclaimable=GB)
    a_group(mounted / "user" / "job", limit="max", used=GB)
    assert min(_left_in_cgroups(mounted, own)) == 4 * GB


def test_a_container_that_names_the_hosts_path_is_limited_by_its_root(tmp_path):
    own = tmp_path / "own"
    own.write_text("4:cpu,memory:/docker/0123\n1:cpu:/docker/0123\n")
    root = tmp_path / "cgroup" / "memory"
    root.mkdir(parents=True)
    (root / "memory.limit_in_bytes").write_text("2000000000\n")
    (root / "memory.usage_in_bytes").write_text("500000000\n")
    (root / "memory.stat").write_text("total_inactive_file 100000000\n")
    assert min(_left_in_cgroups(tmp_path / "cgroup", own)) == 1_600_000_000


def test_without_groups_nothing_limits(tmp_path):
    assert min(_left_in_cgroups(tmp_path, tmp_path / "absent")) > 10**18


@pytest.mark.skipif(_mallinfo() is None, reason="malloc is not glibc's, or an older one's")
def test_memory_that_malloc_keeps_counts_as_free(monkeypatch):
    monkeypatch.setattr("CompactSegLib.inference.memory._kept_by_malloc", lambda: 2**60)
    assert free_main_memory() > 2**60
